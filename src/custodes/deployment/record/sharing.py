"""What a server does otherwise where it is one of several over a database: where it writes, whom it tells.

In: the shared log under the lease of this process, shared notes. Out: one value that the composition passes on. Without
it a directory and its database have one server.
"""

from __future__ import annotations

from dataclasses import dataclass

from custodes.deployment.record.stored import StoredLedger
from custodes.governance.provider.policy_set import PolicySet
from custodes.ledger.writer.published import RunningLog
from custodes.operations.policy.followed_rules import spelled
from custodes.storage.sql.nodes.notes import SharedNotes

ACCOUNTS, SCREENING, LISTS, RULES, INCIDENTS = "accounts", "screening", "lists", "rules", "incidents"
"""Names of shared notes: what each server keeps in memory and follows. Cases have theirs (``nodes.cases``)."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """How the one server of several writes that has the lease.

    Attributes:
        log: the shared log, under its lease.
        stored: its public files and private bodies.
        notes: what the others follow.
    """

    log: RunningLog
    stored: StoredLedger
    notes: SharedNotes

    def lists(self, digest: str) -> None:
        """Tell which lists there are."""
        self.notes.tell(LISTS, digest.encode())

    def incident(self, index: int | None) -> None:
        """Tell which incident stops recognition, or that none does."""
        self.notes.tell(INCIDENTS, b"" if index is None else b"%d" % index)

    def rules(self, policy: PolicySet) -> None:
        """Tell which rules are in force."""
        self.notes.tell(RULES, spelled(policy))
