"""What a log shows of itself: the published checkpoint, proofs and entries from tiles, private bodies.

In: indexes. Out: proofs, envelopes, bodies. Nothing here waits for the disk or changes the log; what was appended but
not published yet is not seen. ``RunningLog`` says what a log that also takes entries can do, however it does it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol, Unpack

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.tree.tlog_proof import encode_tlog_proof
from custodes.ledger.writer.body import unseal
from custodes.ledger.writer.pending import EntryParts, Pending
from custodes.ledger.writer.ports import BodyStore, TileStore


class Publication(Protocol):
    """What was announced last."""

    def public(self) -> tuple[Checkpoint, bytes]:
        """The published checkpoint and its signed note. Raises LedgerUnavailableError where there is none."""
        ...

    def paused(self) -> AbstractContextManager[object]:
        """In the block no file of the log is published or retired."""
        ...


@dataclass(frozen=True, slots=True)
class PublicStores:
    """Where what is published lies, and what opens the private part of it: 32 bytes."""

    tiles: TileStore
    bodies: BodyStore
    body_key: bytes = field(repr=False)


class PublishedLog:
    """The reading side of a log; all methods may be called by any thread."""

    def __init__(self, stores: PublicStores, publication: Publication) -> None:
        """Read what ``publication`` has announced from ``stores``."""
        self._public = stores
        self._publication = publication

    @property
    def published(self) -> Checkpoint:
        """The checkpoint that everybody sees."""
        return self._publication.public()[0]

    @property
    def published_note(self) -> bytes:
        """The signed note of the published checkpoint, to show to witnesses."""
        return self._publication.public()[1]

    @contextmanager
    def at_rest(self) -> Iterator[tuple[Checkpoint, bytes]]:
        """The published checkpoint and its note, for copying: in the block no file of the log is published or retired.

        Entries are committed all the same, until many wait to be published; so be brief.
        """
        with self._publication.paused():
            yield self._publication.public()

    def proof(self, index: int) -> bytes:
        """A C2SP tlog-proof of entry ``index`` against the published checkpoint.

        Raises:
            IndexError: there is no such entry in the published tree.
        """
        checkpoint, note = self._publication.public()
        return encode_tlog_proof(index, Tree(self._public.tiles, checkpoint.size).inclusion_proof(index), note)

    def tree(self) -> Tree:
        """The published tree, to read entries and proofs from; for one thread."""
        return Tree(self._public.tiles, self.published.size)

    def body(self, index: int) -> bytes | None:
        """The private body of a published entry; None where there is none or it was erased.

        Raises:
            BodyError: what is stored is not what was committed.
            IndexError: there is no such entry in the published tree.
        """
        entry = decode(self.tree().entry(index))
        sealed = self._public.bodies.get(index)
        if entry.commitment is None or sealed is None:
            return None
        return unseal(sealed, entry.commitment, self._public.body_key)


class RunningLog(PublishedLog, ABC):
    """A log that takes entries, by one process on a disk of its own or by several over one database."""

    @abstractmethod
    def append(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """Queue an entry; it is not durable before ``wait`` of what is returned came back.

        An ``auth`` entry with ``d`` = ``allow`` is a permission: exactly one ``use`` or ``void`` settles it, which
        names it by ``settles``. Whatever is durable has its permission durable in front, at best in the same batch.

        Raises:
            LedgerUnavailableError: the log cannot take entries now, or the permission never became durable.
            EntryError: the entry breaks a rule of its kind, or settles what is not open.
            BodyError: the body cannot be written.
        """

    @abstractmethod
    def defer(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """``append`` an entry that nobody waits for yet: it goes with the next batch, or in a moment by itself."""

    @abstractmethod
    def hasten(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """``append`` a permission that is to be durable soon, before what settles it: it is on its way at once."""

    @abstractmethod
    def commit(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """``append`` an entry that is durable when this returns. Raises as ``append`` and ``wait_durable`` do."""

    @abstractmethod
    def flush(self, timeout_s: float = 30.0) -> Checkpoint:
        """Wait until everything queued so far is durable and published; returns a published checkpoint with it.

        Raises:
            LedgerUnavailableError: it was not possible, or not in time.
        """

    @property
    @abstractmethod
    def unavailable(self) -> str | None:
        """Why the log takes no entries, or None when it does."""

    @abstractmethod
    def erase(self, indexes: Iterable[int], timeout_s: float = 30.0) -> int:
        """Destroy the private bodies of entries wherever they are; the tree stays. Returns how many there were.

        Raises:
            IndexError: there is no such entry.
            LedgerUnavailableError: nothing was erased.
            OSError: a store failed; some may be erased.
        """

    @abstractmethod
    def close(self) -> None:
        """Commit what waits, publish it, stop. Entries after this are refused."""
