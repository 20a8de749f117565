"""A server over PostgreSQL answers as one over its own database does, and its ledger says the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from custodes.ledger.tlog.entry import decode
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import LiveServer, running
from tests.fakes.postgres import PostgresServer

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ANN, BOB = {"Bytes": picture(Square(1))}, {"Bytes": picture(Square(2))}


def plain(answer: Any) -> Any:
    """An answer without what differs from run to run: metadata, accounts, random ids, times."""
    if isinstance(answer, dict):
        left_out = ("ResponseMetadata", "CollectionARN", "CollectionArn", "CreationTimestamp")
        return {name: plain(value) for name, value in answer.items() if name not in left_out}
    if isinstance(answer, list):
        return [plain(item) for item in answer]
    return "id" if isinstance(answer, str) and _UUID.fullmatch(answer) else answer


def work(server: LiveServer) -> list[Any]:
    """A day's work; its answers."""
    client = server.client()
    people = {"CollectionId": "people"}
    answers = [client.create_collection(**people, Tags={"team": "a"})]
    answers += [client.index_faces(**people, Image=who, ExternalImageId=name) for who, name in ((ANN, "a"), (BOB, "b"))]
    ids = [record["FaceRecords"][0]["Face"]["FaceId"] for record in answers[1:]]
    answers += [
        client.search_faces_by_image(**people, Image=ANN, FaceMatchThreshold=0),
        client.search_faces(**people, FaceId=ids[1], FaceMatchThreshold=0),
        client.create_user(**people, UserId="ann"),
        client.associate_faces(**people, UserId="ann", FaceIds=ids[:1]),
        client.search_users(**people, UserId="ann", UserMatchThreshold=0),
        client.list_users(**people),
        client.list_faces(**people),
        client.describe_collection(**people),
        client.list_tags_for_resource(ResourceArn=client.describe_collection(**people)["CollectionARN"]),
        client.delete_faces(**people, FaceIds=[ids[1]]),
        client.search_faces_by_image(**people, Image=BOB, FaceMatchThreshold=99),
        client.list_collections(),
        client.delete_collection(**people),
    ]
    return [plain(answer) for answer in answers]


def sums(server: LiveServer) -> dict[str, int]:
    """Units by kind of entry."""
    log = server.deployment.ledger.log
    log.flush()
    tree, found = log.tree(), {}
    for index in range(log.published.size):
        entry = decode(tree.entry(index))
        if entry.kind == "use":
            found["units"] = found.get("units", 0) + (entry.units or 0)
        found[entry.kind] = found.get(entry.kind, 0) + 1
    return found


def test_answers_and_ledger_are_equal(tmp_path: Path, postgres: PostgresServer) -> None:
    with running(tmp_path / "here", engine=SquareEngine()) as server:
        here, entries_here = work(server), sums(server)
    shared = {"database": postgres.database()}
    with running(tmp_path / "there", shared, engine=SquareEngine()) as server:
        there, entries_there = work(server), sums(server)
    assert here == there
    assert entries_here == entries_there
    assert entries_here["units"] > 0


def test_accounts_and_faces_are_there_after_a_restart(tmp_path: Path, postgres: PostgresServer) -> None:
    data, shared = tmp_path / "data", {"database": postgres.database()}
    with running(data, shared, engine=SquareEngine()) as server:
        server.client().create_collection(CollectionId="people")
        server.client().index_faces(CollectionId="people", Image=ANN)
    with running(data, shared, engine=SquareEngine()) as server:
        found = server.client().search_faces_by_image(CollectionId="people", Image=ANN)
        assert len(found["FaceMatches"]) == 1
