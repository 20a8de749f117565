"""A log that several processes add to: each takes turns at its end, which is a row of a database.

In: drafts of entries with private bodies. Out: promises, once the entries have their places durably. Life of an entry:
queued -> placed and committed in one transaction with all that wait, under the lock of the row -> its owner is woken ->
signed and published by whichever process is the publisher (``publisher``). Places follow one another without a gap,
because a transaction gives them and adds the entries, or does neither; so there is one history, whoever publishes.

Times are the database's: a node whose clock jumps moves nothing. A node that is stopped while it holds the end is cut
off by the database, and what it held is not in the log. One that dies leaves open permissions, which another voids.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Unpack

from custodes.ledger.sequence.claim import WorkClaim
from custodes.ledger.sequence.entry import UNPLACED, Sequenced, UnplacedEntry
from custodes.ledger.sequence.ports import EntrySequence, PublicHead, SequencedEntry, Turn
from custodes.ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from custodes.ledger.tlog.entry import EntryError
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.pending import EntryParts, Pending, Sealing
from custodes.ledger.writer.ports import HeadConflictError
from custodes.ledger.writer.published import PublicStores, RunningLog
from custodes.ledger.writer.queue import EntryQueue
from custodes.ledger.writer.settings import LogSettings

_BEAT_S = 1.0
_LOOK_S = 0.01
"""How often it is looked for what was published, by whoever waits for it."""


@dataclass(frozen=True, slots=True)
class SequencedParts:
    """What a log of several processes is made of.

    Attributes:
        sequence: the order of entries.
        head: what was published, and by whom.
        stores: what is published, for reading.
        origin: the log's name.
        sealing: what private bodies are sealed with.
    """

    sequence: EntrySequence
    head: PublicHead
    stores: PublicStores
    origin: str
    sealing: Sealing


class _Heads:
    """What was published, looked up where all nodes see it."""

    def __init__(self, head: PublicHead) -> None:
        self._head = head

    def public(self) -> tuple[Checkpoint, bytes]:
        try:
            note = self._head.fetch()
        except OSError as error:
            raise LedgerUnavailableError("the ledger's head cannot be read") from error
        if note is None:
            raise LedgerUnavailableError("nothing is published yet")
        return parse_checkpoint(parse_note(note).text), note

    def paused(self) -> AbstractContextManager[object]:
        raise LedgerUnavailableError("the files of a log of several servers are never at rest")


class SequencedLog(RunningLog):
    """One process's side of the log. ``start`` before use, ``close`` after; all methods may be called by any thread."""

    def __init__(self, parts: SequencedParts, settings: LogSettings | None = None) -> None:
        """Nothing is asked of the database before ``start``."""
        self._heads = _Heads(parts.head)
        super().__init__(parts.stores, self._heads)
        self._parts = parts
        self._settings = settings or LogSettings()
        self._changed = threading.Condition(threading.Lock())
        # Guarded by _changed:
        self._waiting = EntryQueue(self._settings.permission_wait_s)
        self._newest: UnplacedEntry | None = None
        self._open: set[UnplacedEntry] = set()
        """Permissions that were queued and are not settled."""
        self._orphans: set[int] = set()
        """Places of open permissions whose owner is gone."""
        self._failure: Exception | None = LedgerUnavailableError("the log is not started")
        self._stopping = False
        # Of the thread that takes turns: so many entries were in the log when this node added to it last.
        self._seen = 0
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Take entries. Raises OSError: the database cannot be asked."""
        self._parts.sequence.beat()
        with self._changed:
            self._failure = None
        for target in (self._write_loop, self._beat_loop):
            thread = threading.Thread(target=target, name="ledger", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """See RunningLog. What is not published yet will be by another process, or at the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._parts.sequence.leave()
        self._parts.head.close()

    def head(self) -> tuple[Checkpoint, bytes]:
        """The checkpoint that everybody sees, and its note. Raises LedgerUnavailableError where there is none."""
        return self._heads.public()

    def append(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog. Its index is known once it is durable."""
        return self.append_under(None, kind, parts)

    def defer(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog."""
        return self.append_under(None, kind, parts, urgent=False)

    def append_under(self, lease: int | None, kind: str, parts: EntryParts, *, urgent: bool = True) -> Pending:
        """``append``, or ``defer``, for an entry that is of the log only while this node publishes under ``lease``."""
        permission = parts.get("settles")
        if permission is not None and not isinstance(permission, UnplacedEntry):
            raise EntryError("this permission is of another log")
        entry = UnplacedEntry(kind, self._parts.sealing, parts, permission, lease)
        with self._changed:
            self._refuse_if_down()
            if permission is not None:
                self._take_permission(permission)
            elif len(self._waiting) >= self._settings.queue_limit:
                raise LedgerUnavailableError("too many entries wait for the ledger")
            self._newest = entry
            if entry.prepared.reserves:
                self._open.add(entry)
            if self._waiting.add(entry, urgent=urgent and not entry.prepared.reserves):
                self._changed.notify_all()
        return entry

    def hasten(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog."""
        return self.hasten_under(None, kind, parts)

    def hasten_under(self, lease: int | None, kind: str, parts: EntryParts) -> Pending:
        """``hasten``, likewise."""
        pending = self.append_under(lease, kind, parts)
        with self._changed:
            if self._waiting.hurry():
                self._changed.notify_all()
        return pending

    def commit(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog."""
        return self.commit_under(None, kind, parts)

    def commit_under(self, lease: int | None, kind: str, parts: EntryParts) -> Pending:
        """``commit``, likewise."""
        pending = self.hasten_under(lease, kind, parts)
        pending.wait_durable()
        return pending

    def flush(self, timeout_s: float = 30.0) -> Checkpoint:
        """See RunningLog. Needs a process that publishes."""
        end = time.monotonic() + timeout_s
        with self._changed:
            if self._waiting.hurry():
                self._changed.notify_all()
            newest = self._newest
        if newest is not None:
            with suppress(LedgerUnavailableError):  # what failed is not waited for
                newest.wait_durable(timeout_s)
        try:
            size = self._parts.sequence.end()
        except OSError as error:
            raise LedgerUnavailableError("the ledger cannot be read") from error
        while True:
            public = self._published_or_none()
            if public is not None and public.size >= size:
                return public
            if time.monotonic() > end:
                raise LedgerUnavailableError("nobody published the ledger in time")
            time.sleep(_LOOK_S)

    @property
    def unavailable(self) -> str | None:
        """See RunningLog."""
        with self._changed:
            return None if self._failure is None else str(self._failure)

    def erase(self, indexes: Iterable[int], timeout_s: float = 30.0) -> int:  # noqa: ARG002 - nothing is waited for
        """See RunningLog."""
        wanted = sorted(set(indexes))
        if wanted and not 0 <= wanted[0] <= wanted[-1] < self._parts.sequence.end():
            raise IndexError("there is no such entry")
        return sum(self._public.bodies.erase(index) for index in wanted)

    def _published_or_none(self) -> Checkpoint | None:
        try:
            return self.published
        except LedgerUnavailableError:
            return None

    def _refuse_if_down(self) -> None:
        if self._stopping:
            raise LedgerUnavailableError("the log is closed")
        if self._failure is not None:
            raise LedgerUnavailableError("the ledger cannot be written") from self._failure

    def _take_permission(self, permission: UnplacedEntry) -> None:
        """Spend ``permission``, once; with ``_changed``."""
        if permission.failed:
            raise LedgerUnavailableError("the permission was never written")
        if permission not in self._open:
            raise EntryError("this is not an open permission")
        self._open.discard(permission)

    # the thread that takes turns
    def _write_loop(self) -> None:
        while self._await_work():
            try:
                if self.unavailable is not None:
                    self._come_back()
                else:
                    self._take_turn()
            except (OSError, LedgerUnavailableError, EntryError) as error:
                self._fail(error)

    def _await_work(self) -> bool:
        """Wait for entries, or when down for the time to try again; False when it is time to stop."""
        with self._changed:
            while True:
                if self._failure is not None:
                    if not self._stopping:
                        self._changed.wait(self._settings.retry_s)
                    return not self._stopping
                left_s = 0.0 if self._orphans else self._waiting.left_s
                if left_s == 0.0 or (left_s is not None and self._stopping):
                    return True
                if self._stopping:
                    return False
                self._changed.wait(left_s)

    def _take_turn(self) -> None:
        """Add all that wait. They leave the queue once the end is held, so that they are many when many nodes write."""
        queue: list[UnplacedEntry] = []
        placed: list[tuple[UnplacedEntry, int, bytes]] = []
        try:
            with self._parts.sequence.turn() as turn:
                queue = self._take()
                placed = self._place(turn, queue)
        except BaseException:
            self._refuse(queue, LedgerUnavailableError("the entry could not be written"))
            raise
        self._seen = placed[-1][1] + 1 if placed else self._seen
        evidence = Sequenced(self._parts.origin)
        for entry, index, envelope in placed:
            entry.index = index
            entry.settle(envelope, evidence)
        left = LedgerUnavailableError("the permission was given up meanwhile, or the lease or the claim lost")
        self._refuse([entry for entry in queue if not entry.done], left)

    def _take(self) -> list[UnplacedEntry]:
        """What waits, and a ``void`` for each permission whose owner is gone."""
        with self._changed:
            orphans, self._orphans = sorted(self._orphans), set()
            waiting = [entry for entry in self._waiting.take() if isinstance(entry, UnplacedEntry)]
        return [UnplacedEntry("void", self._parts.sealing, {}, index) for index in orphans] + waiting

    def _place(self, turn: Turn, queue: Sequence[UnplacedEntry]) -> list[tuple[UnplacedEntry, int, bytes]]:
        """Give entries their places; those are left out whose permission is not open any more."""
        if turn.first < self._seen:
            raise HeadConflictError(f"the database was set back: it has {turn.first} entries, and had {self._seen}")
        queue = self._under_lease(turn, queue)
        earlier = {place for entry in queue if (place := _earlier(entry)) is not None}
        open_ = turn.settle(earlier) if earlier else frozenset[int]()
        settled = {entry.permission for entry in queue}
        places: dict[UnplacedEntry, int] = {}
        placed: list[tuple[UnplacedEntry, int, bytes]] = []
        entries: list[SequencedEntry] = []
        for entry in queue:
            permission = _earlier(entry)
            if permission is None and isinstance(entry.permission, UnplacedEntry):
                permission = places.get(entry.permission)
            elif permission not in open_:
                permission = None
            if permission is None and entry.permission is not None:
                continue
            index = places[entry] = turn.first + len(placed)
            envelope = entry.envelope(turn.t, permission)
            placed.append((entry, index, envelope))
            opens = entry.prepared.reserves and entry not in settled
            entries.append(SequencedEntry(envelope, entry.prepared.body, opens))
        if entries:
            turn.add(entries)
        return placed

    def _under_lease(self, turn: Turn, queue: Sequence[UnplacedEntry]) -> list[UnplacedEntry]:
        """Those whose lease and whose claim, if any, are held still; what the others were permitted is given up."""
        leases = {entry.lease for entry in queue if entry.lease is not None}
        held = {lease for lease in leases if turn.holds(lease)}
        claims = {entry.claim for entry in queue if entry.claim is not None}
        newest = turn.works(claims) if claims else frozenset[WorkClaim]()
        late = [
            entry
            for entry in queue
            if (entry.lease is not None and entry.lease not in held)
            or (entry.claim is not None and entry.claim not in newest)
        ]
        if late:
            with self._changed:
                self._orphans |= {place for entry in late if (place := _earlier(entry)) is not None}
        lost = set(late)
        return [entry for entry in queue if entry not in lost]

    def _come_back(self) -> None:
        """After a failure: what is open in the log and belongs to nobody here is given up."""
        self._parts.sequence.beat()
        mine = self._parts.sequence.own_permissions()
        with self._changed:
            self._orphans |= mine - {entry.index for entry in self._open}
            self._failure = None

    def _fail(self, error: Exception) -> None:
        """Refuse everything that waits, and everything to come until the database answers again."""
        with self._changed:
            self._failure = error
            waiting = [entry for entry in self._waiting.take() if isinstance(entry, UnplacedEntry)]
        self._refuse(waiting, error)

    def _refuse(self, entries: Iterable[UnplacedEntry], error: Exception) -> None:
        for entry in entries:
            if not entry.done:
                entry.fail(error)
                with self._changed:
                    self._open.discard(entry)

    # the thread that says that this node lives
    def _beat_loop(self) -> None:
        while not self._wait_s(_BEAT_S):
            try:
                self._parts.sequence.beat()
                orphans = self._parts.sequence.orphaned_permissions()
            except OSError:
                continue  # the other thread finds out as soon as there is something to write
            if orphans:
                with self._changed:
                    self._orphans |= orphans
                    self._changed.notify_all()

    def _wait_s(self, seconds: float) -> bool:
        """Wait so long; True when it is time to stop."""
        with self._changed:
            return self._changed.wait_for(lambda: self._stopping, seconds)


def _earlier(entry: UnplacedEntry) -> int | None:
    """Place of what ``entry`` settles, where that was placed before."""
    permission = entry.permission
    if isinstance(permission, UnplacedEntry):
        return None if permission.index == UNPLACED else permission.index
    return permission
