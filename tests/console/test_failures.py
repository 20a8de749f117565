"""A fault of the server: a page that says so, in the reader's language, with the number to look for in the log."""

from __future__ import annotations

import html
import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from tests.fakes.browser import link
from tests.fakes.engine import SquareEngine
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import LiveServer, running
from tests.fakes.visitor import Visitor

SECRET = "a secret of the database"


class Defective(MemoryGalleryStore):
    """A gallery with a defect that nobody thought of."""

    def collections(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError(SECRET)

    create_collection = collections


@pytest.fixture(scope="module")
def defective(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    data: Path = tmp_path_factory.mktemp("defective") / "data"
    with running(data, engine=SquareEngine(), gallery=IndexedGallery(Defective(), BruteForceIndex)) as server:
        yield server


@pytest.fixture
def visitor(defective: LiveServer) -> Visitor:
    found = Visitor(defective.url)
    found.enter(link(defective))
    return found


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Something went wrong here"),
        ("de", "Hier ging etwas schief"),
        ("fr", "Quelque chose s&rsquo;est mal passé ici"),
    ],
)
def test_a_fault_is_a_page_in_the_readers_language_with_the_number_of_its_line_in_the_log(
    visitor: Visitor, language: str, said: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        status, headers, text = visitor.ask("GET", "/console/", accept_language=language)
    assert (status, headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert f'<html lang="{language}"' in text and html.unescape(said) in text
    number = headers["x-amzn-requestid"]
    assert f'<span class="mono">{number}</span>' in text
    assert [line["request_id"] for line in logs if line["event"] == "unexpected error"] == [number]
    assert SECRET not in text and "RuntimeError" not in text
    assert "content-security-policy" in headers and "no-store" in headers["cache-control"]


def test_a_fault_in_what_a_form_asked_for_is_one_as_well(visitor: Visitor, defective: LiveServer) -> None:
    secret = visitor.ask("GET", "/console/try/detect")[2].partition('name="csrf" value="')[2][:64]
    status, _, text = visitor.ask("POST", "/console/collections", {"csrf": secret, "name": "friends"})
    assert (status, "Something went wrong here" in text) == (500, True)


def test_a_fault_in_a_part_of_a_page_is_a_part(visitor: Visitor) -> None:
    status, headers, text = visitor.ask("GET", "/console/", hx_request="true")
    assert status == 500
    assert "<html" not in text and headers["x-amzn-requestid"] in text and 'role="alert"' in text


def test_only_pages_of_the_console_answer_so(defective: LiveServer) -> None:
    assert Visitor(defective.url).ask("GET", "/console/")[0] == 303
    connection = http.client.HTTPConnection(defective.url.partition("//")[2], timeout=10)
    connection.request("GET", "/consolery")
    assert connection.getresponse().getheader("content-type") != "text/html; charset=utf-8"
    connection.close()
