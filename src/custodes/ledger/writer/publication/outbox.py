"""Committed batches on their way to the public: the thread that publishes, retires the journal, and wakes who waits.

In: batches and segment boundaries from the writer, in order. Out: calls to the publisher, at most so often; the
published checkpoint. A failure stops it until the log has recovered; batches lost here are still in the journal.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from custodes.ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.batch import Batch, LogState
from custodes.ledger.writer.ports import Stores
from custodes.ledger.writer.publication.publisher import Boundary, LogPublisher

# Batches that may wait to be published; with 64 clients a batch has some 30 entries of about 1 kB.
_BACKLOG = 4096


class Outbox:
    """Hands batches to a publisher. ``_changed`` guards all but the publisher, ``_busy`` guards that."""

    def __init__(
        self, stores: Stores, every_s: float, on_failure: Callable[[OSError | LedgerUnavailableError], None]
    ) -> None:
        """Publish at most every ``every_s`` seconds; call ``on_failure`` when it fails."""
        self._stores = stores
        self._publisher = LogPublisher(stores.tiles, stores.bodies)
        self._every_s = every_s
        self._on_failure = on_failure
        self._busy = threading.Lock()
        self._changed = threading.Condition(threading.Lock())
        self._items: list[Batch | Boundary] = []
        self._hurry = False
        self._finishing = False
        self._failed: Exception | None = None
        self._public: tuple[Checkpoint, bytes] | None = None
        self._retired_to = 0

    @property
    def retired_to(self) -> int:
        """Entries below this are in no journal segment."""
        with self._changed:
            return self._retired_to

    def public(self) -> tuple[Checkpoint, bytes]:
        """The published checkpoint and its signed note.

        Raises:
            LedgerUnavailableError: nothing was published yet.
        """
        with self._changed:
            if self._public is None:
                raise LedgerUnavailableError("the log is not started")
            return self._public

    def add(self, item: Batch | Boundary) -> None:
        """Take the next item from the writer; makes it wait when publishing cannot keep up."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < _BACKLOG or self._failed is not None)
            self._items.append(item)
            if len(self._items) == 1 or isinstance(item, Boundary):
                self._changed.notify_all()

    def wait_published(self, size: int, timeout_s: float) -> Checkpoint:
        """A published checkpoint of at least ``size`` entries.

        Raises:
            LedgerUnavailableError: publishing failed or took too long.
        """
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._failed is not None or self._size() >= size, timeout_s)
            if self._public is None or self._size() < size:
                raise LedgerUnavailableError("the log could not be published") from self._failed
            return self._public[0]

    def wait_retired(self, size: int, timeout_s: float) -> None:
        """Return once entries below ``size`` are in no journal segment.

        Raises:
            LedgerUnavailableError: retiring failed or took too long.
        """
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._failed is not None or self._retired_to >= size, timeout_s)
            if self._retired_to < size:
                raise LedgerUnavailableError("the journal could not be retired") from self._failed

    @contextmanager
    def paused(self) -> Iterator[LogPublisher]:
        """The publisher for recovery, with the thread kept off it."""
        with self._busy:
            yield self._publisher

    def reset(self, state: LogState) -> None:
        """After recovery, within ``paused``: everything up to ``state`` is public and retired."""
        with self._changed:
            self._items = []
            self._failed = None
            self._public = _parsed(state.checkpoint)
            self._retired_to = state.frontier.size
            self._changed.notify_all()

    def give_up(self, error: Exception) -> None:
        """Wake everybody who waits: publishing goes on after recovery only."""
        with self._changed:
            self._failed = self._failed or error
            self._changed.notify_all()

    def finish(self) -> None:
        """Publish what is here, then let ``run`` return."""
        with self._changed:
            self._finishing = True
            self._changed.notify_all()

    def run(self) -> None:
        """The thread."""
        last = -self._every_s
        while self._await_items(last):
            last = time.monotonic()
            try:
                with self._busy:
                    self._publish()
            except (OSError, LedgerUnavailableError) as error:
                self._on_failure(error)

    def _size(self) -> int:
        return -1 if self._public is None else self._public[0].size

    def _await_items(self, last: float) -> bool:
        """Wait for something to publish, then for its time; False when there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._finishing or (self._items and self._failed is None))
            if not self._items or self._failed is not None:
                return False
            wait_s = last + self._every_s - time.monotonic()
            self._changed.wait_for(lambda: self._finishing or self._hurry, max(0.0, wait_s))
            return True

    def _publish(self) -> None:
        with self._changed:
            if self._failed is not None:
                return
            items, self._items = self._items, []
            self._hurry = False
            self._changed.notify_all()
        run: list[Batch] = []
        checkpoint: bytes | None = None
        boundary: Boundary | None = None
        for item in items:
            if isinstance(item, Batch):
                run.append(item)
                checkpoint = item.checkpoint
            else:
                # Tiles of exactly this size must be there before recovery may start from this segment.
                self._publisher.extend(run)
                self._publisher.publish_boundary()
                run, boundary = [], item
        if checkpoint is not None:
            self._publisher.publish(run, checkpoint)
            self._announce(checkpoint)
        if boundary is not None:
            self._retire(boundary)

    def _announce(self, note: bytes) -> None:
        if self._stores.anchor is not None:
            self._stores.anchor.replace(self.public()[1], note)
        with self._changed:
            self._public = _parsed(note)
            self._changed.notify_all()

    def _retire(self, boundary: Boundary) -> None:
        self._stores.tiles.sync()
        self._stores.bodies.sync()
        # In this order: what a start loads from an older segment is there in full, and nothing is left lying about.
        self._publisher.remove_superseded()
        self._stores.journal.retire(boundary.segment)
        with self._changed:
            self._retired_to = boundary.size
            self._changed.notify_all()


def _parsed(note: bytes) -> tuple[Checkpoint, bytes]:
    return parse_checkpoint(parse_note(note).text), note
