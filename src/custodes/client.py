"""For users of boto3: keep the receipt of every call, checked against the log's public key when it arrives.

In: a boto3 client, a folder, a trust policy. Out: one small file per answer, and ReceiptError where a receipt is
missing or does not hold. Three lines in a program:

    from custodes.client import keep_receipts
    rekognition = boto3.client("rekognition", ...)
    keep_receipts(rekognition, "receipts", trust="trust.policy")

A receipt shows that the call is in the log that the server signed. Whether that log is the one that everybody sees is
what witnesses confirm, and what comparing receipts with a later statement shows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from custodes.ledger.tlog.entry import EntryError, from_b64url
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.note import Verifier
from custodes.ledger.tlog.proof import verify_owned
from custodes.ledger.tlog.trust import parse_policy
from custodes.ledger.tree.promise import check_promise, is_promise, parse_promise
from custodes.ledger.tree.tlog_proof import verify_tlog_proof

_HEADER, _BODY_HEADER = "x-custodes-receipt", "x-custodes-receipt-body"


class ReceiptError(Exception):
    """An answer came without a receipt, or with one that does not hold; the message says which."""


class Boto3Client(Protocol):
    """What is needed of a boto3 client: its events."""

    @property
    def meta(self) -> Any:
        """With ``events`` to register for."""
        ...


def keep_receipts(client: Boto3Client, folder: str | os.PathLike[str], *, trust: str | os.PathLike[str]) -> None:
    """From now on check and keep the receipt of each answer that ``client`` gets.

    Args:
        client: of the service ``rekognition``.
        folder: where ``INDEX.receipt`` files go; made when missing. Each holds the receipt as it stood in the header.
            Beside it, ``INDEX.body.json`` has what the entry says of the call, and so proves whose it is.
        trust: file with the trust policy; get it from somebody whom you trust, not from the server at every start.

    Raises:
        TrustError: the policy is malformed.
        OSError: the policy cannot be read, or the folder not be made.
    """
    keys = list(parse_policy(Path(trust).read_bytes()).logs)
    receipts = Path(folder)
    receipts.mkdir(parents=True, exist_ok=True)

    def check(parsed: Mapping[str, Any], **_: object) -> None:
        metadata = parsed["ResponseMetadata"]
        token = metadata.get("HTTPHeaders", {}).get(_HEADER)
        if token is None:
            # Refusals in front of the gate, like a wrong signature, are in no ledger.
            if metadata.get("HTTPStatusCode") == 200:
                raise ReceiptError("the server answered without a receipt")
            return
        packed = metadata["HTTPHeaders"].get(_BODY_HEADER)
        try:
            body = None if packed is None else from_b64url(packed)
            index = _index(token, body, keys)
        except (ProofError, EntryError) as error:
            raise ReceiptError(f"the receipt does not hold: {error}") from error
        if body is not None:
            (receipts / f"{index}.body.json").write_bytes(body)
        (receipts / f"{index}.receipt").write_text(token + "\n", encoding="ascii")

    client.meta.events.register("after-call.rekognition", check)


def include_receipts(
    folder: str | os.PathLike[str], proof_of: Callable[[int], bytes], *, trust: str | os.PathLike[str]
) -> int:
    """Get and check the log's proof for each promise in a folder of receipts, and keep it; how many were got now.

    A server that is one of several answers with promises, which its log keeps a moment later.

    Args:
        folder: where ``keep_receipts`` put them; a proof goes beside, as ``INDEX.proof`` (C2SP tlog-proof).
        proof_of: what the server has under ``/ledger/proof/INDEX``.
        trust: file with the trust policy.

    Raises:
        ReceiptError: a proof does not show that the log kept its promise.
    """
    keys, got = list(parse_policy(Path(trust).read_bytes()).logs), 0
    for file in sorted(Path(folder).glob("*.receipt")):
        token, proof = file.read_text(encoding="ascii").strip(), file.with_suffix(".proof")
        if not is_promise(token) or proof.exists():
            continue
        try:
            promise = parse_promise(token)
            data = proof_of(promise.index)
            found = verify_tlog_proof(data, promise.envelope, keys)
        except ProofError as error:
            raise ReceiptError(f"the log did not keep the promise in {file.name}: {error}") from error
        if found.index != promise.index:
            raise ReceiptError(f"the log did not keep the promise in {file.name}: it proved another entry")
        proof.write_bytes(data)
        got += 1
    return got


def _index(token: str, body: bytes | None, keys: Sequence[Verifier]) -> int:
    """Place of the entry that a receipt or promise is about, checked as far as it can be. Raises ProofError."""
    if not is_promise(token):
        return verify_owned(token, body, keys).index
    promise = parse_promise(token)
    check_promise(promise, body, keys)
    return promise.index
