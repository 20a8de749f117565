"""Receipts, written: the other half of the parser in ``tlog.proof``.

In: a receipt, or an index with its inclusion proof and the signed checkpoint. Out: the word for a response header,
or the bytes of a file. Source: c2sp.org/tlog-proof v1; receipt layout in FORMAT.md.
"""

from __future__ import annotations

from custodes.ledger.tlog.entry import b64url
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.proof import NUMBERS, RECEIPT_PREFIX, Receipt


def receipt_token(receipt: Receipt) -> str:
    """The receipt as one word for a header: ``v1.`` and base64url.

    Raises:
        NoteError: the checkpoint has extension lines or signers of other names, which the form cannot hold.
    """
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
