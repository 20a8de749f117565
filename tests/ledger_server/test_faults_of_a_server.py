"""When the ledger cannot be written nothing is done or released, and reading goes on; a killed server loses nothing."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from custodes.core.errors import DeniedError, UnavailableError
from custodes.core.ids import AccountId, RequestId
from custodes.core.slot import Slot
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.proof import verify_token
from custodes.ledger.tree.tiles import Tree
from custodes.operations.record.recorder import LedgerRecorder
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import Deny, Gate
from custodes.operations.requests.properties import CHANGES
from custodes.operations.requests.receipts import receipt_of
from custodes.storage.ledger.open import read_tiles
from tests.fakes.command import custodes
from tests.fakes.engine import Square, picture
from tests.fakes.process import serving
from tests.fakes.records import ScriptedPolicy

IMAGE = {"Bytes": picture(Square(1))}


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        content: bytes = answer.read()
        return content


class Try(Command):
    """Does what a test wants."""

    operation = "DetectFaces"
    properties = CHANGES


def context() -> Context:
    caller = Caller(AccountId("123456789012"), "AKEXAMPLE", "arn:aws:iam::123456789012:user/ann", "eu-central-1")
    return Context(caller, RequestId("11111111-1111-4111-8111-111111111111"), 1_700_000_000_000)


def test_a_denial_is_an_entry_with_a_receipt(live_server: Any) -> None:
    log = live_server.deployment.ledger.log
    gate = Gate(ScriptedPolicy(Deny("the moratorium is in force", "rule-7")), LedgerRecorder(log, "1.0"))
    ran: list[Slot] = []
    with pytest.raises(DeniedError, match="moratorium") as denied:
        gate.perform(context(), Try(), lambda permit, command: ran.append(permit.slot))
    assert ran == []
    receipt = receipt_of(denied.value)
    assert receipt is not None
    key = VerifierKey.parse((live_server.data / "ledger.pub").read_text().strip())
    entry = verify_token(receipt.token, [key]).entry
    assert (entry.kind, entry.fields["d"]) == ("auth", "deny")
    log.flush()
    body = json.loads(log.body(receipt.index))
    assert (body["rule"], body["request_id"]) == ("rule-7", context().request_id)


def test_a_log_that_is_closed_stops_everything_but_reading(live_server: Any, rekognition: Any) -> None:
    rekognition.detect_faces(Image=IMAGE)
    rekognition.create_collection(CollectionId="people")
    log = live_server.deployment.ledger.log
    before = log.flush().size
    log.close()
    computed: list[int] = []
    gate = Gate(ScriptedPolicy(), LedgerRecorder(log, "1.0"))
    with pytest.raises(UnavailableError):
        gate.perform(context(), Try(), lambda permit, command: computed.append(1))
    assert computed == []
    for call in (
        lambda: rekognition.detect_faces(Image=IMAGE),
        lambda: rekognition.delete_collection(CollectionId="people"),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == "InternalServerError"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    checkpoint = get(f"{live_server.url}/ledger/checkpoint")
    assert int(checkpoint.split(b"\n")[1]) == before
    assert get(f"{live_server.url}/ledger/proof/0").startswith(b"c2sp.org/tlog-proof@v1")


@pytest.mark.skipif(os.geteuid() != 0, reason="a full disk is mounted, which only root can do")
def test_a_full_disk_is_a_modelled_error_and_is_survived(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(data)], check=False).returncode:
        pytest.skip("this machine lets nobody mount a small file system")
    try:
        with serving(data) as server:
            client = server.client()
            client.detect_faces(Image=IMAGE)
            ballast = data / "ballast"
            fd = os.open(ballast, os.O_WRONLY | os.O_CREAT)
            with pytest.raises(OSError, match="space"):
                while True:
                    os.write(fd, b"x" * 4096)
            os.close(fd)
            codes = set()
            for _ in range(40):
                try:
                    client.detect_faces(Image=IMAGE)
                except ClientError as error:
                    codes.add(error.response["Error"]["Code"])
            assert codes == {"InternalServerError"}
            assert get(f"{server.url}/ledger/checkpoint")
            ballast.unlink()
            deadline = time.monotonic() + 20
            while True:
                try:
                    client.detect_faces(Image=IMAGE)
                    break
                except ClientError:
                    assert time.monotonic() < deadline, "it did not come back"
                    time.sleep(0.2)
            assert server.stop() == 0
        audit(data)
    finally:
        subprocess.run(["umount", str(data)], check=False)


def audit(data: Path) -> None:
    """The audit finds no difference."""
    answer = custodes("ledger", "audit", "--data", data, "--json")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert json.loads(answer.stdout)["difference"] is None


def test_no_acknowledged_use_is_lost_when_the_server_is_killed_under_load(tmp_path: Path) -> None:
    data = tmp_path / "data"
    tokens: list[str] = []
    for _ in range(3):
        with serving(data) as server:
            threads = [threading.Thread(target=_load, args=(server.client(), tokens)) for _ in range(6)]
            for thread in threads:
                thread.start()
            time.sleep(0.7)
            server.popen.kill()
            for thread in threads:
                thread.join(20)
    with serving(data) as server:
        assert server.stop() == 0
    assert len(tokens) > 20
    audit(data)
    key = VerifierKey.parse((data / "ledger.pub").read_text().strip())
    size = int((data / "ledger" / "checkpoint").read_text().split("\n")[1])
    tree = Tree(read_tiles(data), size)
    envelopes = dict(tree.entries())
    settled = set()
    for token in tokens:
        found = verify_token(token, [key])
        assert envelopes[found.index] == found.entry.encode(), "an acknowledged entry is where it was"
        settled.add(found.entry.settles)
    assert len(settled) == len(tokens)
    kinds = [json.loads(envelope) for envelope in envelopes.values()]
    allowed = {index for index, entry in enumerate(kinds) if entry["k"] == "auth"}
    ended = [entry["a"] for entry in kinds if entry["k"] in ("use", "void")]
    assert sorted(ended) == sorted(allowed), "each permission is settled exactly once"


def _load(client: Any, tokens: list[str]) -> None:
    while True:
        try:
            answer = client.detect_faces(Image=IMAGE)
        except (BotoCoreError, ClientError):
            return
        tokens.append(answer["ResponseMetadata"]["HTTPHeaders"]["x-custodes-receipt"])
