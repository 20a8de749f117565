"""``custodes collection``, ``face`` and ``person`` against a live server with predictable faces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.engine import Square, picture


@pytest.fixture
def people(custodes: Any, tmp_path: Path) -> list[str]:
    """Ids of two faces of Ann and one of Bob, in the collection ``people``."""
    for name, who in (("Ann/1", 1), ("Ann/2", 1), ("Bob/1", 2)):
        (tmp_path / "album" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "album" / f"{name}.png").write_bytes(picture(Square(who, angle_deg=5 * int(name[-1]))))
    custodes("index", str(tmp_path / "album"), "-c", "people")
    found = json.loads(custodes("face", "list", "-c", "people", "--json").stdout)
    return [face["face_id"] for face in sorted(found, key=lambda face: face["name"])]


def told(answer: Any) -> Any:
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_collections_are_made_shown_and_deleted(custodes: Any, live_server: Any) -> None:
    assert told(custodes("collection", "list", "--json")) == []
    made = told(custodes("collection", "create", "friends", "--json"))
    assert made["arn"].endswith(":collection/friends")
    (listed,) = told(custodes("collection", "list", "--json"))
    assert listed["collection_id"] == "friends"
    facts = told(custodes("collection", "describe", "friends", "--json"))
    assert facts.keys() == {"collection_id", "arn", "faces", "people", "face_model_version", "created_ts_ms"}
    assert facts["created_ts_ms"] > 1_700_000_000_000
    assert custodes("collection", "list").stdout == f"friends\t{listed['face_model_version']}\n"
    assert told(custodes("collection", "delete", "friends", "--json")) == {"collection_id": "friends", "faces": 0}
    gone = custodes("collection", "describe", "friends")
    assert (gone.returncode, "ResourceNotFoundException" in gone.stderr) == (1, True)


def test_faces_are_listed_by_name_and_erased(custodes: Any, people: list[str], rekognition: Any) -> None:
    ann = told(custodes("face", "list", "-c", "people", "--name", "Ann", "--json"))
    assert sorted(face["face_id"] for face in ann) == sorted(people[:2])
    some = custodes("face", "delete", people[0], "00000000-0000-4000-8000-000000000000", "-c", "people")
    assert (some.returncode, some.stdout.split()) == (3, [people[0]])
    assert "not in people: 00000000-0000-4000-8000-000000000000" in some.stderr
    assert told(custodes("face", "delete", people[1], "-c", "people", "--json"))["face_ids"] == [people[1]]
    assert rekognition.describe_collection(CollectionId="people")["FaceCount"] == 1


def test_people_have_faces_and_are_not_users_of_the_account(custodes: Any, people: list[str], rekognition: Any) -> None:
    told(custodes("person", "create", "ann", "-c", "people", "--json"))
    assigned = told(custodes("person", "assign", "ann", *people[:2], "-c", "people", "--json"))
    assert sorted(assigned["face_ids"]) == sorted(people[:2])
    stranger = custodes("person", "assign", "ann", people[2], "-c", "people")
    assert (stranger.returncode, stranger.stdout) == (1, "")
    assert f"{people[2]}: LOW_MATCH_CONFIDENCE" in stranger.stderr
    assert told(custodes("person", "list", "-c", "people", "--json")) == [{"person_id": "ann", "status": "active"}]
    hers = told(custodes("face", "list", "-c", "people", "--person", "ann", "--json"))
    assert {face["person_id"] for face in hers} == {"ann"}
    assert told(custodes("user", "list", "--json")) == []
    assert told(custodes("person", "unassign", "ann", people[0], "-c", "people", "--json"))["face_ids"] == [people[0]]
    custodes("person", "delete", "ann", "-c", "people")
    assert rekognition.list_users(CollectionId="people")["Users"] == []
    assert rekognition.describe_collection(CollectionId="people")["FaceCount"] == 3
