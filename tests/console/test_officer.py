"""An officer's day: a result that two persons confirm, the rules in force, why a request was refused, a customer."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.browser import sign_in, sign_in_with_key
from tests.fakes.public_safety import PublicSafety

SOMEBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def coast_guard(served: Any) -> PublicSafety:
    return PublicSafety(served)


def test_two_persons_confirm_and_the_result_is_told(browse: Any, served: Any, coast_guard: PublicSafety) -> None:
    coast_guard.search()
    for name, button in (("ann", "Confirm"), ("bob", "Confirm"), ("asker", "Release the result")):
        with browse() as watched:
            page = watched.page
            sign_in_with_key(watched, coast_guard.keys[name])
            page.get_by_role("link", name="Reviews").click()
            page.locator("tbody a").first.click()
            page.locator("input[name=reason]").wait_for()
            told = page.get_by_text("Anna.K").count()
            assert told == (0 if name == "asker" else 1)
            assert page.locator("img[alt='Who was searched for']").count() == (0 if name == "asker" else 1)
            assert page.locator("li.candidate img").count() == told
            page.fill("input[name=reason]", "compared <b>with</b> the file")
            page.get_by_role("button", name=button).click()
            if name == "asker":
                page.get_by_text("Anna.K").wait_for()
                assert page.get_by_text("compared <b>with</b> the file").count() == 2
            else:
                page.get_by_text("confirmed", exact=True).first.wait_for()


def test_who_searched_may_not_confirm(browse: Any, served: Any, coast_guard: PublicSafety) -> None:
    coast_guard.search()
    with browse() as watched:
        page = watched.page
        sign_in_with_key(watched, coast_guard.keys["asker"])
        watched.go("/reviews")
        page.locator("tbody a").last.click()
        page.get_by_role("button", name="Confirm").click()
        page.get_by_role("alert").wait_for()
        assert watched.wrong.pop().startswith("Failed to load resource")  # the browser says so of every refusal


def test_a_refusal_is_explained(browse: Any, served: Any, coast_guard: PublicSafety) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        coast_guard.client("ann").search_faces(CollectionId="wanted", FaceId=SOMEBODY, FaceMatchThreshold=50.0)
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        page.get_by_role("link", name="Ledger").click()
        page.select_option("select[name=kind]", "auth")
        page.get_by_role("button", name="Show", exact=True).click()
        page.locator("tr:has-text('refused') a").first.click()
        watched.follow(page.get_by_role("link", name="Why was it decided so?"))
        assert page.get_by_text("refused").count() == 1
        assert "public-safety" in page.inner_text("main")
        assert page.get_by_text("the same", exact=True).count() == 1


def test_the_rules_and_their_sources_are_shown(browse: Any, served: Any) -> None:
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        watched.follow(page.get_by_role("link", name="Policy"))
        assert page.get_by_text("police-moratorium.face-comparison").count() == 1
        assert page.get_by_text("14 days").count() == 1
        moment = page.locator("time[title]").first
        assert str(moment.get_attribute("title")).endswith(" UTC") and "UTC" not in moment.inner_text()


def test_a_customer_is_opened_suspended_and_activated(browse: Any, served: Any) -> None:
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        page.get_by_role("link", name="Customers").click()
        page.fill("input[name=name]", "Ben's <i>Books</i>")
        page.fill("input[name=country]", "nl")
        page.get_by_role("button", name="Open an account").click()
        key = page.locator("dd.mono").nth(1).inner_text()
        secret = page.locator("dd.mono").nth(2).inner_text()
        page.locator("dd a").click()
        assert page.inner_text("h1") == "Ben's <i>Books</i>"
        page.fill("input[name=reason]", "an unpaid bill")
        page.get_by_role("button", name="Suspend").click()
        page.get_by_text("suspended", exact=True).wait_for()
        page.get_by_role("button", name="Activate").click()
        page.get_by_text("active", exact=True).wait_for()
    with browse() as watched:
        sign_in_with_key(watched, {"access_key_id": key, "secret_access_key": secret})
        assert watched.page.get_by_role("link", name="Customers").count() == 0
