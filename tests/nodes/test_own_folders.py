"""Servers that share a database and a bucket, and no folder: only one of them has the signing key."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custodes.client import include_receipts, keep_receipts
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.settings import Settings
from custodes.storage.ledger.open import LedgerPaths
from tests.fakes.command import custodes
from tests.fakes.engine import Square, picture
from tests.fakes.live import running
from tests.fakes.nodes import Node, running_node
from tests.fakes.postgres import PostgresServer
from tests.fakes.s3 import S3Server, s3_server

FILES = (
    "account",
    "credentials",
    "database",
    "master.key",
    "keys/ledger-bodies.key",
    "ledger.pub",
    "trust.policy",
    "ledger-private/shared",
)
"""What docs/scaling.md says that a server needs which publishes nothing."""


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(s3: S3Server) -> dict[str, Any]:
    """Settings of a ledger in a new bucket."""
    return {**s3.settings(), "ledger_tiles": f"s3://{s3.bucket()}/logs/ours"}


def variables(settings: dict[str, Any], database: str) -> dict[str, str]:
    named = {f"CUSTODES_{name.upper()}": str(value) for name, value in settings.items()}
    return {**named, "CUSTODES_DATABASE": database}


def apart(data: Path, to: Path) -> Path:
    """A folder of its own for a server that publishes nothing."""
    for name in FILES:
        place = to / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(data / name, place)
    return to


def test_a_server_without_the_key_and_without_the_folder(
    bucket: dict[str, Any], postgres: PostgresServer, tmp_path: Path
) -> None:
    url, data, image = postgres.database(), tmp_path / "data", {"Bytes": picture(Square(20))}
    with running_node("one", url, data, bucket) as one:
        other = apart(data, tmp_path / "other")
        assert not LedgerPaths(other).signing_key.exists()
        with running_node("two", url, other, bucket) as two:
            assert [node.health()["duties"] for node in (one, two)] == [True, False]
            first, second = one.client(), two.client()
            second.create_collection(CollectionId="people")
            (added,) = first.index_faces(CollectionId="people", Image=image)["FaceRecords"]
            (found,) = second.search_faces_by_image(CollectionId="people", Image=image)["FaceMatches"]
            assert found["Face"]["FaceId"] == added["Face"]["FaceId"]
            second.delete_faces(CollectionId="people", FaceIds=[added["Face"]["FaceId"]])
            assert second.search_faces_by_image(CollectionId="people", Image=image)["FaceMatches"] == []
            _receipts_of(two, tmp_path / "receipts", data)
        assert not [path for path in other.rglob("*") if path.name == LedgerPaths(other).signing_key.name]
        assert not (LedgerPaths(data).public / "tile").exists() or not any(LedgerPaths(data).public.rglob("tile/0/*"))
        said = custodes("ledger", "audit", "--deep", "--json", "--data", data, variables=variables(bucket, url))
        assert said.returncode == 0, said.stderr
        assert json.loads(said.stdout)["difference"] is None
    refused = custodes("ledger", "status", "--data", data, variables={"CUSTODES_DATABASE": url})
    assert refused.returncode == 1
    assert "CUSTODES_LEDGER_TILES" in refused.stderr


def _receipts_of(node: Node, folder: Path, data: Path) -> None:
    """What a server without the key promises, the log holds and this server shows."""
    client, trust = node.client(), data / "trust.policy"
    keep_receipts(client, folder, trust=trust)
    client.detect_faces(Image={"Bytes": picture(Square(30))})

    def proof(index: int) -> bytes:
        with urllib.request.urlopen(f"{node.url}/ledger/proof/{index}", timeout=10) as answer:
            found: bytes = answer.read()
            return found

    time.sleep(1.0)  # a checkpoint is published every quarter of a second
    assert include_receipts(folder, proof, trust=trust) == 1
    with urllib.request.urlopen(f"{node.url}/ledger/checkpoint", timeout=10) as answer:
        assert answer.read().startswith(LedgerPaths(data).verifier.read_bytes().split(b"+")[0])


KEYS = (*FILES, "keys/ledger.key", "keys/ledger-vrf.key")
"""What docs/scaling.md says that a server needs which may take the duties up."""


def test_duties_go_from_one_folder_to_another_with_all_that_was_made(
    bucket: dict[str, Any], postgres: PostgresServer, tmp_path: Path
) -> None:
    url, data = postgres.database(), tmp_path / "data"
    told = variables(bucket, url)

    def carry_out(place: Path, *words: object) -> Any:
        done = custodes(*words, "--json", "--data", place, variables=told)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def erased(node: Node) -> str:
        client = node.client()
        image = {"Bytes": picture(Square(20))}
        face = client.index_faces(CollectionId="people", Image=image)["FaceRecords"][0]["Face"]["FaceId"]
        client.delete_faces(CollectionId="people", FaceIds=[face])
        return str(face)

    def certified(place: Path, face: str) -> None:
        out = tmp_path / f"{place.name}-{face}"
        carry_out(place, "erasure", "certificate", face, "--out", out)
        checked = custodes("statement", "verify", out, "--trust", data / "trust.policy")
        assert checked.returncode == 0, checked.stdout + checked.stderr

    with running_node("one", url, data, bucket) as one:
        one.client().create_collection(CollectionId="people")
        first = erased(one)
        certified(data, first)
        rules = carry_out(data, "policy", "status")
    other = tmp_path / "other"
    for name in KEYS:
        (other / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(data / name, other / name)
    for gone in ("policy", "ledger-private/maps"):
        shutil.rmtree(data / gone, ignore_errors=True)
    with running_node("two", url, other, bucket) as two:
        two.keeping()
        second = erased(two)
        for face in (first, second):
            certified(other, face)
        assert carry_out(other, "policy", "status") == rules
    with running_node("one", url, data, bucket) as one:
        one.keeping()
        for face in (first, second):
            certified(data, face)
        assert (
            one.client().search_faces_by_image(CollectionId="people", Image={"Bytes": picture(Square(20))})[
                "FaceMatches"
            ]
            == []
        )
    for place in (data, other):
        assert carry_out(place, "ledger", "audit", "--deep")["difference"] is None
        assert not [each for each in (place / "ledger-private" / "maps").rglob("*") if each.is_file()]
        assert not (place / "policy").exists()


def test_a_key_elsewhere_is_read_only_where_it_is(
    bucket: dict[str, Any], postgres: PostgresServer, tmp_path: Path
) -> None:
    """The folder is shared; the key is moved out of it to where only one of both servers looks."""
    url, data = postgres.database(), tmp_path / "data"
    with running_node("one", url, data, bucket):
        pass
    key = tmp_path / "of-the-publisher" / "ledger.key"
    key.parent.mkdir()
    LedgerPaths(data).signing_key.rename(key)
    with running_node("one", url, data, {**bucket, "ledger_key": key}) as one, running_node("two", url, data, bucket):
        one.client().create_collection(CollectionId="people")
        assert one.health()["duties"]
    key.write_text(key.read_text().replace("+", "-", 1))
    with (
        pytest.raises(UnavailableError, match="signing key"),
        running_node("one", url, data, {**bucket, "ledger_key": key}),
    ):
        pytest.fail("a key that is none")


def test_a_ledger_moves_into_a_bucket_and_is_not_looked_for_elsewhere(
    bucket: dict[str, Any], postgres: PostgresServer, tmp_path: Path
) -> None:
    url, data = postgres.database(), tmp_path / "data"
    with running_node("one", url, data) as one:
        for number in range(3):
            one.client().create_collection(CollectionId=f"c{number}")
        with pytest.raises(UnavailableError, match="stop all of them"), running_node("two", url, data, bucket):
            pytest.fail("moved while a server publishes")
    with running_node("one", url, data, bucket) as one:
        one.client().create_collection(CollectionId="after")
        assert len(one.client().list_collections()["CollectionIds"]) == 4
    said = custodes("ledger", "audit", "--json", "--data", data, variables=variables(bucket, url))
    assert json.loads(said.stdout)["difference"] is None, said.stderr
    for given in ({}, {**bucket, "ledger_tiles": "s3://another/place"}):
        with pytest.raises(UnavailableError, match="logs/ours"), running_node("one", url, data, given):
            pytest.fail("a log without its files")


def test_these_settings_are_for_servers_with_names(tmp_path: Path, postgres: PostgresServer) -> None:
    with pytest.raises(InvalidParameterError, match="ledger_key"):
        Settings(ledger_key=tmp_path / "key")
    given = {"database": postgres.database(), "ledger_tiles": "s3://bucket/log"}
    with pytest.raises(InvalidParameterError, match="names"), running(tmp_path / "data", given):
        pytest.fail("one server without a name")
