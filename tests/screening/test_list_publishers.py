"""Lists from addresses, against a server here: unchanged, changed, shrunken, broken, too large, led astray."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.clock import FixedClock
from custodes.core.errors import InvalidParameterError, NotFoundError, UnavailableError
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.ledger.tlog.entry import decode
from custodes.operations.screening.list_publishers import Refresh, publisher
from custodes.operations.screening.ports import HOUR_MS, Edition, ListPublisher
from custodes.storage.files.list_download import download
from custodes.storage.sql.screening.lists import ScreeningLists
from custodes.storage.sql.screening.publishers import StoredPublishers
from tests.fakes.engine import SquareEngine
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import running
from tests.fakes.waiting import eventually


def house(count: int) -> bytes:
    return b"uid,kind,name\n" + b"".join(b"%d,organisation,Fictive Works %d\n" % (at, at) for at in range(count))


@dataclass
class Site:
    """What the publisher serves, and what it was asked."""

    port: int = 0
    body: bytes = house(40)
    etag: str = '"one"'
    status: int = 200
    location: str = ""
    claimed: int | None = None
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/list.csv?token=secret"


@pytest.fixture
def site() -> Iterator[Site]:
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(dict(self.headers))
            if served.etag and self.headers.get("If-None-Match") == served.etag:
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(served.status)
            if served.location:
                self.send_header("Location", served.location)
            self.send_header("ETag", served.etag)
            self.send_header("Content-Length", str(len(served.body) if served.claimed is None else served.claimed))
            self.end_headers()
            self.wfile.write(served.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Desk:
    lists: ScreeningLists
    publishers: StoredPublishers
    clock: FixedClock
    refresh: Refresh

    def look(self) -> str:
        """Look at the only publisher; "new", "same", or why it failed."""
        (one,) = self.publishers.all()
        edition = self.refresh.run(one)
        return "new" if edition else self.publishers.all()[0].failure or "same"


@pytest.fixture
def desk(tmp_path: Path, site: Site) -> Iterator[Desk]:
    clock = FixedClock()
    with closing(ScreeningLists(tmp_path)) as lists, closing(StoredPublishers(tmp_path)) as publishers:
        publishers.keep(publisher("house", "csv", site.address, 24))
        yield Desk(lists, publishers, clock, Refresh(publishers, lists, download, clock))


def test_a_list_is_fetched_once_and_again_when_it_changes(desk: Desk, site: Site) -> None:
    assert [desk.look(), desk.look()] == ["new", "same"]
    assert [asked.get("If-None-Match") for asked in site.asked] == [None, '"one"']
    site.etag = '"two"'  # another name for the same file
    assert desk.look() == "same"
    site.etag, site.body = '"three"', house(41)
    assert desk.look() == "new"
    assert [(edition.entries, edition.added) for edition in desk.lists.editions()] == [(40, 40), (41, 1)]
    assert desk.lists.editions()[0].origin == f"http://127.0.0.1:{site.port}/list.csv", "the token is not shown"


def test_a_shrunken_list_waits_for_somebody_to_confirm_it(desk: Desk, site: Site) -> None:
    desk.look()
    site.etag, site.body = '"two"', house(10)
    for _ in range(2):
        assert "shrink from 40 to 10" in desk.look()
    assert desk.lists.current()["house"].entries == 40
    (one,) = desk.publishers.all()
    edition = desk.refresh.run(one, confirm=True)
    assert edition is not None
    assert edition.entries == 10
    assert desk.look() == "same"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": 500}, "answers 500"),
        ({"status": 404}, "answers 404"),
        ({"body": b"<html>sign in</html>"}, "no column"),
        ({"claimed": 100_000}, "cannot be reached|cut short"),
        ({"claimed": 1 << 40}, "larger"),
        ({"status": 302, "location": "http://lists.example/x"}, "without https"),
        ({"status": 302, "location": "file:///etc/passwd"}, "answers 302"),
        ({"status": 302, "location": "/list.csv"}, "answers 302"),
    ],
)
def test_what_goes_wrong_is_kept_with_the_publisher_and_the_list_stays(
    desk: Desk, site: Site, change: dict[str, Any], reason: str
) -> None:
    desk.look()
    site.etag = '"two"'
    for name, value in change.items():
        setattr(site, name, value)
    assert re.search(reason, desk.look())
    assert "secret" not in desk.publishers.all()[0].failure
    assert desk.lists.current()["house"].entries == 40


def test_nobody_there_is_a_failure_too(desk: Desk) -> None:
    (one,) = desk.publishers.all()
    desk.publishers.keep(replace(one, address="http://127.0.0.1:9/list.csv"))
    assert "cannot be reached" in desk.look()


def test_more_than_the_limit_is_not_kept(site: Site) -> None:
    site.claimed = None
    with (
        pytest.raises(UnavailableError, match="larger"),
        download(publisher("house", "csv", site.address, 1), largest=99),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "form", "address", "every_h"),
    [
        ("x", "csv", "http://lists.example/x", 24),
        ("x", "csv", "ftp://lists.example/x", 24),
        ("x", "csv", "file:///etc/passwd", 24),
        ("x", "ofac-csv", "https://lists.example/x", 24),
        ("x", "nothing", "https://lists.example/x", 24),
        ("x", "csv", "https://lists.example/x", 0),
        ("", "csv", "https://lists.example/x", 24),
    ],
)
def test_publishers_that_make_no_sense_are_refused(name: str, form: str, address: str, every_h: int) -> None:
    with pytest.raises(InvalidParameterError):
        publisher(name, form, address, every_h)


def test_a_publisher_is_due_after_its_hours_and_sooner_after_a_failure() -> None:
    one = ListPublisher("x", "csv", "https://lists.example/x", 24, checked_ms=1000)
    assert not one.is_due(1000 + 23 * HOUR_MS)
    assert one.is_due(1000 + 24 * HOUR_MS)
    assert replace(one, failure="answers 500").is_due(1000 + 2 * HOUR_MS)


def test_only_publishers_that_are_due_are_asked(desk: Desk, site: Site) -> None:
    assert len(desk.refresh.run_due()) == 1
    assert desk.refresh.run_due() == []
    assert len(site.asked) == 1
    desk.clock.advance(24 * HOUR_MS)
    assert desk.refresh.run_due() == []
    assert len(site.asked) == 2


def test_a_server_fetches_by_itself_and_puts_the_list_on_record(tmp_path: Path, site: Site) -> None:
    with closing(ScreeningLists(tmp_path)), closing(StoredPublishers(tmp_path)) as publishers:
        publishers.keep(publisher("house", "csv", site.address, 24))
    gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    with (
        running(tmp_path, engine=SquareEngine(), gallery=gallery) as server,
        closing(ScreeningLists(tmp_path)) as lists,
    ):

        def recorded() -> Edition | None:
            found = lists.current().get("house")
            return found if found is not None and found.ledger_index is not None else None

        at = eventually(recorded).ledger_index
        assert at is not None
        log = server.deployment.ledger.log
        log.flush()
        entries = [decode(envelope) for _, envelope in log.tree().entries()]
    assert (entries[at].kind, entries[at].fields["n"]) == ("list", 40)


def test_a_removed_publisher_is_forgotten_and_its_list_stays(desk: Desk) -> None:
    desk.look()
    desk.publishers.remove("house")
    assert desk.publishers.all() == []
    assert desk.lists.current()["house"].entries == 40
    with pytest.raises(NotFoundError):
        desk.publishers.remove("house")


def test_fetching_by_hand_shows_what_could_not_be_read(tmp_path: Path, site: Site) -> None:
    """The file of the list holds a tax number that no register gave."""
    text = (Path(__file__).parent / "lists" / "ofac_advanced.xml").read_text(encoding="utf-8")
    site.body = text.replace("7700000009", "7700000001").encode()
    place = ["--data", str(tmp_path / "data")]
    (tmp_path / "data").mkdir()
    add = ["sources", "add", "us", "--format", "ofac-xml", "--address", site.address, *place]
    assert CliRunner().invoke(app, ["sanctions", *add]).exit_code == 0
    fetched = CliRunner().invoke(app, ["sanctions", "sources", "fetch", *place])
    assert fetched.exit_code == 0, fetched.output
    assert "could not be read" in fetched.stderr
    assert "7700000001" in fetched.stderr
    site.body, site.etag = site.body + b"\n", '"two"'
    again = CliRunner().invoke(app, ["sanctions", "sources", "fetch", "--json", *place])
    (edition,) = json.loads(again.stdout)
    assert edition["name"] == "us"
    assert any("7700000001" in one["text"] for one in edition["notes"]["fields"])
