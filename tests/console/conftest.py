"""A browser for the tests of the console: Debian's Chromium through Playwright, and one live server for a module.

Every page of it is watched: an error on the console, a request to another place or a failed request fails the test.
Without Playwright or Chromium these tests skip, saying so.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from tests.fakes.browser import Watched
from tests.fakes.engine import SquareEngine
from tests.fakes.furnished import FILMS, PICTURES, RESULTS, Furnished, furnish
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import LiveServer, running
from tests.fakes.sight import sight
from tests.fakes.text import ScriptedText

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


# By module: while Playwright is started, nothing else in this thread can run an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    with running(tmp_path_factory.mktemp("console") / "data", engine=SquareEngine(), gallery=gallery) as server:
        yield server


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """A server with something behind every page."""
    root = tmp_path_factory.mktemp("furnished")
    buckets = {name: root / name for name in (FILMS, PICTURES, RESULTS)}
    for folder in buckets.values():
        folder.mkdir()
    overrides = {"buckets": buckets, "output_buckets": RESULTS}
    with running(root / "data", overrides, engine=SquareEngine(), sight=sight(), text=ScriptedText()) as server:
        yield furnish(server, buckets[FILMS], buckets[PICTURES])


Open = Callable[..., Any]


@pytest.fixture
def browse(chromium: Any, request: pytest.FixtureRequest) -> Open:
    """``with browse() as watched``: a new browser profile at the server; fails when anything went wrong on it."""
    of_test = "furnished" in request.fixturenames
    url = (request.getfixturevalue("furnished").server if of_test else request.getfixturevalue("served")).url

    @contextmanager
    def opened(**options: Any) -> Iterator[Watched]:
        context = chromium.new_context(locale="en-GB", timezone_id="Europe/Amsterdam", **options)
        page = context.new_page()
        watched = Watched(page, url)
        watched.watch()
        page.set_default_timeout(10_000)
        yield watched
        context.close()
        assert watched.wrong == []

    return opened


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., Path]:
    """``photos(Square(...), name="a")``: a picture for the predictable engine, as a file."""
    from tests.fakes.engine import picture

    def made(*squares: Any, name: str) -> Path:
        path = tmp_path / f"{name}.png"
        path.write_bytes(picture(*squares))
        return path

    return made
