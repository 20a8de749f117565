"""Receipts, written: the other half of the parser in ``tlog.proof``.

In: a receipt or a promise. Out: the word for a response header; FORMAT.md has the layout.
"""

from __future__ import annotations

from custodes.ledger.tlog.entry import b64url
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.proof import NUMBERS, RECEIPT_PREFIX, Receipt
from custodes.ledger.tree.promise import PROMISE_PREFIX, Promise


def receipt_token(receipt: Receipt | Promise) -> str:
    """The receipt as one word for a header: ``v1.``, or ``q1.`` for a promise, and base64url.

    Raises:
        NoteError: the checkpoint has extension lines or signers of other names, which the form cannot hold.
    """
    if isinstance(receipt, Promise):
        return _promise_token(receipt)
    tree = receipt.tree
    own = [s for s in receipt.signatures if s.name == tree.origin]
    if tree.extensions or not own:
        raise NoteError("a receipt needs a plain checkpoint signed under the name of its origin")
    origin = tree.origin.encode()
    parts = [
        bytes([len(origin)]),
        origin,
        NUMBERS.pack(receipt.index, tree.size),
        bytes([len(own)]),
        *[part for s in own for part in (s.key_id, len(s.value).to_bytes(2, "big"), s.value)],
        bytes([len(receipt.path)]),
        *receipt.path,
        bytes([len(receipt.salt)]),
        receipt.salt,
        len(receipt.envelope).to_bytes(2, "big"),
        receipt.envelope,
    ]
    return RECEIPT_PREFIX + b64url(b"".join(parts))


def _promise_token(promise: Promise) -> str:
    origin = promise.origin.encode()
    parts = [
        bytes([len(origin)]),
        origin,
        promise.index.to_bytes(8, "big"),
        bytes([len(promise.salt)]),
        promise.salt,
        len(promise.envelope).to_bytes(2, "big"),
        promise.envelope,
    ]
    return PROMISE_PREFIX + b64url(b"".join(parts))
