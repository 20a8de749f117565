"""Commands of the operator that read and change nothing kept: the record, evidence made from it, the server itself.

In: settings and an open ledger. Out: handlers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from custodes.deployment.governance.policy import open_explanations
from custodes.ledger.writer.published import RunningLog
from custodes.models.card import load_cards
from custodes.operations.record.admin.evidence import evidence_handlers
from custodes.operations.record.admin.lookups import lookup_handlers
from custodes.operations.record.admin.server import ServerFacts, server_handlers
from custodes.operations.record.evidence.statements import Statements
from custodes.operations.record.housekeeping import Housekeeping
from custodes.operations.requests.admin import AdminHandlers
from custodes.settings import Settings


def open_lookups(settings: Settings, statements: Statements, duties: Housekeeping, log: RunningLog) -> AdminHandlers:
    """What carries these commands out on the data directory of ``settings``."""
    return {
        **lookup_handlers(lambda: open_explanations(settings.data).files),
        **evidence_handlers(statements, duties, log),
        **server_handlers(ServerFacts(version("custodes"), settings.listed, _models)),
    }


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
