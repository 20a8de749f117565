"""An entry of a log of several processes, on its way: it has no place before a batch of its node has its turn.

In: what an entry is made of. Out: the entry, checked, and its envelope once place and time are known.
"""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ledger.sequence.claim import WorkClaim, present_claim
from custodes.ledger.tlog.entry import Draft
from custodes.ledger.tree.promise import Promise
from custodes.ledger.writer.pending import EntryParts, Pending, Sealing, prepare

UNPLACED = -1
_LAST = 10**15
"""No log has so many entries; what has room for this place has room for any."""
_MARK = b'"a":%d,' % _LAST


class UnplacedEntry(Pending):
    """An entry without a place: ``index`` is -1 until it is durable."""

    __slots__ = ("claim", "lease", "permission")

    def __init__(
        self,
        kind: str,
        sealing: Sealing,
        parts: EntryParts,
        permission: UnplacedEntry | int | None = None,
        lease: int | None = None,
    ) -> None:
        """Check and seal it.

        Args:
            kind: of the entry.
            sealing: what its body is sealed with.
            parts: what else it has.
            permission: what it settles: an entry of this node, or the place of another one's.
            lease: it gets a place only while this node publishes under this lease.

        Raises:
            EntryError: it breaks a rule of its kind.
            BodyError: the body cannot be written.
        """
        prepared = prepare(
            kind,
            sealing,
            units=parts.get("units"),
            body=parts.get("body"),
            fields=parts.get("fields"),
            settles=None if permission is None else _LAST,
        )
        super().__init__(UNPLACED, prepared)
        self.permission = permission
        self.lease = lease
        self.claim: WorkClaim | None = present_claim()
        """It gets a place only while nobody else claimed the work that this thread does."""

    def envelope(self, t: int, permission: int | None) -> bytes:
        """The public bytes at ``t``; ``permission`` is the place of what it settles."""
        head = self.prepared.draft.head
        if permission is not None:
            head = head.replace(_MARK, b'"a":%d,' % permission, 1)
        return Draft(head, self.prepared.draft.tail).at(t)


@dataclass(frozen=True, slots=True)
class Sequenced:
    """What shows at once that entries have their places; see ``Promise``."""

    origin: str

    def receipt(self, index: int, envelope: bytes, salt: bytes) -> Promise:
        """See EntryEvidence."""
        return Promise(index, envelope, self.origin, salt)
