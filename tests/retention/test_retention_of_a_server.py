"""Retention by a real server: rules set while it runs and while it does not, faces gone, all of it on record."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH
from custodes.ledger.tree.tiles import Tree
from custodes.storage.ledger.open import read_tiles
from tests.fakes.command import custodes
from tests.fakes.directories import raw
from tests.fakes.engine import Square, picture
from tests.fakes.process import serving
from tests.fakes.waiting import eventually


def command(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return custodes(*arguments, "--data", data)


def index(client: Any, number: int) -> str:
    answer = client.index_faces(CollectionId="people", Image={"Bytes": picture(Square(number))})
    face_id: str = answer["FaceRecords"][0]["Face"]["FaceId"]
    return face_id


def listed(client: Any) -> set[str]:
    return {face["FaceId"] for face in client.list_faces(CollectionId="people")["Faces"]}


def entries(data: Path, kind: str) -> list[Entry]:
    tiles = read_tiles(data)
    note = tiles.get(CHECKPOINT_PATH)
    assert note is not None
    size = parse_checkpoint(parse_note(note).text).size
    return [entry for _, envelope in Tree(tiles, size).entries() if (entry := decode(envelope)).kind == kind]


def test_a_server_erases_what_is_old(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        client = server.client()
        client.create_collection(CollectionId="people")
        old, mate, young = index(client, 1), index(client, 2), index(client, 3)
        client.create_user(CollectionId="people", UserId="ann")
        client.associate_faces(CollectionId="people", UserId="ann", FaceIds=[old, mate], UserMatchThreshold=0)
        made = command(data, "retention", "set", "people", "--days", "30")
        assert made.returncode == 0, made.stderr
        refused = command(data, "retention", "set", "nobody", "--days", "30")
        assert (refused.returncode, "does not exist" in refused.stderr) == (1, True)
        account = (data / "account").read_text().strip()
        shown = json.loads(command(data, "retention", "list", "--json").stdout)
        assert shown == [{"account_id": account, "collection_id": "people", "days": 30}]
        assert server.stop() == 0
    with raw(data) as connection:
        connection.execute("UPDATE faces SET enrolled_ts_ms = enrolled_ts_ms - 31 * 86400000 WHERE face_id = ?", [old])
        connection.commit()
    with serving(data) as server:
        client = server.client()
        eventually(lambda: listed(client) == {mate, young})
        user = client.search_users(CollectionId="people", FaceId=mate, UserMatchThreshold=99)
        assert [match["User"]["UserId"] for match in user["UserMatches"]] == ["ann"], "without the face that went"
        eventually(lambda: entries(data, "ret"))
        certificate = command(data, "erasure", "certificate", old, "--out", str(tmp_path / "certificate.json"))
        assert certificate.returncode == 0, certificate.stderr
        assert server.stop() == 0
    assert [entry.fields["n"] for entry in entries(data, "ret")] == [1]
    assert [entry.fields["n"] for entry in entries(data, "era")] == [1]
    audited = command(data, "ledger", "audit")
    assert audited.returncode == 0, audited.stdout


@pytest.mark.parametrize("running", [True, False])
def test_rules_can_be_taken_away(tmp_path: Path, running: bool) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        server.client().create_collection(CollectionId="people")
        if not running:
            config = (data / "config").read_text()
            assert server.stop() == 0
        assert command(data, "retention", "set", "people", "--days", "7").returncode == 0
        assert "7 days  people" in command(data, "retention", "list").stdout
        assert command(data, "retention", "clear", "people").returncode == 0
        assert command(data, "retention", "list").stdout == ""
        if not running:
            assert (data / "config").read_text() == config, "nothing else of the directory changed"
        else:
            assert server.stop() == 0


def test_there_must_be_a_data_directory(tmp_path: Path) -> None:
    value = command(tmp_path / "none", "retention", "list")
    assert (value.returncode, "no data directory" in value.stderr) == (1, True)
    assert not (tmp_path / "none").exists()
