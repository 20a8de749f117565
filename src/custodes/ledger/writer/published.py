"""What a log shows of itself: the published checkpoint, proofs and entries from tiles, private bodies.

In: indexes. Out: proofs, envelopes, bodies. Nothing here waits for the disk or changes the log; what was appended but
not published yet is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.tree.tlog_proof import encode_tlog_proof
from custodes.ledger.writer.body import unseal
from custodes.ledger.writer.publication.outbox import Outbox
from custodes.ledger.writer.settings import LogParts


class PublishedLog:
    """The reading side of a log; all methods may be called by any thread."""

    def __init__(self, parts: LogParts, outbox: Outbox) -> None:
        """Read what ``outbox`` has announced from the stores of ``parts``."""
        self._parts = parts
        self._outbox = outbox

    @property
    def published(self) -> Checkpoint:
        """The checkpoint that everybody sees."""
        return self._outbox.public()[0]

    @property
    def published_note(self) -> bytes:
        """The signed note of the published checkpoint, to show to witnesses."""
        return self._outbox.public()[1]

    @contextmanager
    def at_rest(self) -> Iterator[tuple[Checkpoint, bytes]]:
        """The published checkpoint and its note, for copying: in the block no file of the log is published or retired.

        Entries are committed all the same, until many wait to be published; so be brief.
        """
        with self._outbox.paused():
            yield self._outbox.public()

    def proof(self, index: int) -> bytes:
        """A C2SP tlog-proof of entry ``index`` against the published checkpoint.

        Raises:
            IndexError: there is no such entry in the published tree.
        """
        checkpoint, note = self._outbox.public()
        return encode_tlog_proof(index, Tree(self._parts.stores.tiles, checkpoint.size).inclusion_proof(index), note)

    def tree(self) -> Tree:
        """The published tree, to read entries and proofs from; for one thread."""
        return Tree(self._parts.stores.tiles, self.published.size)

    def body(self, index: int) -> bytes | None:
        """The private body of a published entry; None where there is none or it was erased.

        Raises:
            BodyError: what is stored is not what was committed.
            IndexError: there is no such entry in the published tree.
        """
        entry = decode(self.tree().entry(index))
        sealed = self._parts.stores.bodies.get(index)
        if entry.commitment is None or sealed is None:
            return None
        return unseal(sealed, entry.commitment, self._parts.body_key)
