"""The publisher: of several processes the one that signs what was sequenced and puts it where everybody can read it.

In: entries in their order, from the database. Out: tiles, bundles, signed checkpoints. Who publishes is decided by a
lease in the database, with a number that rises with each holder: the head is moved, in one transaction, only by the
holder of the newest lease and only from the head that it knows. So a publisher that was paused, or thinks that it
still is the publisher, moves nothing. It alone has the signing key, and for as long as it has the lease. What two
publishers write meanwhile is the same bytes, since there is one order of entries.

For each step: tiles and bundles, durably; the second place, where there is one; the head; the public checkpoint, which
only ever goes forward.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from custodes.ledger.sequence.ports import PublicHead, QueuedEntry
from custodes.ledger.tlog.checkpoint import Checkpoint, open_checkpoint
from custodes.ledger.tlog.merkle import EMPTY_ROOT, Frontier, leaf_hash
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerCorruptError, LedgerUnavailableError
from custodes.ledger.tree.growth import range_root
from custodes.ledger.tree.signing import sign_checkpoint
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.writer.batch import Batch, LogState
from custodes.ledger.writer.ports import Anchor, BodyStore, HeadConflictError, TileStore
from custodes.ledger.writer.publication.publisher import LogPublisher
from custodes.ledger.writer.recover import LogIdentity

_LOOK_S = 0.02
_RENEW_S = 1.0
_MOST = 4096
"""Entries of one step."""


@dataclass(frozen=True, slots=True)
class PublisherParts:
    """What a publisher works with.

    Attributes:
        head: the lease, the entries that wait, and what was published last.
        tiles: where to.
        identity: gives the key that signs, asked with each lease. Raises LedgerUnavailableError: it cannot be read.
        anchor: the last checkpoint in a second place; None for none.
        ended: called once a lease was lost or given up, before anything else happens here.
        began: called with the number of a lease once it was taken and the public files are up to date.
    """

    head: PublicHead
    tiles: TileStore
    identity: Callable[[], LogIdentity]
    anchor: Anchor | None = None
    began: Callable[[int], object] = lambda _: None
    ended: Callable[[], object] = lambda: None


class _BodiesElsewhere:
    """Bodies are in the database from the moment at which their entries are."""

    def put(self, first: int, bodies: Sequence[object]) -> None:
        """Nothing is left to be done."""


class SequencePublisher:
    """Tries to become the publisher, and is it for as long as it can."""

    def __init__(
        self, parts: PublisherParts, every_s: float = 0.25, retry_s: float = 1.0, renew_s: float = _RENEW_S
    ) -> None:
        """Publish at most every ``every_s`` seconds, a lone entry at once.

        Args:
            parts: what to work with.
            every_s: how often at most the checkpoint is published.
            retry_s: how often it is tried to become the publisher.
            renew_s: how often the lease is renewed; a fraction of its length.
        """
        self._renew_s = renew_s
        self._parts = parts
        self._every_s = every_s
        self._retry_s = retry_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._failure: Exception | None = None

    @property
    def failure(self) -> Exception | None:
        """What ended the last time; None where nothing went wrong since the last lease."""
        return self._failure

    def start(self) -> None:
        """Begin to try."""
        self._thread.start()

    def close(self) -> None:
        """Publish what is there if this is the publisher, then let somebody else be it. Harmless when called again."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._parts.head.close()

    def _run(self) -> None:
        wait_s = 0.0
        while not self._stopping.wait(wait_s):
            wait_s = self._retry_s
            try:
                lease = self._parts.head.acquire()
                if lease is not None:
                    self._serve(lease)
            except (OSError, LedgerUnavailableError) as error:
                self._failure = error

    def _serve(self, lease: int) -> None:
        """Publish until it is time to stop. Raises OSError, LedgerUnavailableError: somebody else may be at it."""
        try:
            edge = _Edge(self._parts, lease)
            edge.publish()
            self._failure = None
            self._parts.began(lease)
            renewed_s = time.monotonic()
            while not self._stopping.wait(_LOOK_S):
                if time.monotonic() > renewed_s + self._renew_s:
                    renewed_s = time.monotonic()
                    self._parts.head.renew(lease)
                if edge.publish():
                    self._stopping.wait(self._every_s)
            edge.publish()
        finally:
            self._parts.ended()
            with suppress(OSError):
                self._parts.head.release(lease)


class _Edge:
    """The right edge of the published tree, held under one lease."""

    def __init__(self, parts: PublisherParts, lease: int) -> None:
        """Take up the published tree.

        Raises:
            HeadConflictError: the database or the second place was set back.
            LedgerCorruptError: the stored tiles do not lead to what was signed.
        """
        self._parts = parts
        self._lease = lease
        self._identity = parts.identity()
        bodies: BodyStore = _BodiesElsewhere()  # type: ignore[assignment]
        self._publisher = LogPublisher(parts.tiles, bodies)
        self._note = parts.head.fetch()
        self._frontier = self._stored()
        self._publisher.load(LogState(self._frontier, self._note or b"", 0, frozenset()))
        self._anchored = None if parts.anchor is None else parts.anchor.fetch()
        self._check_anchored()

    def publish(self) -> bool:
        """Publish what waits; whether anything did."""
        durable, published = self._frontier.size, False
        while waiting := self._parts.head.queued(self._frontier.size, _MOST):
            self._extend(waiting)
            published = True
            if len(waiting) < _MOST:
                break
        if published or self._note is None:
            self._announce()
            self._parts.head.prune(durable)
        return published

    def _extend(self, waiting: Sequence[QueuedEntry]) -> None:
        first = self._frontier.size
        if [entry.index for entry in waiting] != list(range(first, first + len(waiting))):
            raise LedgerCorruptError(f"the entries that wait behind {first} have a gap")
        envelopes = [entry.envelope for entry in waiting]
        self._publisher.extend([Batch(first, envelopes, [None] * len(envelopes), b"")])
        self._frontier = self._frontier.extend([leaf_hash(envelope) for envelope in envelopes])

    def _announce(self) -> None:
        parts = self._parts
        self._publisher.publish_boundary()
        parts.tiles.sync()
        tree = Checkpoint(self._identity.origin, self._frontier.size, self._frontier.root())
        note = sign_checkpoint(tree, self._identity.signers)
        if parts.anchor is not None:
            parts.anchor.replace(self._anchored, note)
            self._anchored = note
        parts.head.replace(self._note, note, self._lease)
        self._note = note
        parts.tiles.replace(CHECKPOINT_PATH, note)
        parts.tiles.sync()
        self._publisher.end_repair()

    def _stored(self) -> Frontier:
        """The edge of the tree that the head is of."""
        public = self._parts.tiles.get(CHECKPOINT_PATH)
        if self._note is None:
            if public is not None:
                raise HeadConflictError("there is a public log, and the database knows none: it was set back")
            return Frontier()
        tree = self._opened(self._note, "the head in the database")
        if public is not None and self._opened(public, "the public checkpoint").size > tree.size:
            raise HeadConflictError(f"the database was set back: more than its {tree.size} entries are public")
        frontier = Tree(self._parts.tiles, tree.size).frontier()
        if frontier.root() != tree.root:
            raise LedgerCorruptError(f"the stored tiles do not lead to the root that was signed for size {tree.size}")
        return frontier

    def _check_anchored(self) -> None:
        """What the second place knows is behind the head, or of the entries that wait."""
        if self._anchored is None or self._anchored == self._note:
            return
        seen = self._opened(self._anchored, "the anchor's checkpoint")
        size = self._frontier.size
        if seen.size >= size:
            waiting = self._parts.head.queued(size, seen.size - size) if seen.size > size else ()
            root = self._frontier.extend([leaf_hash(entry.envelope) for entry in waiting]).root()
        else:
            root = range_root(0, seen.size, Tree(self._parts.tiles, size).node) if seen.size else EMPTY_ROOT
        if root != seen.root:
            raise HeadConflictError(
                f"at size {seen.size} this log is not the one that the anchor knows, or was set back"
            )

    def _opened(self, note: bytes, what: str) -> Checkpoint:
        try:
            return open_checkpoint(note, self._identity.verifiers, origin=self._identity.origin)
        except NoteError as error:
            raise HeadConflictError(f"{what} does not verify: {error}") from error
