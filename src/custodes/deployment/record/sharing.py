"""What a server does otherwise where it is one of several over a database: where it writes, whom it tells.

In: the shared log under the lease of this process, shared notes. Out: one value that the composition passes on. Without
it a directory and its database have one server.
"""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ledger.writer.ports import BodyReader
from custodes.ledger.writer.published import RunningLog
from custodes.storage.sql.nodes.notes import SharedNotes

ACCOUNTS, SCREENING, LISTS, RULES, INCIDENTS = "accounts", "screening", "lists", "rules", "incidents"
"""Names of shared notes: what each server keeps in memory and follows. Cases have theirs (``nodes.cases``)."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """How the one server of several writes that has the lease.

    Attributes:
        log: the shared log, under its lease.
        bodies: private bodies of that log.
        notes: what the others follow.
    """

    log: RunningLog
    bodies: BodyReader
    notes: SharedNotes

    def lists(self, digest: str) -> None:
        """Tell which lists there are."""
        self.notes.tell(LISTS, digest.encode())

    def incident(self, index: int | None) -> None:
        """Tell which incident stops recognition, or that none does."""
        self.notes.tell(INCIDENTS, b"" if index is None else b"%d" % index)

    def rules(self, head: str) -> None:
        """Tell where the chain of the rules has come to."""
        self.notes.tell(RULES, head.encode())
