"""Backups where the database is on PostgreSQL: of one server, and of several; restored, they answer the same."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.command import custodes
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import running
from tests.fakes.nodes import cluster, running_node
from tests.fakes.postgres import PostgresServer
from tests.fakes.s3 import s3_server

IMAGES = {name: {"Bytes": picture(Square(number))} for number, name in enumerate(("ann", "ben", "eve"), 20)}


def command(*arguments: object, database: str = "", node: str = "") -> str:
    named = {"CUSTODES_DATABASE": database, "CUSTODES_NODE": node}
    done = custodes(*arguments, variables={key: value for key, value in named.items() if value})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def opened(url: str, data: Path, *, several: bool) -> Iterator[Any]:
    """A client of one server, with a name where there may be several."""
    if several:
        with running_node("one", url, data) as node:
            yield node.keeping().client()
        return
    with running(data, {"database": url}, engine=SquareEngine()) as server:
        yield server.client()


def enrolled(client: Any, name: str) -> str:
    found = client.index_faces(CollectionId="people", Image=IMAGES[name], ExternalImageId=name)
    return str(found["FaceRecords"][0]["Face"]["FaceId"])


def answers(client: Any) -> Any:
    """What is asked before and after: faces, users and who is found."""
    faces = client.list_faces(CollectionId="people")["Faces"]
    found = [
        [(match["Face"]["FaceId"], round(match["Similarity"], 3)) for match in answer["FaceMatches"]]
        for answer in (
            client.search_faces_by_image(CollectionId="people", Image=image, FaceMatchThreshold=1)
            for image in IMAGES.values()
        )
    ]
    users = client.list_users(CollectionId="people")["Users"]
    return sorted(faces, key=lambda face: str(face["FaceId"])), found, users


@pytest.mark.parametrize("several", [False, True], ids=["one server", "several servers"])
def test_a_restored_database_answers_the_same(postgres: PostgresServer, tmp_path: Path, several: bool) -> None:
    url, data, new = postgres.database(), tmp_path / "data", tmp_path / "new"
    with opened(url, data, several=several) as client:
        client.create_collection(CollectionId="people")
        ann, ben = enrolled(client, "ann"), enrolled(client, "ben")
        client.create_user(CollectionId="people", UserId="ann")
        client.associate_faces(CollectionId="people", UserId="ann", FaceIds=[ann])
        client.delete_faces(CollectionId="people", FaceIds=[ben])
        before = answers(client)
        said = json.loads(command("backup", tmp_path / "b", "--data", data, "--json", database=url))
        assert said["database_at"] <= said["ledger_at"]
        later = enrolled(client, "eve")
    assert not (data / "backup-scratch").exists(), "the copy has keys of faces"
    restored = postgres.database()
    command("restore", tmp_path / "b", "--to", new, "--database", restored)
    assert not list(new.rglob("*.sqlite3*"))
    assert (new / "ledger-private" / "shared").exists() == several
    with opened(restored, new, several=several) as client:
        assert answers(client) == before
        assert later not in {face["FaceId"] for face in before[0]}
        again = enrolled(client, "eve")
        client.delete_faces(CollectionId="people", FaceIds=[again])
        left = {face["FaceId"] for face in client.list_faces(CollectionId="people")["Faces"]}
        assert left == {ann}
    report = json.loads(command("ledger", "audit", "--deep", "--json", "--data", new, database=restored))
    assert report["difference"] is None
    certificate = tmp_path / "certificate"
    with opened(restored, new, several=several):
        command("erasure", "certificate", ben, "--out", certificate, "--data", new, database=restored)
    checked = custodes("statement", "verify", certificate, "--trust", new / "trust.policy")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_restored_database_of_one_server_may_be_in_its_directory(postgres: PostgresServer, tmp_path: Path) -> None:
    url, data, new = postgres.database(), tmp_path / "data", tmp_path / "new"
    with opened(url, data, several=False) as client:
        client.create_collection(CollectionId="people")
        enrolled(client, "ann")
        before = answers(client)
    command("backup", tmp_path / "b", "--data", data, database=url)
    command("restore", tmp_path / "b", "--to", new)
    with opened("", new, several=False) as client:
        assert answers(client) == before


def test_a_backup_goes_into_a_bucket_without_its_keys_and_comes_back(tmp_path: Path) -> None:
    data, new, keys = tmp_path / "data", tmp_path / "new", tmp_path / "keys"
    with s3_server() as s3, closing(s3.client()) as bucket:
        place = f"s3://{s3.bucket()}/backups/1"
        told = {f"CUSTODES_{name.upper()}": str(value) for name, value in s3.settings().items()}

        def ask(*words: object) -> Any:
            return custodes(*words, "--keys", keys, "--scratch", tmp_path, variables=told)

        with opened("", data, several=False) as client:
            client.create_collection(CollectionId="people")
            enrolled(client, "ann")
            before = answers(client)
            assert ask("backup", place, "--data", data).returncode == 0
            again = ask("backup", place, "--data", data)
            assert again.returncode != 0
            assert "a prefix of its own" in again.stderr
        name = place.split("/")[2]
        there = {one["Key"] for one in bucket.list_objects_v2(Bucket=name)["Contents"]}
        assert {"backups/1/manifest.json", "backups/1/private.tar.sealed"} <= there
        assert not [key for key in there if "key" in key.rpartition("/")[2]]
        sealed = bucket.get_object(Bucket=name, Key="backups/1/private.tar.sealed")["Body"].read()
        assert sealed.startswith(b"CUSTBKP")
        assert b"people" not in sealed
        done = ask("restore", place, "--to", new)
        assert done.returncode == 0, done.stderr
        assert not list(tmp_path.glob("custodes-backup-*")), "scratch folders are gone"
        with opened("", new, several=False) as client:
            assert answers(client) == before
        bucket.put_object(Bucket=name, Key="backups/1/private.tar.sealed", Body=sealed[:-1] + bytes(1))
        damaged = ask("restore", place, "--to", tmp_path / "never")
        assert damaged.returncode != 0
        assert not (tmp_path / "never").exists()
        bucket.delete_object(Bucket=name, Key="backups/1/manifest.json")
        assert "no finished backup" in ask("restore", place, "--to", tmp_path / "never").stderr
        bucket.put_object(Bucket=name, Key="backups/1/manifest.json", Body=b"")
        bucket.put_object(Bucket=name, Key="backups/1/../../outside", Body=b"hostile")
        assert "no file of a backup" in ask("restore", place, "--to", tmp_path / "never").stderr


def test_a_backup_of_killed_servers_that_were_at_work(postgres: PostgresServer, tmp_path: Path) -> None:
    """What was acknowledged before the backup began is in it, what is called erased is not, and the audit is clean."""
    url, new = postgres.database(), tmp_path / "new"
    with cluster(url, tmp_path) as nodes:
        nodes.start("one", "two")
        keeper, stop = nodes.keeper(), threading.Event()
        client = nodes.running[keeper].client()
        client.create_collection(CollectionId="people")
        kept = {enrolled(client, name) for name in ("ann", "ben")}
        gone = enrolled(client, "eve")

        def work() -> None:
            for each in nodes.running.values():
                mine = each.client()
                while not stop.is_set():
                    mine.delete_faces(CollectionId="people", FaceIds=[enrolled(mine, "eve")])

        client.delete_faces(CollectionId="people", FaceIds=[gone])
        thread = threading.Thread(target=work)
        thread.start()
        try:
            command("backup", tmp_path / "b", "--data", nodes.data, database=url)
        finally:
            stop.set()
            thread.join()
    restored = postgres.database()
    command("restore", tmp_path / "b", "--to", new, "--database", restored)
    with running_node("one", restored, new) as node:
        left = {face["FaceId"] for face in node.keeping().client().list_faces(CollectionId="people")["Faces"]}
        assert kept <= left and gone not in left
    report = json.loads(command("ledger", "audit", "--deep", "--json", "--data", new, database=restored))
    assert report["difference"] is None
