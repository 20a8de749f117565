"""What a log is made of and how it works: the values that ``LedgerLog`` is built from, and what writers see of it.

In: stores, keys, a clock, randomness, limits. Out: the same as frozen values. No behaviour here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Unpack

from custodes.ledger.writer.pending import EntryParts, Pending
from custodes.ledger.writer.ports import Stores
from custodes.ledger.writer.recover import LogIdentity


class LedgerClock(Protocol):
    """Gives the current time."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC."""
        ...


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How a log works.

    Attributes:
        publish_every_s: at most so often the checkpoint is published; a lone entry is published at once.
        segment_bytes: a journal segment ends at this size and goes once it is public and synced; bounds what the
            journal takes on the disk, and the time that a start takes.
        queue_limit: entries that may wait; more are refused.
        retry_s: how long after a failed write recovery is tried again.
        commits_in_flight: batches that may be on their way to the disk at a time; answers still leave in order.
        permission_wait_s: how long a permission may wait for the batch of what settles it, and a deferred entry for
            that of what comes after it. Work that takes longer has
            its permission on the disk while it runs; the answer of shorter work leaves after both are there.
    """

    publish_every_s: float = 0.25
    segment_bytes: int = 4 << 20
    queue_limit: int = 100_000
    retry_s: float = 1.0
    commits_in_flight: int = 2
    permission_wait_s: float = 0.05


@dataclass(frozen=True, slots=True)
class LogParts:
    """What a log is made of. ``random`` gives so many unpredictable bytes; ``body_key`` has 32."""

    stores: Stores
    identity: LogIdentity
    body_key: bytes
    clock: LedgerClock
    random: Callable[[int], bytes]


class LedgerWriter(Protocol):
    """What the gate and others who record things need of a log."""

    def append(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """Queue an entry; see ``LedgerLog.append``."""
        ...

    def defer(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """An entry that may wait for the next batch; see ``LedgerLog.defer``."""
        ...

    def hasten(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """A permission that is on its way to the disk at once; see ``LedgerLog.hasten``."""
        ...

    def commit(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """An entry that is durable; see ``LedgerLog.commit``."""
        ...
