"""The hook for boto3: receipts are kept and checked, and what does not hold is noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.client import ReceiptError, keep_receipts
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.proof import verify_token
from custodes.ledger.witness.trust_policy import write_policy
from custodes.ledger.writer.keys import SigningKey
from tests.fakes.engine import Square, picture


def test_every_answer_leaves_a_receipt(live_server: Any, rekognition: Any, tmp_path: Path) -> None:
    folder = tmp_path / "receipts"
    keep_receipts(rekognition, folder, trust=live_server.data / "trust.policy")
    rekognition.detect_faces(Image={"Bytes": picture(Square(1))})
    with pytest.raises(ClientError):
        rekognition.describe_collection(CollectionId="nowhere")
    with pytest.raises(ClientError):
        rekognition.list_faces(CollectionId="not/an/id")  # refused in front of the gate
    key = VerifierKey.parse((live_server.data / "ledger.pub").read_text().strip())
    kept = sorted(folder.glob("*.receipt"))
    assert len(kept) == 2
    for file in kept:
        assert verify_token(file.read_text().strip(), [key]).index == int(file.stem)
    account = live_server.deployment.keys.account_id
    bodies = [file.with_suffix(".body.json") for file in kept]
    assert [json.loads(body.read_bytes())["acct"] for body in bodies] == [account, account]
    check = ["receipts", "check", str(folder), "--trust", str(live_server.data / "trust.policy")]
    mine = CliRunner().invoke(app, [*check, "--account", str(account)])
    assert (mine.exit_code, "2 prove whose they are" in mine.output) == (0, True), mine.output
    other = CliRunner().invoke(app, [*check, "--account", "999999999999"])
    assert (other.exit_code, other.output.count("it is a receipt of account")) == (1, 2), other.output
    bodies[0].write_bytes(bodies[0].read_bytes().replace(str(account).encode(), b"999999999999"))
    forged = CliRunner().invoke(app, check)
    assert (forged.exit_code, "the body is not the one that was committed" in forged.output) == (1, True)


def test_receipts_of_another_log_are_noticed(live_server: Any, rekognition: Any, tmp_path: Path) -> None:
    other = tmp_path / "trust.policy"
    other.write_text(write_policy([str(SigningKey.from_seed("custodes/other", b"x" * 32).verifier)], [], 0))
    keep_receipts(rekognition, tmp_path / "receipts", trust=other)
    with pytest.raises(ReceiptError, match="does not hold"):
        rekognition.list_collections()


def test_a_server_that_gives_none_is_noticed(live_server: Any, rekognition: Any, tmp_path: Path) -> None:
    keep_receipts(rekognition, tmp_path / "receipts", trust=live_server.data / "trust.policy")

    def strip(parsed: Any, **_: object) -> None:
        parsed["ResponseMetadata"]["HTTPHeaders"].pop("x-custodes-receipt")

    rekognition.meta.events.register_first("after-call.rekognition", strip)
    with pytest.raises(ReceiptError, match="without a receipt"):
        rekognition.list_collections()
