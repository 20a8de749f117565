"""Every page: found by its menu, accessible by axe-core, no wider than a phone, small, and right in every language."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from custodes.console.routes import PAGES
from fakes.browser import sign_in
from fakes.engine import Square, picture

AXE = Path(__file__).parents[2] / "build/node_modules/axe-core/axe.min.js"
SHOTS = os.environ.get("CUSTODES_TEST_SHOTS", "")
"""A folder that a person who wants to look at all pages names."""
STATIC = Path(__file__).parents[2] / "src/custodes/console/static"
MAX_PAGE_BYTES = 150_000
COLLECTION, PERSON = "people", "ann"
SEVERE = ("serious", "critical")


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
    "/find-job": "leads elsewhere",
    "/reviews/{review}": "a review: see test_officer",
    "/erasures": "leads elsewhere",
    "/erasures/{face}": "a file",
    "/bills/{month}/{account}": "a file",
}
PATHS = [page.path for page in PAGES if page.method == "GET" and page.path not in NEEDS_MORE]


def filled(path: str, places: dict[str, str]) -> str:
    for name, value in places.items():
        path = path.replace(name, value)
    return path + ("?request=3" if path == "/policy/explain" else "")


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.npm
def test_every_page_is_accessible_and_fits_a_phone(browse: Any, served: Any, places: dict[str, str]) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: scripts/install-test-tools.sh")
    axe = AXE.read_text(encoding="utf-8")
    problems: list[tuple[str, str, str]] = []
    with browse() as watched:
        page = watched.page
        page.goto(f"{watched.url}/console/sign-in")
        page.evaluate("document.querySelector('label').replaceWith(document.querySelector('label').firstElementChild)")
        assert _problems(page, axe, "a field without its label", None), "axe finds nothing at all"
        page.goto(f"{watched.url}/console/sign-in")
        problems += _problems(page, axe, "sign-in", None)
        sign_in(watched, served)
        for path in PATHS:
            page.emulate_media(color_scheme="light", reduced_motion="reduce")
            page.set_viewport_size({"width": 1280, "height": 900})
            watched.go(filled(path, places))
            page.wait_for_function("!document.querySelector('[data-state=checking]')")
            name = path.strip("/").replace("/", "-").replace("{", "").replace("}", "") or "home"
            shoot(page, f"{name}-light")
            problems += _problems(page, axe, path, None)
            page.emulate_media(color_scheme="dark")
            shoot(page, f"{name}-dark")
            problems += _problems(page, axe, f"{path} dark", ["color-contrast"])
            page.set_viewport_size({"width": 360, "height": 780})
            if page.evaluate("document.documentElement.scrollWidth") > 360:
                problems.append((path, "wider than a phone", page.evaluate(_WIDEST)))
            shoot(page, f"{name}-phone")
    assert problems == []


_WIDEST = """[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 361
  && !e.closest('.scroll, .tabs')).map(e => e.tagName + '.' + e.className).slice(0, 3).join()"""


def _problems(page: Any, axe: str, where: str, rules: list[str] | None) -> list[tuple[str, str, str]]:
    page.evaluate(axe)
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules is not None:
        options["runOnly"] = {"type": "rule", "values": rules}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [(where, one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in SEVERE]


def test_a_page_is_small(browse: Any, served: Any, places: dict[str, str]) -> None:
    with browse() as watched:
        sign_in(watched, served)
        cookies = {one["name"]: one["value"] for one in watched.page.context.cookies()}
    import http.client

    heavy = {}
    for path in PATHS:
        connection = http.client.HTTPConnection(served.url.partition("//")[2])
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        connection.request("GET", f"/console{filled(path, places)}", headers={"cookie": cookie})
        text = connection.getresponse().read().decode()
        total = len(text.encode())
        for name in sorted(STATIC.iterdir()):
            connection.request("GET", f"/console/static/{name.name}")
            total += len(connection.getresponse().read())
        connection.close()
        if total > MAX_PAGE_BYTES:
            heavy[path] = total
    assert heavy == {}


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
