"""Commands of the operator that read and change nothing kept: the record, evidence made from it, the server itself.

In: settings and an open ledger. Out: handlers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from custodes.deployment.governance.policy import open_explanations
from custodes.deployment.record.stored import StoredLedger, in_directory
from custodes.governance.provider.guardrails import load
from custodes.governance.provider.records import replay
from custodes.ledger.tlog.trust import TrustPolicy, parse_policy
from custodes.ledger.writer.published import RunningLog
from custodes.models.card import load_cards
from custodes.operations.record.admin.evidence import evidence_handlers
from custodes.operations.record.admin.lookups import lookup_handlers
from custodes.operations.record.admin.reports import report_handlers
from custodes.operations.record.admin.server import ServerFacts, server_handlers
from custodes.operations.record.evidence.statements import Statements
from custodes.operations.record.housekeeping import Housekeeping
from custodes.operations.requests.admin import AdminHandlers
from custodes.settings import Settings
from custodes.storage.files.policy import PolicyFiles, policy_files


def open_lookups(
    settings: Settings,
    statements: Statements,
    duties: Housekeeping,
    log: RunningLog,
    stored: StoredLedger | None = None,
) -> AdminHandlers:
    """What carries these commands out on the data directory of ``settings``; ``stored`` as in ``open_statements``."""
    documents = (stored or in_directory(settings.data)).documents
    return {
        **lookup_handlers(lambda: open_explanations(settings.data, stored).files),
        **evidence_handlers(statements, duties, log),
        **report_handlers(statements, duties, lambda: _Rules(policy_files(documents)), lambda: _trust(settings.data)),
        **server_handlers(ServerFacts(version("custodes"), settings.listed, _models)),
    }


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of a data directory."""

    files: PolicyFiles

    def face_comparisons(self) -> tuple[str, ...]:
        policy = self.files.policy(replay(self.files).in_force)
        return load(policy.packs, policy.schema).operations_in("FaceComparison")

    def members(self, digest: str) -> Mapping[str, object] | None:
        return self.files.members(digest)


def _trust(data: Path) -> TrustPolicy:
    return parse_policy((data / "trust.policy").read_bytes())


def _models() -> Sequence[Mapping[str, object]]:
    return [
        {
            "name": card.name,
            "version": card.version,
            "task": card.task,
            "licence": card.licence,
            "origin": card.origin,
            "source": card.archive.source,
            "packs": list(card.packs),
        }
        for card in load_cards().values()
    ]
