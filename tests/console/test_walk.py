"""A walk over every page that is only read: with hostile names, without scripts, on a phone, by a stranger."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from custodes.console.routes import PAGES
from tests.fakes.browser import (
    LOADED,
    MAX_PAGE_BYTES,
    Watched,
    axe_core,
    axe_problems,
    operator,
    reviewer,
    settle,
    sign_in,
    sign_in_with_key,
)
from tests.fakes.furnished import HOSTILE, LONG, PAGES_READ, PAGES_SHOWN, Furnished
from tests.fakes.visitor import Visitor

pytestmark = pytest.mark.slow

Open = Callable[..., Any]
SHOTS = os.environ.get("CUSTODES_TEST_SHOTS", "")
"""A folder that a person who wants to look at all pages names."""
WIDEST = """limit => [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > limit + 1
  && !e.closest('.scroll, .tabs')).map(e => e.tagName + '.' + e.className).slice(0, 3).join()"""
PHONE, DESK, LARGEST = (360, 780), (1280, 900), (3840, 2160)
RAW = re.compile(r"<img src=x|<script>alert|<svg onload")


def walk(watched: Watched, furnished: Furnished, *, reviews: bool) -> list[str]:
    """Sign in as who sees these pages: those of reviews, or all others."""
    watched.page.on("dialog", lambda dialog: watched.wrong.append(f"a dialog: {dialog.message}"))
    if reviews:
        sign_in_with_key(watched, furnished.reviewer)
    else:
        sign_in(watched, furnished.server)
    return [path for path in PAGES_SHOWN if path.startswith("/reviews") is reviews]


@pytest.mark.npm
@pytest.mark.timeout(300)
@pytest.mark.parametrize("reviews", [False, True], ids=["operator", "reviewer"])
def test_every_page_is_accessible_small_and_fits(browse: Open, furnished: Furnished, reviews: bool) -> None:
    """All rules of axe on a desk in the light and on a phone in the dark; the width up to 4k."""
    axe, problems, totals = axe_core(), [], dict[str, int]()
    with browse() as watched:
        page = watched.page
        page.emulate_media(reduced_motion="reduce")
        for path in walk(watched, furnished, reviews=reviews):
            name = path.strip("/").translate(str.maketrans({"/": "-", "{": "", "}": ""})) or "home"
            for scheme, size in (("light", DESK), ("dark", PHONE)):
                page.emulate_media(color_scheme=scheme)
                page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
                if scheme == "light":
                    watched.go(furnished.filled(path))
                    settle(page, path)
                    totals[path] = page.evaluate(LOADED)
                if SHOTS:
                    page.screenshot(path=f"{SHOTS}/{name}-{scheme}.png", full_page=True)
                problems += axe_problems(page, axe, f"{path} {scheme}", None)
                problems += wider(page, path, size[0])
            page.set_viewport_size({"width": LARGEST[0], "height": LARGEST[1]})
            problems += wider(page, path, LARGEST[0])
    assert problems == []
    assert min(totals.values()) > MAX_PAGE_BYTES / 6, "what a page loads is not counted"
    assert {path: total for path, total in totals.items() if total > MAX_PAGE_BYTES} == {}


def wider(page: Any, path: str, width: int) -> list[tuple[str, str, str]]:
    found = page.evaluate("document.documentElement.scrollWidth")
    return [(path, f"wider than {width}: {found}", page.evaluate(WIDEST, width))] if found > width else []


@pytest.mark.parametrize("reviews", [False, True], ids=["operator", "reviewer"])
def test_every_page_can_be_read_without_scripts(browse: Open, furnished: Furnished, reviews: bool) -> None:
    with browse(java_script_enabled=False) as watched:
        page = watched.page
        for path in walk(watched, furnished, reviews=reviews):
            watched.go(furnished.filled(path))
            assert page.locator("main h1, main h2").first.is_visible(), path
            assert len(page.inner_text("main")) > 40, path
            assert page.locator("nav a:visible").count() > 5, path
            for region in page.locator("main [data-verify-file], main [data-liveness], main [data-draw]").all():
                assert region.locator("noscript").count() or page.locator("noscript").count(), path


def test_names_that_try_something_are_shown_and_do_nothing(furnished: Furnished) -> None:
    """In pages that hold them: as text, never as markup, and set apart from the direction of what is around them."""
    seen = 0
    for visitor, reviews in ((operator(furnished), False), (reviewer(furnished), True)):
        for path in (one for one in PAGES_SHOWN if one.startswith("/reviews") is reviews):
            status, _, text = visitor.ask("GET", f"/console{furnished.filled(path)}")
            assert status in (200, 303), (path, status)
            assert not RAW.search(text), path
            seen += text.count("&lt;img src=x")
            for place in re.finditer("\u202e", text):
                inside = text[text.rindex("<", 0, place.start()) : place.start()]
                assert re.match(r"<bdi|<textarea|<option|<title|<\w+ [^>]*=\"[^\"]*$", inside), (path, inside)
    assert seen >= 5, "nothing tried anything"


@pytest.mark.parametrize("name", HOSTILE, ids=["markup", "right-to-left", "long", "template"])
def test_addresses_that_try_something_lead_nowhere(furnished: Furnished, name: str) -> None:
    """Each parameter of each path, and each that pages read behind it."""
    visitor = operator(furnished)
    for path in PAGES_READ:
        whole = furnished.filled(path)
        for parameter in re.findall(r"\{\w+\}", path):
            left, _, right = path.partition(parameter)
            tried = furnished.filled(left) + quote(name, safe="") + furnished.filled(right)
            status, _, text = visitor.ask("GET", f"/console{tried.partition('?')[0]}")
            assert status in (400, 403, 404), (path, parameter, status)
            assert not RAW.search(text), (path, parameter)
        for query in ("after", "before", "kind", "month", "request", "account", "collection", "processor", "from"):
            status, headers, text = visitor.ask("GET", f"/console{whole.partition('?')[0]}?{query}={quote(name)}")
            assert status in (200, 303, 400, 403, 404), (path, query, status)
            assert not RAW.search(text) and "\r" not in headers.get("location", ""), (path, query)


def test_a_refusal_with_a_long_name_fits_a_phone(browse: Open, furnished: Furnished) -> None:
    with browse() as watched:
        page = watched.page
        sign_in(watched, furnished.server)
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        for name in (LONG, HOSTILE[1], HOSTILE[0]):
            for path in ("/collections/", "/labels/", "/streams/", "/customers/"):
                watched.go(path + quote(name, safe=""))
                assert wider(page, path, PHONE[0]) == []
        assert {one.partition(":")[0] for one in watched.wrong} == {"Failed to load resource"}
        watched.wrong.clear()


def test_pages_of_another_tenant_are_not_there(furnished: Furnished) -> None:
    """Every page about one thing, and nothing of it in any list."""
    profile = {"legal_name": "Nosy B.V.", "sector": "retail", "country": "NL"}
    made = furnished.server.deployment.administration.ask("account create", {"profile": profile}, os.getuid())
    visitor = Visitor(furnished.server.url)
    visitor.sign_in(made)
    operators = ("/customers", "/policy", "/server", "/health", "/uses")
    public = ("/ledger/entry/{index}", "/try/{task}")
    for path in PAGES_READ:
        status, _, text = visitor.ask("GET", f"/console{furnished.filled(path)}")
        if path.startswith(operators):
            assert status == 403, path
        elif "{" in path and path not in public:
            assert status == 404, path
        else:
            assert status in (200, 303), (path, status)
            for name in ("{project}", "{processor}", "{person}", "{review}", "{session}", "{job}"):
                assert furnished.places[name] not in text, (path, name)


def test_forms_about_what_is_anothers_change_nothing(furnished: Furnished) -> None:
    profile = {"legal_name": "Greedy B.V.", "sector": "retail", "country": "NL"}
    made = furnished.server.deployment.administration.ask("account create", {"profile": profile}, os.getuid())
    visitor = Visitor(furnished.server.url)
    visitor.sign_in(made)
    form = {"csrf": visitor.csrf(), "face": furnished.places["{face}"], "name": furnished.places["{collection}"]}
    form |= {"move": "delete", "decision": "reject", "person": "x", "bucket": "films", "key": "a", "lines": "{}"}
    for page in PAGES:
        if page.method == "POST" and "{" in page.path and page.path not in ("/try/{task}",):
            status, _, _ = visitor.ask("POST", f"/console{furnished.filled(page.path)}", form)
            assert status in (400, 403, 404), (page.path, status)
    client = furnished.server.client()
    assert furnished.places["{collection}"] in client.list_collections()["CollectionIds"]
    assert client.describe_collection(CollectionId=furnished.places["{collection}"])["FaceCount"] == 3
