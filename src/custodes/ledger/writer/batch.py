"""One group commit as bytes: the record of the journal, and the header of a journal segment.

In: entries that were taken together with the checkpoint signed over them; the state of the log. Out: bytes, and back.
Salts travel in the record's secret, which dies with its segment. FORMAT.md has the layout; nobody outside needs it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from custodes.ledger.tlog.commitment import SALT_BYTES
from custodes.ledger.tlog.merkle import Frontier
from custodes.ledger.tlog.tiles import LedgerCorruptError
from custodes.ledger.writer.body import SealedBody
from custodes.ledger.writer.ports import JournalRecord

_FIXED = struct.Struct(">QIH")
_PAIR = struct.Struct(">HI")


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries ``first`` and on, their bodies, and the signed checkpoint of the tree that ends with them."""

    first: int
    envelopes: Sequence[bytes]
    bodies: Sequence[SealedBody | None]
    checkpoint: bytes

    @property
    def end(self) -> int:
        """Size of the tree with this batch."""
        return self.first + len(self.envelopes)

    def encode(self) -> JournalRecord:
        """The journal's record."""
        bodies = self.bodies
        lengths = [
            _PAIR.pack(len(envelope), 0 if body is None else len(body.sealed))
            for envelope, body in zip(self.envelopes, bodies, strict=True)
        ]
        kept = [body for body in bodies if body is not None]
        fixed = _FIXED.pack(self.first, len(lengths), len(self.checkpoint))
        parts = [fixed, self.checkpoint, *lengths, *self.envelopes, *[body.sealed for body in kept]]
        return JournalRecord(b"".join(parts), b"".join([body.salt for body in kept]))


def decode_batch(record: JournalRecord) -> Batch:
    """Inverse of ``Batch.encode``.

    Raises:
        LedgerCorruptError: the bytes are not a batch.
    """
    data = record.data
    try:
        first, count, note_bytes = _FIXED.unpack_from(data)
        at = _FIXED.size + note_bytes
        checkpoint = data[_FIXED.size : at]
        pairs = [_PAIR.unpack_from(data, at + _PAIR.size * n) for n in range(count)]
    except struct.error as error:
        raise LedgerCorruptError("a record of the journal is too short") from error
    at += _PAIR.size * count
    envelopes: list[bytes] = []
    for length, _ in pairs:
        envelopes.append(data[at : at + length])
        at += length
    bodies: list[SealedBody | None] = []
    salt_at = 0
    for _, length in pairs:
        if length:
            salt = record.secret[salt_at : salt_at + SALT_BYTES]
            bodies.append(SealedBody(salt, data[at : at + length]))
            salt_at += SALT_BYTES
        else:
            bodies.append(None)
        at += length
    if at != len(data) or salt_at != len(record.secret):
        raise LedgerCorruptError("a record of the journal has another length than it says")
    return Batch(first, envelopes, bodies, checkpoint)


@dataclass(frozen=True, slots=True)
class LogState:
    """Where the log stands: all that the next batch needs to know.

    Attributes:
        frontier: right edge of the tree.
        checkpoint: the signed checkpoint over it.
        t: time of the last entry, ms.
        unsettled: indexes of ``auth`` entries that permit work and are not yet settled.
    """

    frontier: Frontier
    checkpoint: bytes
    t: int
    unsettled: frozenset[int]

    def encode(self) -> bytes:
        """Header of a segment that starts here."""
        nodes = [None if node is None else node.hex() for node in self.frontier.nodes]
        members = {
            "checkpoint": self.checkpoint.decode(),
            "nodes": nodes,
            "size": self.frontier.size,
            "t": self.t,
            "unsettled": sorted(self.unsettled),
            "v": 1,
        }
        return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode_state(data: bytes) -> LogState:
    """Inverse of ``LogState.encode``; signature and root are the caller's to check.

    Raises:
        LedgerCorruptError: the bytes are not a header.
    """
    try:
        members = json.loads(data)
        nodes = tuple(None if node is None else bytes.fromhex(node) for node in members["nodes"])
        frontier = Frontier(int(members["size"]), nodes)
        unsettled = frozenset(int(index) for index in members["unsettled"])
        return LogState(frontier, members["checkpoint"].encode(), int(members["t"]), unsettled)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LedgerCorruptError("the header of a journal segment is malformed") from error
