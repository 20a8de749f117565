"""Collections that move: sealed archives through the commands, and what an import refuses."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from custodes.ledger.tlog.entry import decode
from tests.fakes.command import custodes
from tests.fakes.engine import DIMENSION, Square, SquareEngine, picture
from tests.fakes.live import LiveServer, running
from tests.streams.kept import post

ANN, BOB, CAS = 1, 2, 3


@pytest.fixture
def old(tmp_path: Path) -> Iterator[LiveServer]:
    """A server with three faces, two of them a person's."""
    with running(tmp_path / "old", engine=SquareEngine()) as server:
        client = server.client()
        client.create_collection(CollectionId="staff")
        for who, name in ((ANN, "Ann"), (BOB, "Bob"), (CAS, "Cas")):
            client.index_faces(CollectionId="staff", Image={"Bytes": picture(Square(who))}, ExternalImageId=name)
        client.create_user(CollectionId="staff", UserId="ann")
        ids = [faces(server)["Ann"], faces(server)["Bob"]]
        client.associate_faces(CollectionId="staff", UserId="ann", FaceIds=ids, UserMatchThreshold=0)
        yield server


def faces(server: LiveServer, collection: str = "staff") -> dict[str, str]:
    """Ids by external id."""
    found = server.client().list_faces(CollectionId=collection)["Faces"]
    return {face["ExternalImageId"]: face["FaceId"] for face in found}


def exported(server: LiveServer, folder: Path) -> tuple[str, str]:
    """An archive of ``staff`` and its key."""
    out, key = str(folder / "staff.archive"), str(folder / "staff.key")
    done = command(server, "collection", "export", "staff", "--out", out, "--key", key)
    assert done.returncode == 0, done.stderr
    return out, key


def imported(server: LiveServer, archive: tuple[str, str], *more: str) -> dict[str, Any]:
    done = command(server, "collection", "import", archive[0], "--key", archive[1], "--json", *more)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def command(server: LiveServer, *words: str) -> CompletedProcess[str]:
    return custodes(*words, "--data", server.data, variables={**os.environ, **server.environment()})


def test_a_collection_moves_to_another_server_with_ids_persons_and_vectors(old: LiveServer, tmp_path: Path) -> None:
    archive = exported(old, tmp_path)
    with running(tmp_path / "new", engine=SquareEngine()) as new:
        client = new.client()
        client.create_collection(CollectionId="people")
        first = imported(new, archive, "--collection", "people")
        assert first == {"collection_id": "people", "added": 3, "present": 0, "joined": 2, "erased": []}
        assert faces(new, "people") == faces(old)
        found = client.search_users_by_image(CollectionId="people", Image={"Bytes": picture(Square(ANN))})
        assert [match["User"]["UserId"] for match in found["UserMatches"]] == ["ann"]
        found = client.search_faces_by_image(CollectionId="people", Image={"Bytes": picture(Square(CAS))})
        assert [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]] == ["Cas"]
        assert imported(new, archive, "--collection", "people") | {"present": 0, "joined": 0} == first | {
            "added": 0,
            "joined": 0,
        }
    assert Path(archive[0]).stat().st_mode & 0o077 == Path(archive[1]).stat().st_mode & 0o077 == 0


def test_every_page_is_a_use_that_says_how_many(old: LiveServer, tmp_path: Path) -> None:
    exported(old, tmp_path)
    log = old.deployment.ledger.log
    log.flush()
    bodies = [
        json.loads(log.body(index) or b"{}")
        for index in range(log.published.size)
        if decode(log.tree().entry(index)).kind == "use"
    ]
    assert [body["counts"] for body in bodies if body["op"] == "ExportFaces"] == [{"faces_exported": 3}]


def test_who_was_erased_does_not_come_back_and_is_told(old: LiveServer, tmp_path: Path) -> None:
    archive, gone = exported(old, tmp_path), faces(old)["Cas"]
    client = old.client()
    client.delete_faces(CollectionId="staff", FaceIds=[gone])
    assert imported(old, archive)["erased"] == [gone]
    client.create_collection(CollectionId="under-another-name")
    again = imported(old, archive, "--collection", "under-another-name")
    assert (again["added"], again["erased"]) == (2, [gone])
    assert "Cas" not in faces(old) | faces(old, "under-another-name")


def test_the_file_is_what_the_page_about_archives_says(old: LiveServer, tmp_path: Path) -> None:
    archive, key = exported(old, tmp_path)
    data, opened = Path(archive).read_bytes(), b""
    assert data[:8] == b"CUSTARC\x01"
    cipher, at_byte, number = AESGCM(bytes.fromhex(Path(key).read_text())), 8, 0
    while at_byte < len(data):
        size = int.from_bytes(data[at_byte : at_byte + 4], "big")
        chunk = data[at_byte + 4 : at_byte + 4 + size]
        at_byte += 4 + size
        opened += cipher.decrypt(number.to_bytes(12, "big"), chunk, b"more" if at_byte < len(data) else b"last")
        number += 1
    head, *rows = map(json.loads, opened.splitlines())
    assert (head["format"], head["v"], head["collection_id"]) == ("custodes-faces", 1, "staff")
    assert {row["external_image_id"]: row["face_id"] for row in rows} == faces(old)
    assert [row.get("user_id") for row in rows] == ["ann", "ann", None]
    assert all(len(base64.b64decode(row["vector"])) == 4 * SquareEngine().dimension for row in rows)


def test_what_is_damaged_cut_short_or_of_another_key_is_refused(old: LiveServer, tmp_path: Path) -> None:
    archive, key = exported(old, tmp_path)
    whole, other = Path(archive).read_bytes(), tmp_path / "other.key"
    other.write_text("00" * 32)
    cut, turned = tmp_path / "cut", tmp_path / "turned"
    cut.write_bytes(whole[:-1])
    turned.write_bytes(whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
    for file, opener in ((archive, str(other)), (str(cut), key), (str(turned), key), (key, key), (archive, archive)):
        done = command(old, "collection", "import", file, "--key", opener)
        assert done.returncode != 0 and "Traceback" not in done.stderr
    again = command(old, "collection", "export", "staff", "--out", archive, "--key", str(tmp_path / "new.key"))
    assert again.returncode != 0 and Path(archive).read_bytes() == whole
    assert not (tmp_path / "new.key").exists()


@pytest.mark.parametrize(
    "wrong",
    [{"FaceModelVersion": "other-1"}, {"Vector": b"\0" * 8}, {"Vector": b"\0" * 4 * DIMENSION}, {"twice": True}],
    ids=str,
)
def test_faces_that_are_not_of_this_model_are_refused_whole(old: LiveServer, wrong: dict[str, Any]) -> None:
    page = post(old, "ExportFaces", "/custodes/v1/archives/export", CollectionId="staff")
    client = old.client()
    client.create_collection(CollectionId="copy")
    face = dict(page["Faces"][0])
    if "Vector" in wrong:
        face["Vector"] = base64.b64encode(wrong["Vector"]).decode()
    sent = [page["Faces"][1], face, *([face] if "twice" in wrong else [])]
    version = wrong.get("FaceModelVersion", page["FaceModelVersion"])
    members = {"CollectionId": "copy", "FaceModelVersion": version, "Faces": sent}
    answer = post(old, "ImportFaces", "/custodes/v1/archives/import", **members)
    assert answer["Code"] == "InvalidParameterException"
    assert faces(old, "copy") == {}
