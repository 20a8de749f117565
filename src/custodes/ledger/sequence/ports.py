"""What a log of several processes asks of the database that they share.

In and out: entries, checkpoints, bytes. Every method may raise OSError; what was not confirmed then is not in the log,
or, where the connection was lost at the worst moment and the database stays away, nobody was told that it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from custodes.ledger.sequence.claim import WorkClaim
from custodes.ledger.writer.body import SealedBody


@dataclass(frozen=True, slots=True)
class SequencedEntry:
    """An entry with its place: public envelope, private body, and whether it stays an open permission of its node."""

    envelope: bytes
    body: SealedBody | None
    opens: bool


class Turn(Protocol):
    """The end of the log, held: nobody else adds to it meanwhile."""

    @property
    def first(self) -> int:
        """Place of the next entry."""
        ...

    @property
    def t(self) -> int:
        """Its time: the database's own clock, ms, never before that of the entry in front."""
        ...

    def settle(self, permissions: Collection[int]) -> frozenset[int]:
        """Close open permissions, by their places; those of them that were open."""
        ...

    def holds(self, lease: int) -> bool:
        """Whether this node publishes under lease ``lease`` until the end of the turn: nobody takes it meanwhile."""
        ...

    def works(self, claims: Collection[WorkClaim]) -> frozenset[WorkClaim]:
        """Those of ``claims`` that are the newest of their jobs, until the end of the turn: nobody claims them."""
        ...

    def add(self, entries: Sequence[SequencedEntry]) -> None:
        """Put entries at the end, from ``first`` on; once in a turn."""
        ...


class EntrySequence(Protocol):
    """The one order of entries. A node has a name of its own in it while its process lives."""

    def turn(self) -> AbstractContextManager[Turn]:
        """Wait for the end of the log and hold it; what was added is durable when the block ends without an error."""
        ...

    def end(self) -> int:
        """How many entries are in the order now."""
        ...

    def beat(self) -> None:
        """Say that this node lives."""
        ...

    def own_permissions(self) -> frozenset[int]:
        """Open permissions of this node."""
        ...

    def orphaned_permissions(self) -> frozenset[int]:
        """Open permissions of nodes that did not say for long that they live."""
        ...

    def leave(self) -> None:
        """This node adds nothing more."""
        ...


@dataclass(frozen=True, slots=True)
class QueuedEntry:
    """An entry that waits to be published."""

    index: int
    envelope: bytes


class PublicHead(Protocol):
    """Who publishes, and what was published last. All under one lease, which a counter tells from former ones."""

    def acquire(self) -> int | None:
        """Become the publisher if nobody is; the number of the lease, or None."""
        ...

    def renew(self, lease: int) -> None:
        """Stay it. Raises HeadConflictError: the lease was lost."""
        ...

    def release(self, lease: int) -> None:
        """Let somebody else be it at once."""
        ...

    def fetch(self) -> bytes | None:
        """The checkpoint that was published last; None for a new log."""
        ...

    def replace(self, old: bytes | None, new: bytes, lease: int) -> None:
        """Put ``new`` in the place of ``old``; durable when this returns.

        Raises:
            HeadConflictError: what is kept is not ``old``, or the lease was lost.
        """
        ...

    def queued(self, first: int, limit: int) -> Sequence[QueuedEntry]:
        """Entries from ``first`` on, without a gap."""
        ...

    def prune(self, size: int) -> None:
        """Forget the envelopes of entries below ``size``, which are published and durable."""
        ...

    def close(self) -> None:
        """Let go of what it holds open."""
        ...
