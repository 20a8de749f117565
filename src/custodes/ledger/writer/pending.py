"""An entry on its way into the log: what the writer needs of it, and what its owner waits on.

In: a draft envelope and a sealed body from the owner; the batch that took it, or the failure, from the writer. Out: a
receipt. One raw lock per entry, released when it is settled, is the cheapest thing
a thread can wait on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypedDict

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.commitment import SALT_BYTES, commit
from custodes.ledger.tlog.entry import Draft, EntryError, Value, b64url, check, draft
from custodes.ledger.tlog.note import Signature
from custodes.ledger.tlog.proof import Receipt
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.tree.growth import Growth
from custodes.ledger.tree.promise import Promise
from custodes.ledger.writer.batch import Batch
from custodes.ledger.writer.body import SealedBody, canonical, seal
from custodes.ledger.writer.excerpt import MEMBERS as EXCERPTS
from custodes.ledger.writer.excerpt import excerpt


@dataclass(frozen=True, slots=True)
class Prepared:
    """All of an entry but its time.

    Attributes:
        draft: the envelope around the time.
        body: the sealed body, if there is one.
        reserves: whether the entry permits work that must be settled.
        settles: index of the ``auth`` entry that it settles.
    """

    draft: Draft
    body: SealedBody | None
    reserves: bool
    settles: int | None


class EntryEvidence(Protocol):
    """What shows that an entry is in the log."""

    def receipt(self, index: int, envelope: bytes, salt: bytes) -> Receipt | Promise:
        """What the owner of entry ``index`` keeps."""
        ...


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch that is durable: its growth of the tree, the tree with it, and the signatures over that."""

    growth: Growth
    tree: Checkpoint
    signatures: tuple[Signature, ...]

    def receipt(self, index: int, envelope: bytes, salt: bytes) -> Receipt:
        """See EntryEvidence: with a proof against the signed tree."""
        return Receipt(index, envelope, self.growth.inclusion_proof(index), self.tree, self.signatures, salt)


@dataclass(frozen=True, slots=True)
class Sealing:
    """What private bodies are sealed with: a source of unpredictable bytes, and the store's master key (32 bytes)."""

    random: Callable[[int], bytes]
    key: bytes = field(repr=False)


class Pending:
    """An entry with a place in the log that is not durable yet."""

    __slots__ = ("_committed", "_envelope", "_error", "_settled", "index", "prepared")

    def __init__(self, index: int, prepared: Prepared) -> None:
        """Entry ``index``, provided that everything in front of it becomes durable."""
        self.index = index
        self.prepared = prepared
        self._settled = threading.Lock()
        self._settled.acquire()
        self._envelope = b""
        self._committed: EntryEvidence | None = None
        self._error: Exception | None = None

    def wait(self, timeout_s: float = 30.0) -> Receipt | Promise:
        """The receipt, once the entry is durable; before that nothing that depends on it may leave.

        Raises:
            LedgerUnavailableError: the entry could not be written, or not in time.
        """
        self.wait_durable(timeout_s)
        assert self._committed is not None
        salt = b"" if self.prepared.body is None else self.prepared.body.salt
        return self._committed.receipt(self.index, self._envelope, salt)

    def wait_durable(self, timeout_s: float = 30.0) -> None:
        """Return once the entry would survive a power cut.

        Raises:
            LedgerUnavailableError: the entry could not be written, or not in time.
        """
        if not self._settled.acquire(timeout=timeout_s):
            raise LedgerUnavailableError("the ledger did not answer in time")
        self._settled.release()
        if self._error is not None:
            raise LedgerUnavailableError("the entry could not be written") from self._error

    @property
    def done(self) -> bool:
        """Whether ``wait`` would return at once."""
        return self._committed is not None or self._error is not None

    @property
    def failed(self) -> bool:
        """Whether the entry could not be written; its index then belongs to another entry, or to none."""
        return self._error is not None

    def settle(self, envelope: bytes, committed: EntryEvidence) -> None:
        """The writer's: the entry is durable."""
        self._envelope = envelope
        self._committed = committed
        self._settled.release()

    def fail(self, error: Exception) -> None:
        """The writer's: the entry could not be written."""
        self._error = error
        self._settled.release()


class EntryParts(TypedDict, total=False):
    """What an entry may have beside its kind.

    Attributes:
        units: what it is charged for.
        body: its private part.
        fields: its public part.
        settles: the permission that it uses up.
    """

    units: int | None
    body: Mapping[str, object] | None
    fields: Mapping[str, Value] | None
    settles: Pending | None


def prepare(
    kind: str,
    sealing: Sealing,
    *,
    units: int | None = None,
    body: Mapping[str, object] | None = None,
    fields: Mapping[str, Value] | None = None,
    settles: Pending | int | None = None,
) -> Prepared:
    """An entry that only lacks its place and its time; ``settles`` is its permission, or that one's index.

    Raises:
        EntryError: the entry breaks a rule of its kind.
        BodyError: the body cannot be written.
    """
    fields = fields or {}
    permission = settles.index if isinstance(settles, Pending) else settles
    if permission is not None:
        fields = {**fields, "a": permission}
    elif kind in ("use", "void"):
        raise EntryError(f"a {kind!r} entry settles a permission")
    check(kind, units, fields)  # what we add ourselves below is as it should be
    commitment, sealed = None, None
    if body is not None:
        data = canonical(body)
        salt = sealing.random(SALT_BYTES)
        commitment = commit(salt, data)
        sealed = seal(data, salt, commitment, sealing.key)
        if kind in EXCERPTS:
            fields = {**fields, "s": b64url(excerpt(kind, body, salt).commitment)}
    reserves = kind == "auth" and fields["d"] == "allow"
    return Prepared(draft(kind, units, commitment, fields), sealed, reserves, permission)


@dataclass(frozen=True, slots=True)
class Staged:
    """A batch on its way to the disk.

    Attributes:
        queue: its entries, in order.
        batch: what the journal has.
        committed: what their owners get.
        turn: its place among the batches in flight.
        written: the journal's number of its record, to be synced.
        generation: how often the log had failed when its entries left the queue.
    """

    queue: Sequence[Pending]
    batch: Batch
    committed: Committed
    turn: int
    written: int
    generation: int


def unsettled_after(before: frozenset[int], queue: Sequence[Pending]) -> frozenset[int]:
    """Permissions that are open after ``queue``."""
    opened = {pending.index for pending in queue if pending.prepared.reserves}
    closed = {pending.prepared.settles for pending in queue}
    return (before | opened) - closed
