"""The log: many threads append, one writer commits all that wait with one fdatasync and one signature.

In: drafts of entries with private bodies. Out: receipts with a real inclusion proof, once durable. Life of an entry:
queued (its index is fixed) -> staged, signed and made the head in one journal record -> its owner is woken ->
published as tiles -> its journal segment is retired. After any failed write everything waiting is refused, and the log
goes back to work the way it starts (``recover``). It does not decide who may do what, and it does not read bodies.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Unpack

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.entry import EntryError
from custodes.ledger.tlog.merkle import leaf_hash
from custodes.ledger.tlog.tiles import LedgerCorruptError, LedgerUnavailableError
from custodes.ledger.tree.growth import grow
from custodes.ledger.tree.signing import signed_note
from custodes.ledger.writer.batch import Batch, LogState
from custodes.ledger.writer.order import CommitOrder
from custodes.ledger.writer.pending import (
    Committed,
    EntryParts,
    Pending,
    Prepared,
    Sealing,
    Staged,
    prepare,
    unsettled_after,
)
from custodes.ledger.writer.ports import HeadConflictError
from custodes.ledger.writer.publication.outbox import Outbox
from custodes.ledger.writer.publication.publisher import Boundary
from custodes.ledger.writer.published import PublicStores, RunningLog
from custodes.ledger.writer.queue import EntryQueue
from custodes.ledger.writer.recover import recover
from custodes.ledger.writer.settings import LedgerClock, LedgerWriter, LogParts, LogSettings

__all__ = ["LedgerClock", "LedgerLog", "LedgerWriter", "LogParts", "LogSettings"]

_Failure = OSError | LedgerUnavailableError | EntryError


class LedgerLog(RunningLog):
    """One log on one set of stores. ``start`` before use, ``close`` after; all methods may be called by any thread.

    Locks are taken in this order: ``_staging``, the turn of ``_order``, ``_queue_lock``; the outbox has its own.
    """

    def __init__(self, parts: LogParts, settings: LogSettings | None = None) -> None:
        """Nothing is read or locked before ``start``."""
        self._settings = settings or LogSettings()
        self._parts = parts
        self._outbox = Outbox(parts.stores, self._settings.publish_every_s, self._fail_waiting)
        stores = PublicStores(parts.stores.tiles, parts.stores.bodies, parts.body_key)
        super().__init__(stores, self._outbox)
        self._sealing = Sealing(parts.random, parts.body_key)
        self._queue_lock = threading.Condition(threading.Lock())
        self._staging = threading.Lock()
        self._order = CommitOrder()
        # Guarded by _queue_lock: the queue, and all that ``append`` looks at.
        self._waiting = EntryQueue(self._settings.permission_wait_s)
        self._rotate = False
        self._next = 0
        self._reserved: set[int] = set()
        self._orphans: set[int] = set()
        self._down: _Failure | None = LedgerUnavailableError("the log is not started")
        self._stopping = False
        # Guarded by _queue_lock: how often the log has failed. A batch may be acknowledged only in the generation in
        # which its entries left the queue: after a failed sync nothing behind it is known to be on the disk.
        self._generation = 0
        # Guarded by _staging: the head of the log, ahead of the disk by the batches in flight.
        self._state: LogState | None = None
        # Changed by ``start`` only.
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Lock, recover, void what the last run left unsettled, and take entries.

        Raises:
            HeadConflictError: another writer is here, or the log was set back.
            LedgerCorruptError: stored bytes contradict what was signed.
            OSError: a store failed.
        """
        self._parts.stores.journal.lock()
        try:
            self._recover()
        except BaseException:
            self._parts.stores.journal.close()
            raise
        for target in (*[self._write_loop] * self._settings.commits_in_flight, self._outbox.run):
            thread = threading.Thread(target=target, name="ledger", daemon=True)
            self._threads.append(thread)
            thread.start()
        try:
            for pending in self._void(self._reserved):
                pending.wait_durable()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """See RunningLog."""
        with self._queue_lock:
            self._stopping = True
            self._queue_lock.notify_all()
        for thread in self._threads[:-1]:
            thread.join()
        with self._staging:  # a caller that writes its own entry may still be at it
            self._order.wait_none_out()
        self._outbox.finish()
        for thread in self._threads[-1:]:
            thread.join()
        self._parts.stores.journal.close()

    def append(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog. Its index is fixed now."""
        return self._enter(prepare(kind, self._sealing, **parts), parts.get("settles"), wake=True)

    def defer(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog."""
        return self._enter(prepare(kind, self._sealing, **parts), parts.get("settles"), wake=True, urgent=False)

    def hasten(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog."""
        pending = self.append(kind, **parts)
        with self._queue_lock:
            if self._waiting.hurry():
                self._queue_lock.notify()
        return pending

    def commit(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See RunningLog.

        While nothing else is on its way to the disk the calling thread does the writer's work, which spares a lone
        caller two hand-overs between threads; otherwise the entry shares the next batch.
        """
        pending = self._enter(prepare(kind, self._sealing, **parts), parts.get("settles"), wake=False)
        if not self._write_alone():
            with self._queue_lock:
                if self._waiting.hurry():
                    self._queue_lock.notify()
        pending.wait_durable()
        return pending

    def flush(self, timeout_s: float = 30.0) -> Checkpoint:
        """See RunningLog."""
        with self._queue_lock:
            self._refuse_if_down()
            target = self._next
        return self._outbox.wait_published(target, timeout_s)

    @property
    def unavailable(self) -> str | None:
        """See RunningLog."""
        with self._queue_lock:
            return None if self._down is None else str(self._down)

    def erase(self, indexes: Iterable[int], timeout_s: float = 30.0) -> int:
        """See RunningLog: here and in the journal, which is retired first."""
        wanted = sorted(set(indexes))
        with self._queue_lock:
            self._refuse_if_down()
            if wanted and not 0 <= wanted[0] <= wanted[-1] < self._next:
                raise IndexError("there is no such entry")
            if wanted and wanted[-1] >= self._outbox.retired_to:
                self._rotate = True
                self._queue_lock.notify()
        if wanted:
            self._outbox.wait_retired(wanted[-1] + 1, timeout_s)
        return sum(self._parts.stores.bodies.erase(index) for index in wanted)

    def _enter(self, prepared: Prepared, settles: Pending | None, *, wake: bool, urgent: bool = True) -> Pending:
        with self._queue_lock:
            if settles is not None:
                self._take_permission(settles)
            return self._enqueue(prepared, wake=wake, urgent=urgent)

    def _take_permission(self, permission: Pending) -> None:
        """Spend ``permission``, once; with ``_queue_lock``. After a refusal, recovery voids it."""
        if permission.failed:
            raise LedgerUnavailableError("the permission was never written")
        if self._down is not None:
            self._orphans.add(permission.index)
        self._refuse_if_down()
        if permission.index not in self._reserved:
            raise EntryError(f"entry {permission.index} is not an open permission")
        self._reserved.discard(permission.index)

    def _enqueue(self, prepared: Prepared, *, wake: bool = True, urgent: bool = True) -> Pending:
        """Give ``prepared`` its place, and ``wake`` a writer for it, at once if ``urgent``; with ``_queue_lock``."""
        self._refuse_if_down()
        if len(self._waiting) >= self._settings.queue_limit and prepared.settles is None:
            raise LedgerUnavailableError("too many entries wait for the ledger")
        pending = Pending(self._next, prepared)
        self._next += 1
        if prepared.reserves:
            self._reserved.add(pending.index)
        # A permission may wait for what settles it, and what its owner commits is taken in a moment.
        if self._waiting.add(pending, urgent=wake and urgent and not prepared.reserves) and wake:
            self._queue_lock.notify()
        return pending

    def _refuse_if_down(self) -> None:
        if self._stopping:
            raise LedgerUnavailableError("the log is closed")
        if self._down is not None:
            raise LedgerUnavailableError("the ledger cannot be written") from self._down

    def _void(self, indexes: Iterable[int]) -> list[Pending]:
        """Queue a ``void`` for each open permission among ``indexes``."""
        with self._queue_lock:
            open_ = sorted(self._reserved.intersection(indexes))
            self._reserved.difference_update(open_)
            return [self._enqueue(prepare("void", self._sealing, settles=index)) for index in open_]

    def _write_loop(self) -> None:
        while self._await_work():
            with self._staging:
                staged = self._take_work()
            if staged is not None:
                self._finish(staged)

    def _write_alone(self) -> bool:
        """Commit what waits on the calling thread; False, and nothing done, while others are at it."""
        if not self._staging.acquire(blocking=False):
            return False
        try:
            if not self._order.none_out or self._down is not None:
                return False
            staged = self._take_work()
        finally:
            self._staging.release()
        if staged is not None:
            self._finish(staged)
        return True

    def _await_work(self) -> bool:
        """Wait for entries, or when down for the time to try again; False when it is time to stop."""
        with self._queue_lock:
            while self._down is None:
                left_s = 0.0 if self._rotate else self._waiting.left_s
                if left_s == 0.0 or (left_s is not None and self._stopping):
                    return True
                if self._stopping:
                    self._queue_lock.notify()
                    return False
                self._queue_lock.wait(left_s)
            if not self._stopping:
                self._queue_lock.wait(None if self._is_down_for_good() else self._settings.retry_s)
            if self._stopping:
                self._queue_lock.notify()
            return not self._stopping

    def _take_work(self) -> Staged | None:
        """Stage what waits, if anything does; recover when down; with ``_staging``."""
        with self._queue_lock:
            down, final = self._down is not None, self._is_down_for_good()
            if not down:
                queue, rotate, generation = self._waiting.take(), self._rotate, self._generation
                self._rotate = False
        if down:
            if not final:
                self._try_recovery()
            return None
        return self._stage_or_fail(queue, rotate, generation)

    def _is_down_for_good(self) -> bool:
        return isinstance(self._down, HeadConflictError | LedgerCorruptError)

    def _stage_or_fail(self, queue: Sequence[Pending], rotate: bool, generation: int) -> Staged | None:
        try:
            if rotate or self._parts.stores.journal.size() > self._settings.segment_bytes:
                self._begin_segment()
            return self._stage(queue, generation) if queue else None
        except (OSError, LedgerUnavailableError, EntryError) as error:
            self._fail_waiting(error, queue)
            return None

    def _stage(self, queue: Sequence[Pending], generation: int) -> Staged:
        """Sign the tree with ``queue`` and write the journal's record: stage, signature and new head at once."""
        state = self._state
        assert state is not None
        t = max(state.t, self._parts.clock.now_ms())
        envelopes = [pending.prepared.draft.at(t) for pending in queue]
        growth = grow(state.frontier, [leaf_hash(envelope) for envelope in envelopes])
        identity = self._parts.identity
        tree = Checkpoint(identity.origin, growth.frontier.size, growth.frontier.root())
        note = signed_note(tree.text(), identity.signers)
        batch = Batch(state.frontier.size, envelopes, [pending.prepared.body for pending in queue], note.encode())
        written = self._parts.stores.journal.write(batch.encode())
        self._state = LogState(growth.frontier, batch.checkpoint, t, unsettled_after(state.unsettled, queue))
        committed = Committed(growth, tree, note.signatures)
        return Staged(queue, batch, committed, self._order.take(), written, generation)

    def _finish(self, staged: Staged) -> None:
        """Wait for the disk and for the batches in front, then wake the owners. A failure in front fails this, too."""
        try:
            self._parts.stores.journal.sync(staged.written)
            failure: _Failure | None = None
        except (OSError, LedgerUnavailableError) as error:
            failure = error
        with self._order.turn(staged.turn):
            if failure is not None or self._generation != staged.generation:
                self._fail_waiting(failure or LedgerUnavailableError("a batch in front failed"), staged.queue)
                return
            for pending, envelope in zip(staged.queue, staged.batch.envelopes, strict=True):
                pending.settle(envelope, staged.committed)
            self._outbox.add(staged.batch)

    def _begin_segment(self) -> None:
        """A segment starts where everything before is durable."""
        self._order.wait_none_out()
        with self._queue_lock:
            if self._down is not None:
                raise LedgerUnavailableError("the ledger cannot be written") from self._down
        state = self._state
        assert state is not None
        self._outbox.add(Boundary(state.frontier.size, self._parts.stores.journal.begin(state.encode())))

    def _try_recovery(self) -> None:
        try:
            self._recover()
        except (OSError, LedgerUnavailableError, EntryError) as error:
            with self._queue_lock:
                self._down = error
            return
        with self._queue_lock:
            orphans, self._orphans = self._orphans, set()
        self._void(orphans)

    def _recover(self) -> None:
        """Bring stores and state to the journal's head. Nothing is appended meanwhile: the log is down."""
        self._order.wait_none_out()
        with self._outbox.paused() as publisher:
            state = recover(self._parts.stores, self._parts.identity, publisher)
            self._outbox.reset(state)
        self._state = state
        with self._queue_lock:
            self._next = state.frontier.size
            self._reserved = set(state.unsettled)
            self._down = None

    def _fail_waiting(self, error: _Failure, queue: Sequence[Pending] = ()) -> None:
        """Refuse everything that waits, and everything to come until recovery worked. Also the publisher's."""
        with self._queue_lock:
            self._generation += 1
            self._down = self._down or error
            for pending in (*queue, *self._waiting.take()):
                if not pending.done:
                    pending.fail(error)
                    if pending.prepared.settles is not None:
                        self._orphans.add(pending.prepared.settles)
            self._rotate = False
            self._queue_lock.notify_all()
        self._outbox.give_up(error)
