"""An auditor: a statement made and checked in the browser, a flipped bit rejected, absence proven, files of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from custodes.ledger.prover.files import encode_file
from tests.fakes.browser import sign_in
from tests.fakes.stamped import authority
from tests.ledger_maps.conftest import World
from tests.ledger_maps.test_stamp_signatures import stamp_file_of, stamped_world

STRANGER = "999999999999"


def verdict(watched: Any, path: Path) -> str:
    watched.page.set_input_files("[data-verify-file] input", path)
    watched.page.wait_for_function(
        "name => document.querySelector('.verdict-place [data-verdict]')?.parentElement.dataset.of !== name",
        arg=path.name,
    )
    watched.page.wait_for_selector(".verdict-place [data-verdict]")
    return str(watched.page.get_attribute(".verdict-place [data-verdict]", "data-verdict"))


def test_a_statement_is_made_and_checked(browse: Any, served: Any, tmp_path: Path) -> None:
    account = served.deployment.keys.account_id
    served.client().list_collections()
    with browse(accept_downloads=True) as watched:
        page = watched.page
        sign_in(watched, served)
        page.get_by_role("link", name="Ledger").click()
        page.get_by_role("link", name="Make a statement").click()
        for asked, word in ((account, "PRESENT"), (STRANGER, "ABSENT")):
            page.fill("input[name=account]", asked)
            page.get_by_role("button", name="Make and check it here").click()
            page.wait_for_selector(f"[data-verdict={word}]")
        page.fill("input[name=account]", account)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        good = tmp_path / "statement.json"
        download.value.save_as(good)
        content = good.read_bytes()
        assert json.loads(content)["statement"]["question"]["identifier"] == f"acct:{account}"
        at = content.index(b'"units"') if b'"units"' in content else len(content) // 2
        bad = tmp_path / "flipped.json"
        bad.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        for path, word in ((good, "PRESENT"), (bad, "INVALID")):
            watched.go("/verify")
            assert verdict(watched, path) == word


def test_a_receipt_of_an_answer_is_checked(browse: Any, served: Any, tmp_path: Path) -> None:
    answer = served.client().list_collections()
    receipt = tmp_path / "1.receipt"
    receipt.write_text(answer["ResponseMetadata"]["HTTPHeaders"]["x-custodes-receipt"] + "\n")
    with browse() as watched:
        sign_in(watched, served)
        watched.go("/verify")
        assert verdict(watched, receipt) == "PRESENT"


def test_growth_is_held_against_the_public_log(browse: Any, served: Any, tmp_path: Path) -> None:
    for _ in range(3):
        served.client().list_collections()
        served.deployment.ledger.duties.close_heads()
    good, bad = tmp_path / "log.growth", tmp_path / "other.growth"
    lines = list(served.deployment.ledger.statements.maps.growth())
    good.write_bytes(b"".join(lines))
    bad.write_bytes(b"".join(lines[:-1]))
    with browse() as watched:
        sign_in(watched, served)
        for path, word in ((good, "PRESENT"), (bad, "INVALID")):
            watched.go("/verify")
            assert verdict(watched, path) == word


def test_time_stamps_go_with_their_statement(browse: Any, served: Any, tmp_path: Path) -> None:
    authorities = {kind: authority(kind) for kind in ("pss-strict", "ed25519", "ecdsa")}
    world, stamps, begin, end = stamped_world(World, authorities, tuple(authorities))
    files = {
        "statement.json": encode_file(world.statement(f"acct:{STRANGER}", begin, end)),
        "stamps.json": stamp_file_of(world, stamps),
        "roots.pem": b"".join(one.root_pem for one in authorities.values()),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with browse() as watched:
        sign_in(watched, served)
        for given, word in (
            (["statement.json", "stamps.json", "roots.pem"], "ABSENT"),
            (["roots.pem", "statement.json", "stamps.json"], "ABSENT"),
            (["stamps.json"], "INVALID"),
        ):
            watched.go("/verify")
            watched.page.get_by_text("Whom you trust").click()
            watched.page.fill("[data-verify-file] textarea", world.policy_text())
            watched.page.set_input_files("[data-verify-file] input", [tmp_path / name for name in given])
            watched.page.wait_for_selector(".verdict-place [data-verdict]")
            assert watched.page.get_attribute(".verdict-place [data-verdict]", "data-verdict") == word


def test_whom_to_trust_is_the_readers_choice(browse: Any, served: Any, tmp_path: Path) -> None:
    answer = served.client().list_collections()
    receipt = tmp_path / "1.receipt"
    receipt.write_text(answer["ResponseMetadata"]["HTTPHeaders"]["x-custodes-receipt"])
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        watched.go("/verify")
        page.get_by_text("Whom you trust").click()
        other = "log example.org/other+8f8f4ac8+AUHMuhpu5Yd2EL9bl2oaqeYyQCb9B7cjRLfgCj0uDd7f"
        page.fill("[data-verify-file] textarea", f"{other}\nquorum none\n")
        assert verdict(watched, receipt) != "PRESENT"


def test_bills_of_the_running_month(browse: Any, served: Any) -> None:
    served.client().list_collections()
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        page.get_by_role("link", name="Bills").click()
        assert page.locator("tbody th").first.inner_text() == served.deployment.keys.account_id
        assert page.get_by_text("not billed yet").count() == 1
        page.emulate_media(media="print")
        assert page.is_visible("table") and not page.is_visible(".top") and not page.is_visible("main form")


INK = "() => getComputedStyle(document.querySelector('main h1')).color"


@pytest.mark.parametrize("chosen", ["", "dark"])
def test_what_is_printed_is_dark_on_white_whatever_the_screen_shows(browse: Any, served: Any, chosen: str) -> None:
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        if chosen:
            page.locator(".who summary").click()
            page.select_option("select[name=theme]", chosen)
            page.locator(".preferences button").click()
        page.set_viewport_size({"width": 720, "height": 1000})
        watched.go("/policy")
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(INK) == "rgb(232, 235, 237)"
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate(INK) == "rgb(0, 0, 0)"
        assert page.evaluate("document.documentElement.scrollWidth") <= 720, "a column would be cut off"
