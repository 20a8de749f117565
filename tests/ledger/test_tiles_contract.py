"""What every place for the ledger's public files promises: a folder of one writer, one of several, a bucket of S3."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.merkle import EMPTY_ROOT
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerCorruptError
from custodes.ledger.tree.signing import sign_checkpoint
from custodes.ledger.writer.keys import SigningKey
from custodes.ledger.writer.ports import TileStore
from custodes.storage.ledger.shared_tiles import SharedTiles
from custodes.storage.ledger.tiles import FileTiles
from custodes.storage.objects.s3 import S3Endpoint
from custodes.storage.objects.s3_tiles import S3Tiles
from tests.fakes.s3 import REGION, S3Server, lossy, s3_server

Stores = Callable[[], TileStore]
_NUMBERS = itertools.count()
KEY = SigningKey.from_seed("tiles.example/log", bytes(32))


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(s3: S3Server) -> str:
    return s3.bucket()


def views_of(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Makes views of one place, as several servers would have."""
    if request.param == "s3":
        endpoint, name = request.getfixturevalue("s3").endpoint, request.getfixturevalue("bucket")
        return lambda: S3Tiles(endpoint, name, "a/log")
    root = tmp_path / "public"
    root.mkdir()

    def scratch() -> Path:
        made = tmp_path / "scratch" / str(next(_NUMBERS))
        made.mkdir(parents=True)
        return made

    kind = SharedTiles if request.param == "shared" else FileTiles
    return lambda: kind(root, scratch())


@pytest.fixture(params=["file", "shared", "s3"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Makes views of any place."""
    return views_of(request, tmp_path)


@pytest.fixture(params=["shared", "s3"])
def several(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Makes views of a place that several servers write."""
    return views_of(request, tmp_path)


def note(size: int) -> bytes:
    return sign_checkpoint(Checkpoint(KEY.name, size, EMPTY_ROOT), [KEY])


def test_files_are_there_once_they_were_put(stores: Stores) -> None:
    one = stores()
    assert one.get("tile/0/000") is None
    one.put("tile/0/000.p/3", b"abc")
    one.put("tile/entries/x001/x002/003", b"")
    assert one.get("tile/0/000.p/3") == b"abc"
    one.sync()
    for view in (one, stores()):
        assert view.get("tile/0/000.p/3") == b"abc"
        assert view.get("tile/entries/x001/x002/003") == b""
        assert view.get("tile/0/000") is None
    one.put("tile/0/000.p/3", b"abc")
    stores().put("tile/0/000.p/3", b"abc")
    one.sync()


def test_another_content_under_a_path_is_refused(stores: Stores) -> None:
    one, other = stores(), stores()
    one.put("tile/0/000", b"one")
    one.sync()
    for view in (one, other):
        with pytest.raises(LedgerCorruptError):
            view.put("tile/0/000", b"two")
            view.sync()
    assert stores().get("tile/0/000") == b"one"
    other.put("tile/0/000", b"two", repair=True)
    other.sync()
    assert stores().get("tile/0/000") == b"two"


def test_partial_files_go_when_the_full_one_is_there(stores: Stores) -> None:
    one = stores()
    for width in (1, 7, 9):
        one.put(f"tile/1/004.p/{width}", b"x" * width)
    one.put("tile/1/0044.p/5", b"other")
    one.sync()
    assert sorted(stores().widths("tile/1/004")) == [1, 7, 9]
    one.put("tile/1/004", b"x" * 256)
    one.remove_partial("tile/1/004", {7})
    one.sync()
    assert list(stores().widths("tile/1/004")) == [7]
    one.remove_partial("tile/1/004")
    one.sync()
    after = stores()
    assert list(after.widths("tile/1/004")) == []
    assert after.get("tile/1/004") == b"x" * 256
    assert after.get("tile/1/0044.p/5") == b"other"


def test_the_checkpoint_is_replaced(stores: Stores) -> None:
    one = stores()
    for size in (0, 3, 4):
        one.replace(CHECKPOINT_PATH, note(size))
        one.sync()
        assert one.get(CHECKPOINT_PATH) == stores().get(CHECKPOINT_PATH) == note(size)


def test_of_several_servers_nobody_takes_the_checkpoint_back(several: Stores) -> None:
    one, other = several(), several()
    one.replace(CHECKPOINT_PATH, note(5))
    other.replace(CHECKPOINT_PATH, note(3))
    assert one.get(CHECKPOINT_PATH) == note(5)
    other.replace(CHECKPOINT_PATH, note(9))
    one.replace(CHECKPOINT_PATH, note(7))
    assert other.get(CHECKPOINT_PATH) == note(9)


def test_of_many_checkpoints_at_once_the_largest_stays(several: Stores) -> None:
    views, start = [several() for _ in range(6)], threading.Barrier(6)

    def publish(number: int) -> None:
        start.wait(10)
        for step in range(5):
            views[number].replace(CHECKPOINT_PATH, note(1 + number + 6 * step))

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert several().get(CHECKPOINT_PATH) == note(30)


def test_a_file_that_was_put_replaces_no_other_that_came_meanwhile(s3: S3Server, bucket: str) -> None:
    one, other = (S3Tiles(s3.endpoint, bucket, "") for _ in range(2))
    one.put("tile/0/000", b"one")
    other.put("tile/0/000", b"two")
    one.sync()
    with pytest.raises(LedgerCorruptError):
        other.sync()
    assert other.get("tile/0/000") == b"one"


def test_a_line_that_loses_requests_and_answers(s3: S3Server, bucket: str) -> None:
    """Each call either did what it says or raises OSError; called again, it finds what it did before."""
    lost = 0
    with lossy(s3, 0.3, 17) as line:
        one = S3Tiles(line.endpoint, bucket, "log", keep_bytes=0)
        for number in range(40):
            path = f"tile/0/{number:03d}"
            while True:
                try:
                    one.put(f"{path}.p/9", b"%d" % number)
                    one.sync()
                    one.put(path, b"%d" % number)
                    one.remove_partial(path)
                    one.sync()
                    one.replace(CHECKPOINT_PATH, note(number))
                    break
                except OSError:
                    lost += 1
    after = S3Tiles(s3.endpoint, bucket, "log")
    assert lost, "nothing was lost"
    assert [after.get(f"tile/0/{number:03d}") for number in range(40)] == [b"%d" % number for number in range(40)]
    assert not any(after.widths(f"tile/0/{number:03d}") for number in range(40))
    assert after.get(CHECKPOINT_PATH) == note(39)


def test_a_bucket_that_is_not_there_is_an_error_of_the_store(s3: S3Server) -> None:
    closed = S3Endpoint(REGION, "http://127.0.0.1:9", "k", "s", connect_timeout_s=1.0)
    for view in (S3Tiles(s3.endpoint, "none", ""), S3Tiles(closed, "log", "")):
        for ask in (
            lambda view=view: view.get("tile/0/000"),
            lambda view=view: view.widths("tile/0/000"),
            lambda view=view: view.replace(CHECKPOINT_PATH, note(1)),
            lambda view=view: (view.put("tile/0/000", b"x"), view.sync()),
        ):
            with pytest.raises(OSError, match="cannot be reached"):
                ask()
