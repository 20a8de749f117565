"""A customer without rights on the machine: a statement, invoices and certificates of their own, none of another's."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import boto3
import pytest

from custodes.core.clock import SystemClock
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.verifier.invoices.meter import Month
from tests.fakes.browser import Watched, sign_in_with_key, type_key
from tests.fakes.engine import Square, picture


def customer(served: Any, name: str) -> dict[str, Any]:
    profile = {"legal_name": name, "sector": "retail", "country": "NL"}
    made: dict[str, Any] = served.deployment.administration.ask("account create", {"profile": profile}, os.getuid())
    return made


def client(served: Any, key: dict[str, Any]) -> Any:
    session = boto3.session.Session(
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"],
        region_name="eu-central-1",
    )
    return session.client("rekognition", endpoint_url=served.url)


@pytest.fixture(scope="module")
def shop(served: Any) -> dict[str, Any]:
    """A customer with one face that is there, one that was erased, and an invoice for the month so far."""
    key = customer(served, "The Shop B.V.")
    api = client(served, key)
    api.create_collection(CollectionId="regulars")
    ids = []
    for who in (1, 2):
        image = {"Bytes": picture(Square(who))}
        ids.append(api.index_faces(CollectionId="regulars", Image=image)["FaceRecords"][0]["Face"]["FaceId"])
    api.delete_faces(CollectionId="regulars", FaceIds=ids[:1])
    ledger = served.deployment.ledger
    ledger.log.flush()
    month = Month.of(SystemClock().now_ms())
    ledger.statements.commit_bills(ledger.statements.bill(month, load_prices(default_prices())), ledger.log)
    return {**key, "erased": ids[0], "kept": ids[1], "month": str(month)}


@pytest.fixture(scope="module")
def rival(served: Any, shop: dict[str, Any]) -> dict[str, Any]:
    return customer(served, "The Rival B.V.")


def wait_for(watched: Watched, word: str) -> None:
    watched.page.wait_for_selector(f"[data-verdict={word}]")


def test_a_customer_proves_its_own_use(browse: Any, served: Any, shop: dict[str, Any]) -> None:
    with browse(accept_downloads=True) as watched:
        page = watched.page
        type_key(watched, shop)
        watched.follow(page.get_by_role("link", name="Statements"))
        assert page.locator("input[name=account], textarea[name=party]").count() == 0
        page.get_by_role("button", name="Make and check it here").click()
        wait_for(watched, "PRESENT")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        made = json.loads(Path(download.value.path()).read_text())
        assert made["statement"]["question"]["identifier"] == f"acct:{shop['account_id']}"


def test_a_form_that_names_another_account_is_about_ones_own(browse: Any, served: Any, shop: dict[str, Any]) -> None:
    other = served.deployment.keys.account_id
    with browse(accept_downloads=True) as watched:
        page = watched.page
        sign_in_with_key(watched, shop)
        watched.go("/statement")
        page.evaluate(
            "other => document.querySelector('input[name=from]').form.append("
            "Object.assign(document.createElement('input'), {name: 'account', value: other}))",
            other,
        )
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        text = Path(download.value.path()).read_text()
        assert shop["account_id"] in download.value.suggested_filename
        assert f"acct:{shop['account_id']}" in text and f"acct:{other}" not in text


def test_a_customer_opens_and_prints_its_invoice(browse: Any, shop: dict[str, Any]) -> None:
    with browse(accept_downloads=True) as watched:
        page = watched.page
        sign_in_with_key(watched, shop)
        page.get_by_role("link", name="Bills").click()
        page.get_by_role("link", name=shop["month"]).click()
        assert page.locator("dd").first.inner_text() == shop["account_id"]
        assert page.locator("tbody tr").count() >= 1
        page.wait_for_selector("[data-verdict]")
        page.emulate_media(media="print")
        assert page.is_visible("table") and page.is_visible("tfoot")
        assert page.is_visible("[data-verdict]"), "what it proves is printed, the file is not"
        assert not any(page.is_visible(name) for name in (".top", ".evidence details", ".record", "main .button"))
        page.emulate_media(media="screen")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download with its proof").click()
        assert json.loads(Path(download.value.path()).read_text())["invoice"]["bill"]["account"] == shop["account_id"]


def test_a_customer_gets_the_certificate_of_a_face_it_erased(browse: Any, shop: dict[str, Any]) -> None:
    with browse(accept_downloads=True) as watched:
        page = watched.page
        sign_in_with_key(watched, shop)
        watched.go("/collections/regulars")
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Delete the chosen faces").click()
        page.get_by_role("link", name="Get the certificate").click()
        assert shop["kept"] in page.inner_text("dl.facts")
        wait_for(watched, "ABSENT")
        watched.go("/subjects")
        page.fill("input[name=face]", shop["erased"])
        page.get_by_role("button", name="Get the certificate").click()
        wait_for(watched, "ABSENT")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert json.loads(Path(download.value.path()).read_text())["erasure"]["face"] == shop["erased"]


def test_what_is_anothers_is_not_there(browse: Any, shop: dict[str, Any], rival: dict[str, Any]) -> None:
    with browse() as watched:
        page = watched.page
        sign_in_with_key(watched, rival)
        watched.go("/bills")
        page.get_by_text("Nothing was billed to this account yet.").wait_for()
        paths = [
            f"/erasures/{shop['erased']}",
            f"/erasures/{shop['erased']}?keep=1",
            f"/bills/{shop['month']}/{shop['account_id']}",
            f"/bills/{shop['month']}/{shop['account_id']}?keep=1",
            f"/bills/{shop['month']}/{rival['account_id']}",
            f"/bills/no-month/{rival['account_id']}",
            "/erasures/no-face",
        ]
        for path in paths:
            answer = page.goto(f"{watched.url}/console{path}")
            assert answer.status == 404, path
            assert shop["account_id"] not in page.inner_text("main"), path
        assert {one.split(":")[0] for one in watched.wrong} == {"Failed to load resource"}
        watched.wrong.clear()
