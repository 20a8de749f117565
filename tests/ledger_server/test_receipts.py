"""Every answer that has an entry carries its receipt, and the receipt holds against the log's public key."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.proof import VerifiedEntry, verify_token
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.tree.tlog_proof import verify_tlog_proof
from custodes.ledger.writer.body import unseal
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.storage.ledger.open import LedgerPaths, read_bodies
from tests.fakes.engine import Square, picture


def entry_of(server: Any, answer: Any) -> VerifiedEntry:
    """The entry that an answer's receipt proves."""
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    key = VerifierKey.parse((server.data / "ledger.pub").read_text().strip())
    found = verify_token(headers["x-custodes-receipt"], [key])
    assert found.index == int(headers["x-custodes-ledger-index"])
    return found


def body_of(server: Any, found: VerifiedEntry) -> dict[str, Any]:
    """The private body of an entry, as the operator reads it."""
    server.deployment.ledger.log.flush()
    sealed = read_bodies(server.data).get(found.index)
    assert sealed is not None
    assert found.entry.commitment is not None
    parsed: dict[str, Any] = json.loads(
        unseal(sealed, found.entry.commitment, load_or_create_secret(LedgerPaths(server.data).body_key))
    )
    return parsed


def test_an_answer_proves_its_use(live_server: Any, rekognition: Any) -> None:
    answer = rekognition.detect_faces(Image={"Bytes": picture(Square(1), Square(2, left=100))})
    found = entry_of(live_server, answer)
    assert (found.entry.kind, found.entry.units) == ("use", 1)
    body = body_of(live_server, found)
    assert body["acct"] == live_server.deployment.keys.account_id
    assert (body["op"], body["code"], body["counts"]) == ("DetectFaces", "Done", {"faces_detected": 2})
    assert body["request_id"] == answer["ResponseMetadata"]["RequestId"]
    assert found.entry.settles is not None
    permission = live_server.deployment.ledger.log.tree().entry(found.entry.settles)
    assert b'"d":"allow"' in permission


def test_failed_calls_are_on_record_and_cost_nothing(live_server: Any, rekognition: Any) -> None:
    with pytest.raises(ClientError) as refused:
        rekognition.search_faces(CollectionId="nowhere", FaceId="12345678-1234-4123-8123-123456789012")
    found = entry_of(live_server, refused.value.response)
    assert (found.entry.kind, found.entry.units) == ("use", 0)
    body = body_of(live_server, found)
    assert (body["code"], body["threshold_milli_pct"]) == ("NotFoundError", 80000)


def test_searches_by_id_count_as_one_image(live_server: Any, rekognition: Any) -> None:
    rekognition.create_collection(CollectionId="people")
    answer = rekognition.index_faces(CollectionId="people", Image={"Bytes": picture(Square(1))})
    indexed = entry_of(live_server, answer)
    assert indexed.entry.units == 1
    assert body_of(live_server, indexed)["faces_delta"] == 1
    face = answer["FaceRecords"][0]["Face"]["FaceId"]
    searched = rekognition.search_faces(CollectionId="people", FaceId=face)
    assert entry_of(live_server, searched).entry.units == 1
    listed = rekognition.list_faces(CollectionId="people")
    assert entry_of(live_server, listed).entry.units == 0


def test_what_never_reached_the_gate_has_no_entry(live_server: Any, rekognition: Any) -> None:
    with pytest.raises(ClientError) as refused:
        rekognition.list_faces(CollectionId="not/an/id")
    assert "x-custodes-receipt" not in refused.value.response["ResponseMetadata"]["HTTPHeaders"]


def test_the_log_is_public(live_server: Any, rekognition: Any) -> None:
    answer = rekognition.detect_faces(Image={"Bytes": picture(Square(1))})
    found = entry_of(live_server, answer)
    checkpoint = live_server.deployment.ledger.log.flush()

    def get(path: str) -> bytes:
        with urllib.request.urlopen(f"{live_server.url}/ledger/{path}", timeout=5) as response:
            content: bytes = response.read()
            return content

    class OverHttp:
        def get(self, path: str) -> bytes | None:
            try:
                return get(path)
            except urllib.error.HTTPError:
                return None

    key = VerifierKey.parse((live_server.data / "ledger.pub").read_text().strip())
    envelope = Tree(OverHttp(), checkpoint.size).entry(found.index)
    assert verify_tlog_proof(get(f"proof/{found.index}"), envelope, [key]).entry == found.entry


def test_a_start_is_announced(live_server: Any) -> None:
    live_server.deployment.ledger.log.flush()
    kinds = [json.loads(envelope)["k"] for _, envelope in live_server.deployment.ledger.log.tree().entries()]
    assert kinds == ["acc", "boot", "pol"]
