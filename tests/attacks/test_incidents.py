"""A witness saw another history of the log; a head fails; the clock is set ahead, to end a notice or a month."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.clock import FixedClock
from custodes.core.errors import InvalidParameterError
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.witness.http import WitnessHttpServer
from custodes.ledger.witness.state_file import FolderMemory
from custodes.ledger.witness.witness import NOTHING, WitnessedState, WitnessKey, WitnessServer
from custodes.operations.record.incidents.clock_watch import SteadyClock
from tests.fakes.administration import administer
from tests.fakes.engine import Square, picture

IMAGE = {"Bytes": picture(Square(1))}
DAY = 86_400_000


@contextmanager
def witness_of_another_history(folder: Path, log_key: VerifierKey) -> Iterator[str]:
    """Its line of a policy."""
    folder.mkdir()
    memory = FolderMemory(folder)
    memory.advance(log_key.name, NOTHING, WitnessedState(1_000_000, b"r" * 32))
    key = WitnessKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    server = WitnessServer(key, {log_key.name: [log_key]}, memory, lambda: 1_900_000_000)
    with WitnessHttpServer(("127.0.0.1", 0), server, lambda line: None) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"witness w {key.public} http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


def incidents(server):
    log = server.deployment.ledger.log
    log.flush()
    entries = [decode(envelope) for _, envelope in log.tree().entries()]
    return [str(entry.fields["x"]) for entry in entries if entry.kind == "inc"]


def refusal(client):
    with pytest.raises(ClientError) as refused:
        client.compare_faces(SourceImage=IMAGE, TargetImage=IMAGE)
    return refused.value.response["Error"]["Code"]


def test_a_witness_of_another_history_stops_recognition_until_somebody_looked(operator):
    with operator.serving() as server:
        log_key = VerifierKey.parse((operator.data / "ledger.pub").read_text())
        policy = operator.data / "trust.policy"
        own = policy.read_text()
        client = server.client()
        assert client.compare_faces(SourceImage=IMAGE, TargetImage=IMAGE)["FaceMatches"]
        with witness_of_another_history(operator.folder / "witness", log_key) as line:
            policy.write_text(f"log {log_key}\n{line}\nquorum w\n")
            operator.head(server)
            operator.head(server)  # the same conflict again is no other incident
        assert incidents(server) == ["witness-conflict"]
        assert refusal(client) == "AccessDeniedException"
        client.create_collection(CollectionId="c")  # what recognises nobody goes on
        with pytest.raises(ClientError):
            client.index_faces(CollectionId="c", Image=IMAGE)
    policy.write_text(own)
    with operator.serving() as server:  # neither a restart nor another policy clears it
        client = server.client()
        assert refusal(client) == "AccessDeniedException"
        (row,) = administer(server, "incident list")["incidents"]
        assert (row["what"], row["about"], row["standing"]) == ("witness-conflict", "w", True)
        with pytest.raises(InvalidParameterError):
            administer(server, "incident acknowledge", index=row["index"] + 1, reason="another")
        administer(server, "incident acknowledge", index=row["index"], reason="the witness had a test log of that name")
        assert client.compare_faces(SourceImage=IMAGE, TargetImage=IMAGE)["FaceMatches"]
        assert incidents(server) == ["witness-conflict", "acknowledged"]
        assert [one["standing"] for one in administer(server, "incident list")["incidents"]] == [False]


def test_where_officers_are_appointed_one_of_them_signs_for_the_acknowledgement(operator):
    def run(*arguments):
        return CliRunner().invoke(app, [*arguments, "--data", str(operator.data)])

    with operator.serving() as server:
        log_key = VerifierKey.parse((operator.data / "ledger.pub").read_text())
        with witness_of_another_history(operator.folder / "witness", log_key) as line:
            (operator.data / "trust.policy").write_text(f"log {log_key}\n{line}\nquorum w\n")
            operator.head(server)
        key, other = operator.folder / "anna.key", operator.folder / "carl.key"
        public = CliRunner().invoke(app, ["policy", "officer", "key", "anna", "--out", str(key)]).stdout.strip()
        CliRunner().invoke(app, ["policy", "officer", "key", "carl", "--out", str(other)])
        assert run("policy", "officer", "add", public).exit_code == 0
        (row,) = administer(server, "incident list")["incidents"]
        said = ["incident", "acknowledge", str(row["index"]), "--reason"]
        alone = run(*said, "a test log")
        assert alone.exit_code != 0 and "an officer has to sign" in alone.output + str(alone.exception)
        assert run(*said, "a test log", "--sign-with", str(other)).exit_code != 0, "carl is no officer"
        signature = run(*said, "a test log", "--sign-with", str(key), "--sign-only").stdout.strip()
        assert run(*said, "another reason", "--signature", signature).exit_code != 0, "she signed for another reason"
        assert refusal(server.client()) == "AccessDeniedException"
        done = run(*said, "a test log", "--signature", signature, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["signers"] == ["anna"]
        log = server.deployment.ledger.log
        log.flush()
        entries = [decode(envelope) for _, envelope in log.tree().entries()]
        (entry,) = [one for one in entries if one.kind == "inc" and one.fields["x"] == "acknowledged"]
        assert entry.fields["q"] == 1


def test_a_head_that_fails_is_an_incident_and_stops_nobody(operator):
    operator.use(1)
    with operator.serving() as server:
        duties, kept = server.deployment.ledger.duties, operator.data / "ledger-private" / "maps"
        server.client().detect_faces(Image=IMAGE)
        server.deployment.ledger.log.flush()
        operator.erase_bodies(operator.uses()[1:])
        for _ in range(2):
            with pytest.raises(Exception, match="private body"):
                duties.close_heads()
        assert kept.exists()
        assert incidents(server) == ["head-failed"]
        assert server.client().compare_faces(SourceImage=IMAGE, TargetImage=IMAGE)["FaceMatches"]


def test_no_notice_and_no_month_is_over_because_somebody_set_the_clock():
    wall, elapsed = FixedClock(1_767_225_600_000), 0
    steady = SteadyClock(wall, lambda: elapsed)
    wall.advance(400 * DAY)
    assert steady.now_ms() == 1_767_225_600_000
    elapsed = DAY
    assert steady.now_ms() == 1_767_225_600_000 + DAY
    wall.advance(-401 * DAY)
    assert steady.now_ms() == 1_767_225_600_000 - DAY
