"""What forms are answered with: every page that comes from one is small and does what pages do."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

import pytest

from custodes.console.pages.recognition.try_it import TASKS
from custodes.console.routes import PAGES
from custodes.console.visit import View
from tests.fakes.browser import LOADED, MAX_PAGE_BYTES, settle, sign_in, sign_in_with_key
from tests.fakes.engine import Square
from tests.fakes.furnished import Furnished

Fill = Callable[[Any, Furnished, Any], None]


def _press(selector: str) -> Fill:
    return lambda page, _, __: page.locator(selector).click()


def _tried(page: Any, _: Furnished, photo: Any) -> None:
    for field in page.locator("form.try input[type=file]").all():
        field.set_input_files(photo)
    page.locator("button.go").click()
    page.locator("#result [data-focus], #result [role=alert]").wait_for()


def _added(page: Any, _: Furnished, photo: Any) -> None:
    page.set_input_files("input[name=photo]", photo)
    page.locator("button.go").click()
    page.get_by_text("All photos are done.").wait_for()


def _deleted(page: Any, _: Furnished, __: Any) -> None:
    page.locator("ul.faces input[type=checkbox]").first.check()
    page.locator("form:has(ul.faces) button.quiet").click()


def _given(page: Any, furnished: Furnished, _: Any) -> None:
    page.fill("textarea[name=faces]", furnished.places["{face}"])
    page.locator("form:has(textarea[name=faces]) button").click()


def _sought(page: Any, _: Furnished, photo: Any) -> None:
    page.set_input_files("input[name=picture]", photo)
    page.locator("button.go").click()


def _stated(page: Any, furnished: Furnished, _: Any) -> None:
    page.fill("input[name=account]", furnished.server.deployment.keys.account_id)
    page.get_by_role("button", name="Make and check it here").click()
    page.wait_for_selector("[data-verdict]")


def _stated_of_a_party(page: Any, _: Furnished, __: Any) -> None:
    page.fill("textarea[name=party]", "Nobody at all Ltd\nNobody GmbH\nlei:529900T8BM49AURSDO55")
    page.get_by_role("button", name="Make and check it here").click()
    page.wait_for_selector("[data-verdict]")


def _opened(page: Any, _: Furnished, __: Any) -> None:
    page.fill("input[name=name]", "Small N.V.")
    page.fill("input[name=country]", "NL")
    page.locator("form:has(input[name=country]) button").click()


def _proposed(page: Any, _: Furnished, __: Any) -> None:
    page.check("input[value=uk-russia-sanctions]")
    page.get_by_role("button", name="Write the change down").click()
    page.get_by_text("tightening").wait_for()


STEPS: tuple[tuple[str, str, Fill], ...] = (
    *((f"/try/{{task}} {name}", f"/try/{name}", _tried) for name in TASKS),
    ("/collections/{collection}/add", "/collections/{collection}/add", _added),
    (
        "/collections/{collection}/faces/{face}",
        "/collections/{collection}/faces/{face}",
        _press("form button:text('Look for duplicates')"),
    ),
    ("/collections/{collection}/people/{person}", "/collections/{collection}/people/{person}", _given),
    ("/collections/{collection}/delete-faces", "/collections/{collection}", _deleted),
    ("/liveness", "/liveness", _press("main form button")),
    ("/subjects", "/subjects", _sought),
    ("/statement", "/statement", _stated),
    ("/statement of a party", "/statement", _stated_of_a_party),
    ("/customers", "/customers", _opened),
    ("/policy/proposal", "/policy", _proposed),
)
OF_REVIEWER: tuple[tuple[str, str, Fill], ...] = (
    ("/reviews/{review}", "/reviews/{review}", _press("button[value=release]")),
)
NOT_HERE = {"/labels/{project}/try": "takes a trained version; the page is that of /try/{task} and is in test_labels"}


def test_no_form_is_left_out() -> None:
    answered = {page.path for page in PAGES if page.method == "POST" and View in _kinds(page.handler)}
    assert {name.partition(" ")[0] for name, _, _ in (*STEPS, *OF_REVIEWER)} | NOT_HERE.keys() == answered


def _kinds(handler: Any) -> tuple[Any, ...]:
    found = typing.get_type_hints(handler)["return"]
    return typing.get_args(found) or (found,)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("steps", [STEPS, OF_REVIEWER], ids=["operator", "reviewer"])
def test_what_a_form_is_answered_with_is_small(browse: Any, furnished: Furnished, photos: Any, steps: Any) -> None:
    totals, photo = dict[str, int](), photos(Square(3), name="three")
    with browse() as watched:
        page = watched.page
        refused = "Failed to load resource: the server responded with a status of 409 (Conflict)"  # nobody confirmed it
        if steps is OF_REVIEWER:
            sign_in_with_key(watched, furnished.reviewer)
        else:
            sign_in(watched, furnished.server)
        for name, path, fill in steps:
            watched.go(furnished.filled(path))
            fill(page, furnished, photo)
            settle(page, path)
            totals[name] = page.evaluate(LOADED)
            assert page.locator("main h1, main h2").first.is_visible(), name
        watched.wrong[:] = [one for one in watched.wrong if steps is STEPS or one != refused]
    assert {name: total for name, total in totals.items() if total > MAX_PAGE_BYTES} == {}
    assert min(totals.values()) > MAX_PAGE_BYTES / 6, "what a page loads is not counted"
