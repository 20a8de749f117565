"""Every page: found by its menu, accessible by axe-core, no wider than a phone, small, and right in every language."""

from __future__ import annotations

import os
from typing import Any

import pytest

from custodes.console.routes import PAGES
from fakes.browser import axe_core, axe_problems, sign_in
from fakes.engine import Square, picture

SHOTS = os.environ.get("CUSTODES_TEST_SHOTS", "")
"""A folder that a person who wants to look at all pages names."""
MAX_PAGE_BYTES = 150_000
COLLECTION, PERSON = "people", "ann"


@pytest.fixture(scope="module")
def places(served: Any) -> dict[str, str]:
    """What stands for the parameters of paths."""
    client = served.client()
    client.create_collection(CollectionId=COLLECTION)
    for who in range(1, 5):
        content = picture(Square(who))
        record = client.index_faces(CollectionId=COLLECTION, Image={"Bytes": content}, ExternalImageId=f"Person.{who}")[
            "FaceRecords"
        ][0]
    client.create_user(CollectionId=COLLECTION, UserId=PERSON)
    client.associate_faces(CollectionId=COLLECTION, UserId=PERSON, FaceIds=[record["Face"]["FaceId"]])
    profile = {"legal_name": "Anna's Photos B.V.", "sector": "retail", "country": "NL"}
    account = served.deployment.administration.ask("account create", {"profile": profile}, os.getuid())
    served.deployment.administration.ask("statement create", {"account": account["account_id"]}, os.getuid())
    return {
        "{collection}": COLLECTION,
        "{person}": PERSON,
        "{face}": record["Face"]["FaceId"],
        "{task}": "compare",
        "{index}": "3",
        "{account}": account["account_id"],
    }


NEEDS_MORE = {
    "/jobs/{kind}/{job}": "a video",
    "/jobs/{kind}/{job}/export": "a video",
    "/jobs/{kind}/{job}/edl": "a video",
    "/find-job": "leads elsewhere",
    "/reviews/{review}": "a review: see test_officer",
    "/erasures": "leads elsewhere",
    "/erasures/{face}": "a file",
    "/bills/{month}/{account}": "a file",
}
PATHS = [page.path for page in PAGES if page.method == "GET" and page.path not in NEEDS_MORE]


FEW = ("/", "/policy", "/collections/{collection}")
"""Pages that are looked at on the largest screen, too."""


def filled(path: str, places: dict[str, str]) -> str:
    for name, value in places.items():
        path = path.replace(name, value)
    return path + ("?request=3" if path == "/policy/explain" else "")


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.npm
def test_every_page_is_accessible_and_fits_a_phone(browse: Any, served: Any, places: dict[str, str]) -> None:
    axe = axe_core()
    problems: list[tuple[str, str, str]] = []
    with browse() as watched:
        page = watched.page
        page.goto(f"{watched.url}/console/sign-in")
        page.evaluate("document.querySelector('label').replaceWith(document.querySelector('label').firstElementChild)")
        assert axe_problems(page, axe, "a field without its label", None), "axe finds nothing at all"
        page.goto(f"{watched.url}/console/sign-in")
        problems += axe_problems(page, axe, "sign-in", None)
        sign_in(watched, served)
        for path in PATHS:
            page.emulate_media(color_scheme="light", reduced_motion="reduce")
            page.set_viewport_size({"width": 1280, "height": 900})
            watched.go(filled(path, places))
            page.wait_for_function("!document.querySelector('[data-state=checking]')")
            name = path.strip("/").replace("/", "-").replace("{", "").replace("}", "") or "home"
            shoot(page, f"{name}-light")
            problems += axe_problems(page, axe, path, None)
            page.emulate_media(color_scheme="dark")
            shoot(page, f"{name}-dark")
            problems += axe_problems(page, axe, f"{path} dark", ["color-contrast"])
            page.set_viewport_size({"width": 360, "height": 780})
            if page.evaluate("document.documentElement.scrollWidth") > 360:
                problems.append((path, "wider than a phone", page.evaluate(_WIDEST)))
            shoot(page, f"{name}-phone")
            if path in FEW:
                page.set_viewport_size({"width": 3840, "height": 2160})
                if page.evaluate("document.documentElement.scrollWidth") > 3840:
                    problems.append((path, "wider than 4k", ""))
                shoot(page, f"{name}-4k")
    assert problems == []


@pytest.mark.npm
def test_filled_forms_and_errors_are_accessible(browse: Any, served: Any, places: dict[str, str], photos: Any) -> None:
    axe, problems = axe_core(), []
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        watched.go("/try/compare")
        page.set_input_files("input[name=source]", photos(Square(1), name="a"))
        page.set_input_files("input[name=target]", photos(Square(1, 10), name="b"))
        page.get_by_role("button", name="Compare").click()
        page.wait_for_selector("[data-receipt][data-state=good]")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            shoot(page, f"compared-{scheme}")
            problems += axe_problems(page, axe, f"compared {scheme}", None)
        watched.go("/customers/{account}".format(**{"account": places["{account}"]}))
        page.check("input[name=call][value=accept]")
        page.fill("input[name=why]", "a sole trader")
        problems += axe_problems(page, axe, "a decision", None)
        watched.go("/policy")
        page.check("input[value=uk-russia-sanctions]")
        page.get_by_role("button", name="Write the change down").click()
        page.get_by_text("tightening").wait_for()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            shoot(page, f"proposal-{scheme}")
            problems += axe_problems(page, axe, f"a proposal {scheme}", None)
        watched.go("/collections/nothing-of-this-name")
        shoot(page, "refused-dark")
        problems += axe_problems(page, axe, "an error", None)
        assert watched.wrong.pop().startswith("Failed to load resource")  # the browser says so of every refusal
    assert problems == []


_WIDEST = """[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 361
  && !e.closest('.scroll, .tabs')).map(e => e.tagName + '.' + e.className).slice(0, 3).join()"""


LOADED = """['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind))
  .reduce((sum, one) => sum + one.decodedBodySize, 0)"""


def test_a_page_is_small(browse: Any, served: Any, places: dict[str, str]) -> None:
    """With everything that it loads: scripts, styles, the verifier of its receipts."""
    totals: dict[str, int] = {}
    with browse() as watched:
        sign_in(watched, served)
        for path in PATHS:
            watched.go(filled(path, places))
            watched.page.wait_for_function("!document.querySelector('[data-state=checking]')")
            totals[path] = watched.page.evaluate(LOADED)
    assert min(totals.values()) > MAX_PAGE_BYTES / 3, "what a page loads is not counted"
    assert {path: total for path, total in totals.items() if total > MAX_PAGE_BYTES} == {}


@pytest.mark.parametrize(("language", "title"), [("de", "Sammlungen"), ("fr", "Collections")])
def test_pages_speak_the_readers_language(
    browse: Any, served: Any, places: dict[str, str], language: str, title: str
) -> None:
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        page.get_by_text("Language, appearance").click()
        page.select_option("select[name=language]", language)
        page.get_by_role("button", name="Apply").click()
        assert page.get_attribute("html", "lang") == language
        for path in PATHS[:: 1 if language == "de" else 4]:
            watched.go(filled(path, places))
        watched.go("/collections")
        assert page.inner_text("h1") == title
        page.locator(".who summary").click()
        page.select_option("select[name=theme]", "dark")
        page.locator(".preferences button").click()
        assert page.get_attribute("html", "data-theme") == "dark"
