"""What the server does every hour: both maps get heads, and a witness that the policy names confirms them."""

from __future__ import annotations

import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custodes.core.clock import FixedClock
from custodes.core.ids import AccountId, FaceId
from custodes.deployment.record.ledger import open_erasures, schedule_ledger
from custodes.gallery.entities import CollectionKey
from custodes.jobs.schedule import HOUR_MS, Scheduler
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.trust import open_trusted, parse_policy
from custodes.ledger.witness.http import WitnessHttpServer
from custodes.ledger.witness.state_file import FolderMemory
from custodes.ledger.witness.witness import WitnessKey, WitnessServer
from custodes.storage.files.documents import FolderDocuments
from custodes.storage.ledger.tombstones import KeptTombstones
from tests.fakes.administration import administer
from tests.fakes.engine import Square, picture
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.waiting import eventually


def kinds(server: Any) -> list[Any]:
    server.deployment.ledger.log.flush()
    return [decode(envelope) for _, envelope in server.deployment.ledger.log.tree().entries()]


def test_the_collection_map_gets_a_head(live_server: Any, rekognition: Any) -> None:
    rekognition.create_collection(CollectionId="people")
    rekognition.index_faces(CollectionId="people", Image={"Bytes": picture(Square(1), Square(2, left=100))})
    account = live_server.deployment.keys.account_id
    open_erasures(FolderDocuments(live_server.data), live_server.deployment.ledger, live_server.gallery).close_head(
        account
    )
    head = kinds(live_server)[-1]
    assert (head.kind, head.fields["m"], head.fields["q"]) == ("map", "collection", 2)


@contextmanager
def witness(folder: Path, log_key: str) -> Iterator[str]:
    """A witness for one log; yields its line of a policy."""
    folder.mkdir()
    key = WitnessKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    known = VerifierKey.parse(log_key)
    server = WitnessServer(key, {known.name: [known]}, FolderMemory(folder), lambda: 1_900_000_000)
    with WitnessHttpServer(("127.0.0.1", 0), server, lambda line: None) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"witness w {key.public} http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join(5)


def test_witnesses_of_the_policy_are_asked_with_each_head(live_server: Any, custodes: Any, tmp_path: Path) -> None:
    policy = live_server.data / "trust.policy"
    log_key = (live_server.data / "ledger.pub").read_text().strip()
    with witness(tmp_path / "witness", log_key) as line:
        policy.write_text(f"log {log_key}\n{line}\nquorum w\n")
        made = custodes(
            "statement",
            "create",
            "--account",
            "999999999999",
            "--out",
            str(tmp_path / "s.json"),
            "--data",
            str(live_server.data),
        )
        assert made.returncode == 0, made.stderr
    cosigned = (live_server.data / "ledger" / "checkpoint.witnessed").read_bytes()
    assert open_trusted(cosigned, parse_policy(policy.read_bytes())).quorum_met
    checked = custodes("statement", "verify", str(tmp_path / "s.json"), "--trust", str(policy))
    assert checked.stdout.split()[0] == "ABSENT", checked.stdout


def test_heads_of_the_hour_and_of_a_command(live_server: Any) -> None:
    deployment, clock = live_server.deployment, FixedClock()
    ledger, account = deployment.ledger, deployment.keys.account_id
    erasures = open_erasures(FolderDocuments(live_server.data), ledger, MemoryGalleryStore())
    index = administer(live_server, "ledger head")["index"]
    entries = kinds(live_server)
    assert [entry.kind for entry in entries][-2:] == ["adm", "map"]
    assert entries[index].fields["m"] == "account"
    before = len(kinds(live_server))
    heads = [
        one for one in schedule_ledger(ledger, erasures, account, live_server.data, clock) if one.lane == "map heads"
    ]
    with closing(Scheduler(heads, clock, max_wait_s=0.01)) as scheduler:
        scheduler.start()
        clock.advance(HOUR_MS)
        eventually(lambda: all(state.succeeded for state in scheduler.states()))
    entries = kinds(live_server)
    assert [(entry.kind, entry.fields["m"]) for entry in entries[before:]] == [
        ("map", "account"), ("map", "party"), ("map", "collection")
    ]  # fmt: skip


def test_metrics_say_how_fresh_periodic_work_is(live_server: Any) -> None:
    def metrics() -> tuple[str, dict[str, str]]:
        text = urllib.request.urlopen(f"{live_server.url}/metrics").read().decode()
        last = r'custodes_schedule_last_success_timestamp_seconds{schedule="([^"]+)"} (\S+)'
        return text, dict(re.findall(last, text))

    eventually(lambda: all(float(metrics()[1][name]) > 0 for name in ("retention", "policy")))
    text, fresh = metrics()
    assert float(fresh["policy"]) > 1e9
    assert float(fresh["head of the account map"]) == 0
    assert {"screening", "invoices", "expired reviews", "sanctions lists", "uses of keys", "clock"} <= fresh.keys()
    assert 'custodes_schedule_runs_total{outcome="defect",schedule="retention"} 0.0' in text


def test_tombstones_survive_a_torn_line(tmp_path: Path) -> None:
    key = CollectionKey(AccountId("123456789012"), "people")  # type: ignore[arg-type]
    stones = KeptTombstones(FolderDocuments(tmp_path))
    assert stones.buried() == {}
    stones.bury(key, [FaceId("a"), FaceId("b")])
    stones.unbury(key, [FaceId("a")])
    with (tmp_path / "ledger-private" / "erased-faces").open("a") as file:
        file.write("+\t1234567")
    again = KeptTombstones(FolderDocuments(tmp_path))
    assert again.buried() == {key: ["b"]}
    again.bury(key, [FaceId("c")])
    assert again.buried() == {key: ["b", "c"]}
    assert (tmp_path / "ledger-private" / "erased-faces").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", "custodes/other"])
def test_a_log_keeps_its_name(tmp_path: Path, name: str) -> None:
    from custodes.core.errors import UnavailableError
    from custodes.deployment.server import open_deployment
    from custodes.settings import Settings
    from tests.fakes.engine import SquareEngine

    first = Settings(data=tmp_path / "data", ledger_origin="ledger.example/1")
    with open_deployment(first, endpoint_url="http://127.0.0.1:1", engine=SquareEngine()) as deployment:
        assert deployment.ledger is not None
        assert deployment.ledger.log.published.origin == "ledger.example/1"
    second = Settings(data=tmp_path / "data", ledger_origin=name)
    if not name:
        with open_deployment(second, endpoint_url="http://127.0.0.1:1", engine=SquareEngine()) as deployment:
            assert deployment.ledger is not None
            assert deployment.ledger.log.published.origin == "ledger.example/1"
        return
    with (
        pytest.raises(UnavailableError, match="cannot change its name"),
        open_deployment(second, endpoint_url="http://127.0.0.1:1", engine=SquareEngine()),
    ):
        pass
