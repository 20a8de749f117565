"""The log as whoever has a lease writes it: an entry gets its place only while the lease is held.

In: entries. Out: the same of a ``SequencedLog``. What one process does at a time, like heads of maps, erasures and
orders of the operator, is on record first and done then; so a process that was paused, and wakes up behind the next
one, does nothing of it any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Unpack

from custodes.ledger.sequence.log import SequencedLog
from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.writer.pending import EntryParts, Pending
from custodes.ledger.writer.published import PublicStores, RunningLog


class _Heads:
    """What the shared log shows."""

    def __init__(self, log: SequencedLog) -> None:
        self._log = log

    def public(self) -> tuple[Checkpoint, bytes]:
        return self._log.head()

    def paused(self) -> AbstractContextManager[object]:
        return self._log.at_rest()


class LeasedLog(RunningLog):
    """A shared log under lease number ``lease``. It is not started or closed: that is the shared log's."""

    def __init__(self, log: SequencedLog, stores: PublicStores, lease: int) -> None:
        """Write to ``log``; ``stores`` are those that it is read from."""
        super().__init__(stores, _Heads(log))
        self._log = log
        self._lease = lease

    def append(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog. Its index is known once it is durable."""
        return self._log.append_under(self._lease, kind, parts)

    def defer(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog."""
        return self._log.append_under(self._lease, kind, parts, urgent=False)

    def hasten(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog."""
        return self._log.hasten_under(self._lease, kind, parts)

    def commit(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog."""
        return self._log.commit_under(self._lease, kind, parts)

    def flush(self, timeout_s: float = 30.0) -> Checkpoint:
        """See RunningLog."""
        return self._log.flush(timeout_s)

    @property
    def unavailable(self) -> str | None:
        """See RunningLog."""
        return self._log.unavailable

    def erase(self, indexes: Iterable[int], timeout_s: float = 30.0) -> int:
        """See RunningLog."""
        return self._log.erase(indexes, timeout_s)

    def close(self) -> None:
        """Nothing: the shared log goes on."""
