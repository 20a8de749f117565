"""What the log asks of storage, in the fewest verbs that are true. Adapters live outside this package.

In and out: bytes. Every method may raise OSError; after one, the log asks again only through the way it starts, so an
adapter never has to repair what a failed call left behind: a torn record is a record that is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from custodes.ledger.tlog.tiles import LedgerUnavailableError, TileReader
from custodes.ledger.writer.body import SealedBody


class HeadConflictError(LedgerUnavailableError):
    """Somebody else wrote to this log, or it was set back. It must not be signed on; a person has to look."""


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One group commit. ``secret`` is kept under a key that dies with its segment."""

    data: bytes
    secret: bytes


@dataclass(frozen=True, slots=True)
class JournalSegment:
    """A stretch of the journal: what stood at its start, and the whole records since, oldest first."""

    number: int
    header: bytes
    records: Sequence[JournalRecord]


class Journal(Protocol):
    """The head of the log and the batches behind it: durable, and changed by one writer only."""

    def lock(self) -> None:
        """Become the one writer.

        Raises:
            HeadConflictError: another process is.
        """
        ...

    def segments(self) -> Iterator[JournalSegment]:
        """All segments, oldest first; a record that was not written completely ends its segment."""
        ...

    def begin(self, header: bytes) -> int:
        """Start a new segment; durable, and the one that ``write`` goes to, when this returns its number.

        Not called while ``write`` or ``sync`` runs.
        """
        ...

    def write(self, record: JournalRecord) -> int:
        """Put a record behind the last one if nothing was added behind our back; not durable yet.

        Returns a number for ``sync``.

        Raises:
            HeadConflictError: the journal is not as we left it.
            OSError: this write failed, or a write or sync before it in this segment.
        """
        ...

    def sync(self, written: int) -> None:
        """The record that ``write`` gave this number, and all in front of it, survive a power cut when this returns.

        Each record is synced at most once; several threads may do so at a time. After one failure all others in this
        segment fail, too, those that are under way included: only ``begin`` helps.

        Raises:
            OSError: it cannot be said to be durable.
        """
        ...

    def size(self) -> int:
        """Bytes in the present segment."""
        ...

    def retire(self, before: int) -> None:
        """Forget segments with numbers below ``before``, secrets first. May run beside ``write``."""
        ...

    def close(self) -> None:
        """Stop being the writer."""
        ...


class TileStore(TileReader, Protocol):
    """Public files of the log: readers see a file whole or not at all."""

    def put(self, path: str, data: bytes, *, repair: bool = False) -> None:
        """Publish a file that never changes; another content under the same path is refused.

        With ``repair`` it is replaced: a power cut may have torn files that were not synced.

        Raises:
            LedgerCorruptError: there is another content already. A store that puts files later finds it in ``sync``.
        """
        ...

    def widths(self, path: str) -> Sequence[int]:
        """Widths of the partial files that there are of tile or bundle ``path``."""
        ...

    def replace(self, path: str, data: bytes) -> None:
        """Publish a file that changes: the checkpoint."""
        ...

    def remove_partial(self, path: str, keep: Collection[int] = ()) -> None:
        """Remove the partial files of tile or bundle ``path``, which was put in full, but for widths to ``keep``."""
        ...

    def sync(self) -> None:
        """Everything put or replaced so far would survive a power cut when this returns.

        Raises:
            LedgerCorruptError: another content was published before under a path that was put.
        """
        ...


class BodyReader(Protocol):
    """Private bodies by index of their entry."""

    def get(self, index: int) -> SealedBody | None:
        """The body, or None where there never was one, it was erased, or it is not here yet."""
        ...

    def erased(self, index: int) -> bool:
        """Whether a body of this entry was here and was erased."""
        ...


class BodyStore(BodyReader, Protocol):
    """Private bodies, each of which can be destroyed by itself."""

    def put(self, first: int, bodies: Sequence[SealedBody | None]) -> None:
        """Keep the bodies of entries ``first`` and on; putting the same again changes nothing, erased ones stay so."""
        ...

    def erase(self, index: int) -> bool:
        """Destroy salt and body; durable when this returns. False if there was none."""
        ...

    def sync(self) -> None:
        """Everything put so far would survive a power cut when this returns."""
        ...


class Anchor(Protocol):
    """The last published checkpoint in a second place, so that a log that was set back is not signed on."""

    def fetch(self) -> bytes | None:
        """The checkpoint (signed note) kept, or None at the very first start."""
        ...

    def replace(self, old: bytes | None, new: bytes) -> None:
        """Put ``new`` in the place of ``old``; durable when this returns.

        Raises:
            HeadConflictError: what is kept is not ``old``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a log lives. ``anchor`` is optional: the last checkpoint in a second place."""

    journal: Journal
    tiles: TileStore
    bodies: BodyStore
    anchor: Anchor | None = None
