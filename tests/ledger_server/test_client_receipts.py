"""The hook for boto3: receipts are kept and checked, and what does not hold is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from custodes.client import ReceiptError, keep_receipts
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.proof import verify_token
from custodes.ledger.witness.trust_policy import write_policy
from custodes.ledger.writer.keys import SigningKey
from fakes.engine import Square, picture


def test_every_answer_leaves_a_receipt(live_server: Any, rekognition: Any, tmp_path: Path) -> None:
    folder = tmp_path / "receipts"
    keep_receipts(rekognition, folder, trust=live_server.data / "trust.policy")
    rekognition.detect_faces(Image={"Bytes": picture(Square(1))})
    with pytest.raises(ClientError):
        rekognition.describe_collection(CollectionId="nowhere")
    with pytest.raises(ClientError):
        rekognition.list_stream_processors()  # not implemented: refused in front of the gate
    key = VerifierKey.parse((live_server.data / "ledger.pub").read_text().strip())
    kept = sorted(folder.iterdir())
    assert len(kept) == 2
    for file in kept:
        assert verify_token(file.read_text().strip(), [key]).index == int(file.stem)


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
