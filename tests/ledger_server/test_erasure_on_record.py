"""Erasure by a real process over a real database: on record, certified, and lasting even when a backup comes back."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH
from custodes.ledger.tree.tiles import Tree
from custodes.storage.ledger.open import read_tiles
from tests.fakes.command import custodes
from tests.fakes.engine import Square, picture
from tests.fakes.process import serving

DATABASE = ("custodes.sqlite3", "custodes.sqlite3-wal", "custodes.sqlite3-shm")


def entries(data: Path) -> list[Entry]:
    """What the published log holds."""
    tiles = read_tiles(data)
    note = tiles.get(CHECKPOINT_PATH)
    assert note is not None
    size = parse_checkpoint(parse_note(note).text).size
    return [decode(envelope) for _, envelope in Tree(tiles, size).entries()]


def index(client: Any, number: int) -> str:
    answer = client.index_faces(CollectionId="people", Image={"Bytes": picture(Square(number))})
    face_id: str = answer["FaceRecords"][0]["Face"]["FaceId"]
    return face_id


def found(client: Any, number: int) -> list[str]:
    answer = client.search_faces_by_image(CollectionId="people", Image={"Bytes": picture(Square(number))})
    return [match["Face"]["FaceId"] for match in answer["FaceMatches"]]


def test_an_erased_face_is_certified_while_the_server_runs(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "certificate.json"
    with serving(data) as server:
        client = server.client()
        client.create_collection(CollectionId="people")
        one, two = index(client, 1), index(client, 2)
        assert custodes("erasure", "certificate", one, "--out", str(file), "--data", str(data)).returncode == 1
        client.delete_faces(CollectionId="people", FaceIds=[one])
        made = custodes("erasure", "certificate", one, "--out", str(file), "--data", str(data))
        assert made.returncode == 0, made.stderr
        checked = subprocess.run(
            [sys.executable, "-m", "custodes.ledger", "verify", str(file), "--trust", str(data / "trust.policy")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (checked.stdout.split()[0], checked.returncode) == ("ABSENT", 0), checked.stdout
        assert one in checked.stdout
        assert found(client, 2) == [two]
        assert server.stop() == 0
    assert [entry.fields["n"] for entry in entries(data) if entry.kind == "era"] == [1]


def test_collections_and_users_leave_entries(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        client = server.client()
        client.create_collection(CollectionId="people")
        faces = [index(client, number) for number in (1, 2, 3)]
        client.create_user(CollectionId="people", UserId="ann")
        client.delete_user(CollectionId="people", UserId="ann")
        client.delete_collection(CollectionId="people")
        file = tmp_path / "certificate.json"
        made = custodes("erasure", "certificate", faces[1], "--out", str(file), "--data", str(tmp_path / "data"))
        assert made.returncode == 0, made.stderr
        client.create_collection(CollectionId="people")
        again = index(client, 1)
        client.delete_faces(CollectionId="people", FaceIds=[again])
        with pytest.raises(ClientError):
            client.delete_user(CollectionId="people", UserId="ann")
        assert server.stop() == 0
    erased = [entry for entry in entries(tmp_path / "data") if entry.kind == "era"]
    assert [entry.fields["n"] for entry in erased] == [1, 3, 1]
    assert ["o" in entry.fields for entry in erased] == [False, True, True]


def test_yesterdays_backup_does_not_bring_an_erased_face_back(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    backup.mkdir()
    with serving(data) as server:
        client = server.client()
        client.create_collection(CollectionId="people")
        gone, mate, stays = index(client, 1), index(client, 2), index(client, 3)
        client.create_user(CollectionId="people", UserId="ann")
        client.associate_faces(CollectionId="people", UserId="ann", FaceIds=[gone, mate], UserMatchThreshold=0)
        assert server.stop() == 0
    for name in DATABASE:
        if (data / name).exists():
            shutil.copy(data / name, backup / name)
    with serving(data) as server:
        client = server.client()
        client.disassociate_faces(CollectionId="people", UserId="ann", FaceIds=[gone])
        client.delete_faces(CollectionId="people", FaceIds=[gone])
        server.stop(signal.SIGKILL)
    for name in DATABASE:
        (data / name).unlink(missing_ok=True)
        if (backup / name).exists():
            shutil.copy(backup / name, data / name)
    with serving(data) as server:
        client = server.client()
        assert gone not in found(client, 1)
        listed = client.list_faces(CollectionId="people")["Faces"]
        assert {face["FaceId"] for face in listed} == {mate, stays}, "it was destroyed, not only hidden"
        user = client.search_users(CollectionId="people", FaceId=mate, UserMatchThreshold=99)
        assert [match["User"]["UserId"] for match in user["UserMatches"]] == ["ann"], "without the erased face"
        with pytest.raises(ClientError, match="InvalidParameter"):
            client.search_faces(CollectionId="people", FaceId=gone)
        assert server.stop() == 0
    # Where a file system gives out the numbers of removed files again, nothing but this shows that a file was put back.
    (incident,) = [entry for entry in entries(data) if entry.fields.get("x") == "erased-faces-had-come-back"]
    assert incident.fields["n"] == 1
