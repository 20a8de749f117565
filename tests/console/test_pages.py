"""Pages with something in them: filled forms, results and errors are accessible; every page speaks three languages."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.fakes.browser import axe_core, axe_problems, operator, reviewer, sign_in
from tests.fakes.engine import Square
from tests.fakes.furnished import HOSTILE, PAGES_SHOWN, Furnished

pytestmark = pytest.mark.slow

SHOTS = os.environ.get("CUSTODES_TEST_SHOTS", "")
"""A folder that a person who wants to look at all pages names."""
SIZES = ((1280, 900), (360, 780), (3840, 2160))


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.npm
@pytest.mark.timeout(300)
def test_filled_forms_and_errors_are_accessible(browse: Any, furnished: Furnished, photos: Any) -> None:
    axe, problems = axe_core(), []
    with browse() as watched:
        page = watched.page

        def look(name: str) -> None:
            page.wait_for_function("() => !document.querySelector('[data-state=checking]')")
            for width, height in SIZES:
                page.set_viewport_size({"width": width, "height": height})
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                    shoot(page, f"{name}-{width}-{scheme}")
                    rules = None if scheme == "light" else ["color-contrast"]
                    problems.extend(axe_problems(page, axe, f"{name}, {width}, {scheme}", rules))
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    problems.append((name, f"wider than {width}", ""))
            page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})

        watched.go("/sign-in")
        page.evaluate("document.querySelector('label').replaceWith(document.querySelector('label').firstElementChild)")
        assert axe_problems(page, axe, "a field without its label", None), "axe finds nothing at all"
        watched.go("/sign-in")
        look("sign-in")
        sign_in(watched, furnished.server)
        watched.go("/try/compare")
        page.set_input_files("input[name=source]", photos(Square(1), name="a"))
        page.set_input_files("input[name=target]", photos(Square(1, 10), name="b"))
        page.get_by_role("button", name="Compare").click()
        page.wait_for_selector("#result [data-receipt][data-state=good]")
        look("compared")
        watched.go(f"/collections/{furnished.places['{collection}']}/add")
        page.set_input_files("input[name=photo]", [photos(Square(2), name="c"), photos(name="nobody")])
        page.get_by_role("button", name="Add to the collection").click()
        page.get_by_text("All photos are done.").wait_for()
        look("enrolled")
        watched.go(furnished.filled("/customers/{account}"))
        page.check("input[name=call][value=accept]")
        page.fill("input[name=why]", "a sole trader")
        look("a decision")
        watched.go("/statement")
        page.fill("input[name=account]", furnished.server.deployment.keys.account_id)
        page.get_by_role("button", name="Make and check it here").click()
        page.wait_for_selector("[data-verdict]")
        look("a statement")
        watched.go("/policy")
        page.check("input[value=uk-russia-sanctions]")
        page.get_by_role("button", name="Write the change down").click()
        page.get_by_text("tightening").wait_for()
        look("a proposal")
        watched.go(f"/labels/{furnished.places['{project}']}/train/draw")
        page.fill("[data-name]", HOSTILE[0])
        page.set_input_files(".drop input", photos(Square(3), name="d"))
        page.get_by_role("button", name="Add a box").click()
        look("a box")
        watched.go("/liveness")
        page.get_by_role("button", name="Make a session").click()
        look("a check")
        watched.go("/collections/nothing-of-this-name")
        look("an error")
        assert watched.wrong.pop().startswith("Failed to load resource")  # the browser says so of every refusal
    assert problems == []


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_page_speaks_the_language_that_the_browser_asks_for(furnished: Furnished, language: str) -> None:
    for visitor, reviews in ((operator(furnished), False), (reviewer(furnished), True)):
        for path in (one for one in PAGES_SHOWN if one.startswith("/reviews") is reviews):
            status, _, text = visitor.ask("GET", f"/console{furnished.filled(path)}", accept_language=language)
            assert (status, f'<html lang="{language}"' in text) == (200, True), path


@pytest.mark.parametrize(("language", "title"), [("de", "Sammlungen"), ("fr", "Collections")])
def test_language_and_theme_are_the_readers_choice(
    browse: Any, furnished: Furnished, language: str, title: str
) -> None:
    with browse() as watched:
        page = watched.page
        sign_in(watched, furnished.server)
        page.get_by_text("Language, appearance").click()
        page.select_option("select[name=language]", language)
        page.get_by_role("button", name="Apply").click()
        assert page.get_attribute("html", "lang") == language
        watched.go("/collections")
        assert page.inner_text("h1") == title
        page.locator(".who summary").click()
        page.select_option("select[name=theme]", "dark")
        page.locator(".preferences button").click()
        assert page.get_attribute("html", "data-theme") == "dark"
