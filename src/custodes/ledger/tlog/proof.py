"""What a caller keeps: the receipt in a response header, read and checked.

In: the text of a receipt and the keys one trusts. Out: the checked entry. A receipt says that the entry stands in the
tree that the log signed; that the log shows the same tree to everybody is what witnesses are for. Its layout is in
FORMAT.md; it is made in ``writer.receipt``.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from custodes.ledger.tlog.checkpoint import Checkpoint, open_checkpoint
from custodes.ledger.tlog.commitment import SALT_BYTES, BodyError, check_opening
from custodes.ledger.tlog.entry import Entry, EntryError, decode, from_b64url
from custodes.ledger.tlog.merkle import HASH_BYTES, ProofError, leaf_hash, root_from_inclusion, verify_inclusion
from custodes.ledger.tlog.note import Note, NoteError, Signature, Verifier

RECEIPT_PREFIX = "v1."
MAX_RECEIPT_CHARS = 8192
NUMBERS = struct.Struct(">QQ")


@dataclass(frozen=True, slots=True)
class Receipt:
    """Evidence that ``envelope`` is entry ``index`` of a signed tree.

    Attributes:
        index: place in the log.
        envelope: the public entry, the leaf's bytes.
        path: inclusion proof.
        tree: the tree that was signed.
        signatures: those under its checkpoint.
        salt: opens the commitment for whoever also has the body; empty if there is none.
    """

    index: int
    envelope: bytes
    path: Sequence[bytes]
    tree: Checkpoint
    signatures: tuple[Signature, ...]
    salt: bytes = field(default=b"", repr=False)

    @property
    def checkpoint(self) -> bytes:
        """The signed note over the tree."""
        return Note(self.tree.text(), self.signatures).encode()


class ByteCursor:
    """Takes bytes off the front and never past the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes. Raises ProofError."""
        part = self.data[self.at : self.at + count]
        if len(part) != count:
            raise ProofError("the receipt is too short")
        self.at += count
        return part

    def number(self, width: int) -> int:
        """The next ``width`` bytes as a number. Raises ProofError."""
        return int.from_bytes(self.take(width), "big")


def parse_receipt(token: str) -> Receipt:
    """Read a receipt. The root in its checkpoint is the one that its path leads to; signatures are not verified yet.

    Raises:
        ProofError: it is not a receipt.
    """
    if not token.startswith(RECEIPT_PREFIX) or len(token) > MAX_RECEIPT_CHARS:
        raise ProofError("this is not a receipt of version 1")
    try:
        cursor = ByteCursor(from_b64url(token.removeprefix(RECEIPT_PREFIX)))
        origin = cursor.take(cursor.number(1)).decode()
    except (EntryError, UnicodeDecodeError) as error:
        raise ProofError("the receipt is malformed") from error
    index, size = NUMBERS.unpack(cursor.take(NUMBERS.size))
    signatures = [Signature(origin, cursor.take(4), cursor.take(cursor.number(2))) for _ in range(cursor.number(1))]
    path = [cursor.take(HASH_BYTES) for _ in range(cursor.number(1))]
    salt = cursor.take(cursor.number(1))
    envelope = cursor.take(cursor.number(2))
    if cursor.at != len(cursor.data) or len(salt) not in (0, SALT_BYTES):
        raise ProofError("the receipt has another length than it says")
    root = root_from_inclusion(leaf_hash(envelope), index, size, path)
    return Receipt(index, envelope, tuple(path), Checkpoint(origin, size, root), tuple(signatures), salt)


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """An entry that was shown to be in a signed tree."""

    index: int
    entry: Entry
    checkpoint: Checkpoint


def verify_receipt(receipt: Receipt, keys: Sequence[Verifier]) -> VerifiedEntry:
    """Check signature, origin, size and path of a receipt against the keys that the reader trusts.

    Raises:
        ProofError: something does not hold; the message says what.
    """
    try:
        checkpoint = open_checkpoint(receipt.checkpoint, keys)
        entry = decode(receipt.envelope)
    except (NoteError, EntryError) as error:
        raise ProofError(str(error)) from error
    leaf = leaf_hash(receipt.envelope)
    verify_inclusion(leaf, receipt.index, checkpoint.size, receipt.path, checkpoint.root)
    return VerifiedEntry(receipt.index, entry, checkpoint)


def verify_token(token: str, keys: Sequence[Verifier]) -> VerifiedEntry:
    """Parse and check a receipt as it stands in a header.

    Raises:
        ProofError: something does not hold; the message says what.
    """
    return verify_receipt(parse_receipt(token), keys)


def verify_owned(token: str, body: bytes | None, keys: Sequence[Verifier]) -> VerifiedEntry:
    """Like ``verify_token``; ``body``, where the receipt came with one, has to be what the entry commits to.

    Raises:
        ProofError: something does not hold; the message says what.
    """
    receipt = parse_receipt(token)
    found = verify_receipt(receipt, keys)
    if body is not None:
        try:
            check_opening(found.entry.commitment or b"", receipt.salt, body)
        except BodyError as error:
            raise ProofError(str(error)) from error
    return found
