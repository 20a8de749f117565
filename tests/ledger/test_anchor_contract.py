"""What every place for the ledger's last checkpoint promises: a file, a row of PostgreSQL, an object of S3."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest

from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.core.ids import AccountId
from custodes.deployment.record.anchors import open_anchor
from custodes.ledger.writer.ports import Anchor, HeadConflictError
from custodes.settings import Settings
from custodes.storage.ledger.anchor import FileAnchor
from custodes.storage.ledger.sql_anchor import SqlAnchor
from custodes.storage.objects.s3 import S3Endpoint
from custodes.storage.objects.s3_anchor import S3Anchor
from tests.fakes.directories import opened_database
from tests.fakes.engine import SquareEngine
from tests.fakes.live import running
from tests.fakes.postgres import PostgresServer, database_url

REGION, ACCOUNT = "eu-central-1", AccountId("111111111111")


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_url: str) -> Iterator[Any]:
    client = boto3.session.Session().client(
        "s3", endpoint_url=s3_url, region_name=REGION, aws_access_key_id="k", aws_secret_access_key="s"
    )
    client.create_bucket(Bucket="heads", CreateBucketConfiguration={"LocationConstraint": REGION})
    yield client
    for found in client.list_objects_v2(Bucket="heads").get("Contents", ()):
        client.delete_object(Bucket="heads", Key=found["Key"])
    client.delete_bucket(Bucket="heads")
    client.close()


@pytest.fixture(params=["file", "sqlite", "postgresql", "s3"])
def anchors(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Anchor]]:
    """Makes anchors of one place, as several servers would have."""
    if request.param == "file":
        yield lambda: FileAnchor(tmp_path / "far" / "anchor")
    elif request.param == "s3":
        request.getfixturevalue("s3")
        endpoint = S3Endpoint(REGION, request.getfixturevalue("s3_url"), "k", "s")
        yield lambda: S3Anchor(endpoint, "heads", "ledger/head")
    else:
        with closing(opened_database(tmp_path / "data", database_url(request))) as database:
            yield lambda: SqlAnchor(database, ACCOUNT)


def test_a_head_is_replaced_by_whoever_knows_it(anchors: Callable[[], Anchor]) -> None:
    one = anchors()
    assert one.fetch() is None
    one.replace(None, b"first")
    one.replace(b"first", b"second")
    assert one.fetch() == anchors().fetch() == b"second"
    one.replace(b"second", b"second")
    anchors().replace(b"second", b"third")
    assert one.fetch() == b"third"


def test_nobody_replaces_what_another_has_put_there(anchors: Callable[[], Anchor]) -> None:
    one, other = anchors(), anchors()
    one.replace(None, b"first")
    with pytest.raises(HeadConflictError):
        other.replace(None, b"mine")
    other.replace(b"first", b"second")
    for _ in range(2):
        with pytest.raises(HeadConflictError):
            one.replace(b"first", b"mine")
    assert one.fetch() == b"second"
    one.replace(b"second", b"third")


def test_of_many_who_try_at_once_one_succeeds(anchors: Callable[[], Anchor]) -> None:
    anchors().replace(None, b"first")
    rivals, won = [anchors() for _ in range(6)], []
    for rival in rivals:
        assert rival.fetch() == b"first"
    start = threading.Barrier(len(rivals))

    def race(number: int) -> None:
        start.wait()
        try:
            rivals[number].replace(b"first", b"%d" % number)
        except HeadConflictError:
            return
        won.append(b"%d" % number)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(len(rivals))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(won) == 1
    assert anchors().fetch() == won[0]


def test_an_object_that_cannot_be_reached_is_an_error_of_the_store(s3: Any, s3_url: str) -> None:
    s3.list_buckets()
    for endpoint, bucket in ((S3Endpoint(REGION, s3_url, "k", "s"), "none"), (_nowhere(), "heads")):
        anchor = S3Anchor(endpoint, bucket, "head")
        with pytest.raises(OSError, match="cannot be reached"):
            anchor.fetch()
        with pytest.raises(OSError, match="cannot be reached"):
            anchor.replace(None, b"new")


def _nowhere() -> S3Endpoint:
    return S3Endpoint(REGION, "http://127.0.0.1:9", "k", "s", connect_timeout_s=1.0)


@pytest.mark.parametrize(
    "given",
    [
        {"ledger_anchor_object": "bucket/key", "s3_endpoint": "http://127.0.0.1:9"},
        {"ledger_anchor_object": "s3://bucket", "s3_endpoint": "http://127.0.0.1:9"},
        {"ledger_anchor_object": "s3://bucket/key"},
    ],
)
def test_a_setting_that_names_no_object_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameterError, match="ledger_anchor_object"):
        open_anchor(Settings(**given), ACCOUNT, None)


@pytest.mark.parametrize("place", ["s3", "postgresql"])
def test_a_ledger_that_was_set_back_does_not_start(
    place: str, tmp_path: Path, s3: Any, s3_url: str, postgres: PostgresServer
) -> None:
    """The directory is put back as it was before the last request; what is elsewhere knows of that."""
    data = tmp_path / "data"
    given = {"database": postgres.database()}
    if place == "s3":
        s3.list_buckets()
        keys = {"s3_access_key_id": "k", "s3_secret_access_key": "s", "s3_region": REGION}
        given = {"s3_endpoint": s3_url, "ledger_anchor_object": "s3://heads/ledger/head", **keys}
    with running(data, given, engine=SquareEngine()) as server:
        server.client().create_collection(CollectionId="one")
    shutil.copytree(data, tmp_path / "before")
    with running(data, given, engine=SquareEngine()) as server:
        server.client().create_collection(CollectionId="two")
    shutil.rmtree(data)
    (tmp_path / "before").rename(data)
    with pytest.raises(UnavailableError, match="set back"), running(data, given, engine=SquareEngine()):
        pass
