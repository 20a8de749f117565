"""Several servers over one database: what one acknowledged, every other one answers by; the record is one log."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from custodes.client import include_receipts, keep_receipts
from custodes.core.errors import UnavailableError
from tests.fakes.command import custodes
from tests.fakes.engine import Square, picture
from tests.fakes.live import running
from tests.fakes.nodes import Node, running_node
from tests.fakes.postgres import PostgresServer


@dataclass(frozen=True)
class Pair:
    """Two servers: the one with the duties, and another one."""

    keeper: Node
    other: Node
    database: str

    def command(self, *words: object) -> Any:
        """What ``custodes`` answers on the directory, as JSON."""
        return json.loads(self.said(*words, "--json"))

    def said(self, *words: object) -> str:
        """What it prints."""
        done = custodes(*words, "--data", self.keeper.data, variables={"CUSTODES_DATABASE": self.database})
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr if "--json" not in words else done.stdout


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Pair]:
    data, url = tmp_path_factory.mktemp("nodes") / "data", postgres.database()
    with running_node("one", url, data) as one, running_node("two", url, data) as two:
        assert [one.health()["duties"], two.health()["duties"]] == [True, False]
        yield Pair(one, two, url)


def refused(call: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**members)
    code: str = raised.value.response["Error"]["Code"]
    return code


def customer(pair: Pair, name: str) -> tuple[str, tuple[str, str]]:
    """A new account and the key of its root."""
    made = pair.command("account", "create", "--name", name, "--sector", "other", "--country", "DE")
    return made["account_id"], (made["access_key_id"], made["secret_access_key"])


def test_each_finds_what_the_other_enrolled_and_not_what_it_erased(pair: Pair) -> None:
    one, other = pair.keeper.client(), pair.other.client()
    one.create_collection(CollectionId="people")
    for number, (here, there) in enumerate([(one, other), (other, one)]):
        image = {"Bytes": picture(Square(20 + 40 * number))}
        (added,) = here.index_faces(CollectionId="people", Image=image)["FaceRecords"]
        (found,) = there.search_faces_by_image(CollectionId="people", Image=image)["FaceMatches"]
        assert found["Face"]["FaceId"] == added["Face"]["FaceId"]
        here.delete_faces(CollectionId="people", FaceIds=[found["Face"]["FaceId"]])
        for asked in (here, there):
            assert asked.search_faces_by_image(CollectionId="people", Image=image)["FaceMatches"] == []
    other.delete_collection(CollectionId="people")
    assert refused(one.describe_collection, CollectionId="people") == "ResourceNotFoundException"
    assert refused(other.list_faces, CollectionId="people") == "ResourceNotFoundException"


def test_a_picture_that_comes_to_both_at_once_is_enrolled_once(pair: Pair) -> None:
    clients = [node.client() for node in (pair.keeper, pair.other) for _ in range(3)]
    clients[0].create_collection(CollectionId="once")
    for who in range(1, 5):
        image, ready = {"Bytes": picture(Square(who), Square(who, 50, left=200))}, threading.Barrier(len(clients))

        def enrol(client: Any, image: Any = image, ready: threading.Barrier = ready) -> list[str]:
            ready.wait(10)
            records = client.index_faces(CollectionId="once", Image=image)["FaceRecords"]
            return [record["Face"]["FaceId"] for record in records]

        with ThreadPoolExecutor(len(clients)) as threads:
            answers = list(threads.map(enrol, clients))
        assert all(answer == answers[0] for answer in answers)
        assert len(clients[1].list_faces(CollectionId="once")["Faces"]) == 2 * who


def test_people_of_a_collection(pair: Pair) -> None:
    one, other = pair.keeper.client(), pair.other.client()
    other.create_collection(CollectionId="users")
    image = {"Bytes": picture(Square(30))}
    (added,) = one.index_faces(CollectionId="users", Image=image)["FaceRecords"]
    other.create_user(CollectionId="users", UserId="ann")
    one.associate_faces(CollectionId="users", UserId="ann", FaceIds=[added["Face"]["FaceId"]])
    (found,) = other.search_users_by_image(CollectionId="users", Image=image)["UserMatches"]
    assert found["User"]["UserId"] == "ann"
    other.delete_user(CollectionId="users", UserId="ann")
    assert one.search_users_by_image(CollectionId="users", Image=image)["UserMatches"] == []


def test_accounts_keys_and_documents_hold_everywhere_at_once(pair: Pair) -> None:
    account, key = customer(pair, "Northwind")
    client = pair.other.client(key=key)
    assert client.list_collections()["CollectionIds"] == []
    assert pair.other.client("sts", key=key).get_caller_identity()["Account"] == account
    pair.command("user", "create", "ann", "--account", account)
    made = pair.command("key", "create", "--user", "ann", "--account", account)
    ann = pair.other.client(key=(made["access_key_id"], made["secret_access_key"]))
    assert refused(ann.list_collections) == "AccessDeniedException"
    document = pair.keeper.data.parent / "list.json"
    statement = {"Effect": "Allow", "Action": "rekognition:ListCollections", "Resource": "*"}
    document.write_text(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    pair.command("user", "policy", "put", "ann", "listing", "--file", document, "--account", account)
    assert ann.list_collections()["CollectionIds"] == []
    pair.command("key", "delete", made["access_key_id"])
    assert refused(ann.list_collections) == "UnrecognizedClientException"
    pair.command("account", "suspend", account, "--reason", "for a test")
    assert refused(client.list_collections) == "AccessDeniedException"
    pair.command("account", "activate", account)
    assert client.list_collections()["CollectionIds"] == []


def test_what_one_server_does_for_all_is_reached_through_each(pair: Pair) -> None:
    client = pair.other.client()
    assert client.list_stream_processors()["StreamProcessors"] == []
    assert client.describe_projects()["ProjectDescriptions"] == []
    assert refused(client.get_face_detection, JobId="0" * 64) == "ResourceNotFoundException"
    with urllib.request.urlopen(f"{pair.other.url}/console/", timeout=10) as answer:
        assert b"</html>" in answer.read()
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"{pair.other.url}/nothing", timeout=10)
    assert raised.value.code == 404
    raised.value.close()


def test_promises_become_proofs_and_statements_count_uses_of_both(pair: Pair, tmp_path: Path) -> None:
    data = pair.keeper.data
    account, key = customer(pair, "Tailspin")
    clients = [node.client(key=key) for node in (pair.keeper, pair.other)]
    for client in clients:
        keep_receipts(client, tmp_path, trust=data / "trust.policy")
        for _ in range(3):
            client.detect_faces(Image={"Bytes": picture(Square(20))})

    def proof(index: int) -> bytes:
        with urllib.request.urlopen(f"{pair.other.url}/ledger/proof/{index}", timeout=10) as answer:
            found: bytes = answer.read()
            return found

    time.sleep(0.6)  # a checkpoint a quarter of a second
    assert include_receipts(tmp_path, proof, trust=data / "trust.policy") == 6
    statement = tmp_path / "statement.json"
    pair.command("statement", "create", "--account", account, "--out", statement)
    checked = custodes("statement", "verify", statement, "--trust", data / "trust.policy", variables={})
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "6 " in checked.stdout
    report = pair.command("ledger", "audit", "--deep")
    assert report["difference"] is None


def test_a_directory_of_several_servers_is_not_opened_by_one(pair: Pair) -> None:
    data = pair.keeper.data
    with pytest.raises(UnavailableError, match="in use"), running_node("two", pair.database, data):
        pytest.fail("two servers of one name")
    alone = custodes("ledger", "audit", "--data", data, variables={})
    assert alone.returncode == 1
    assert "CUSTODES_DATABASE" in alone.stderr
    with pytest.raises(UnavailableError, match="in use"), running(data, {"database": pair.database}):
        pytest.fail("one server beside several")


def test_rules_and_verdicts_hold_everywhere_at_once(pair: Pair, tmp_path: Path) -> None:
    account, key = customer(pair, "Fourth Coffee")
    client = pair.other.client(key=key)
    assert client.list_collections()["CollectionIds"] == []
    keys = [tmp_path / name for name in ("ann", "ben")]
    first, second = (
        custodes("policy", "officer", "key", path.name, "--out", path, variables={}).stdout.strip() for path in keys
    )
    proposal = tmp_path / "proposal.json"
    pair.said("policy", "officer", "add", first)
    pair.said("policy", "officer", "add", second, "--out", proposal)
    pair.said("policy", "sign", proposal, "--key", keys[0])
    pair.said("policy", "apply", proposal)
    pair.said("policy", "propose", "--enable", "uk-russia-sanctions", "--out", proposal)
    pair.said("policy", "sign", proposal, "--key", keys[1])
    assert client.list_collections()["CollectionIds"] == []
    assert "in force now" in pair.said("policy", "apply", proposal)
    assert refused(client.list_collections) == "AccessDeniedException"  # nobody was screened

    owned = {"owner": "top", "asset": "it", "share": 100}
    parties = [{"id": "it", "name": "Fourth Coffee"}, {"id": "top", "name": "Zarya Vision OOO", "kind": "organisation"}]
    graph, house = tmp_path / "graph.json", tmp_path / "house.csv"
    graph.write_text(json.dumps({"subject": "it", "parties": parties, "edges": [owned]}))
    pair.said("screening", "put", account, "--organisation", graph)
    for listed, answers in (("Quite Other Mills", True), ("Zarya Vision", False)):
        house.write_text(f"uid,kind,name,aliases,birth,country,identifiers\n1,organisation,{listed},,,,\n")
        pair.said("sanctions", "import", "--format", "csv", "--confirm", house)
        pair.said("screening", "refresh")
        if answers:
            assert client.list_collections()["CollectionIds"] == []
        else:
            assert refused(client.list_collections) == "AccessDeniedException"
