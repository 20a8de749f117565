"""What the ledger is told about screening: who is behind a customer, what a screening found, what officers decided.

In: what is about to be so. Out: durable ``org`` and ``scr`` entries, written before anything acts on them. In public
they give digests and counts; accounts, hits and reasons are in the private bodies, names of parties in none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from custodes.core.errors import UnavailableError
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import EntryError, b64url
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.record.evidence.party_statements import PartyStatements
from custodes.operations.screening.graph import places
from custodes.operations.screening.ports import CustomerCase, Officer
from custodes.screening.assessment import Assessment, Decision, hit_key
from custodes.screening.entities import Organisation
from custodes.screening.organisation import digest

MATCHER = "custodes-names-3"
"""Version of the rules of names; changes when scores do."""
_SHOWN = 20


class ScreeningLog:
    """Writes the entries."""

    def __init__(self, log: LedgerWriter, parties: PartyStatements, random: Callable[[int], bytes]) -> None:
        """Write to ``log``, keep places with ``parties``; ``random`` blinds commitments."""
        self._log = log
        self._parties = parties
        self._random = random

    def dossier(self, account_id: str, graph: Organisation, evidence: tuple[str, ...]) -> int:
        """Everybody in ``graph`` is from now on known to be behind the account. Raises UnavailableError."""
        try:
            kept = self._parties.keep(places(account_id, graph), self._random)
        except (OSError, BodyError) as error:
            raise UnavailableError("the places of this graph cannot be kept, so nothing was changed") from error
        body = {
            "acct": account_id,
            "edges": len(graph.edges),
            "evidence": list(evidence[:_SHOWN]),
            "graph": digest(graph).hex(),
            "parties": len(graph.parties),
        }
        return self._write("org", body, kept.fields())

    def screened(self, case: CustomerCase, cause: str, before: str, found: Assessment) -> int:
        """A customer's verdict, with what it stands on. Raises UnavailableError."""
        outcome = found.outcome
        body = {
            "acct": case.account_id,
            "before": before,
            "cause": cause,
            "graph": digest(case.graph).hex(),
            "hits": [
                {
                    "decides": hit.decides,
                    "entry": f"{hit.entry.source} {hit.entry.uid}"[:100],
                    "finding": hit_key(case.graph.parties[hit.party], hit.entry),
                    "score_milli": round(hit.score * 1000),
                }
                for hit in outcome.hits[:_SHOWN]
            ],
            "gaps": [gap.reason for gap in outcome.gaps],
            "hits_all": len(outcome.hits),
            "lists": case.lists,
            "matcher": MATCHER,
            "paths": [
                {"certain": path.certain, "regime": path.regime, "rule": path.rule, "steps": len(path.steps)}
                for path in outcome.paths
            ],
            "verdict": case.verdict,
        }
        return self._write("scr", body, {"l": _lists(case.lists), "n": 1})

    def ran(self, lists: str, counts: Mapping[str, int]) -> int:
        """All customers were screened, or are untouched by what changed. Raises UnavailableError."""
        body = {"cause": "all", "lists": lists, "matcher": MATCHER, "verdicts": dict(counts)}
        return self._write("scr", body, {"l": _lists(lists), "n": sum(counts.values())})

    def decided(self, decision: Decision, lists: str) -> int:
        """What an officer decided. Raises UnavailableError."""
        body = {
            "at": decision.at_ms,
            "call": decision.call,
            "cause": "decision",
            "evidence": list(decision.evidence),
            "finding": decision.finding,
            "officer": decision.officer,
            "reason": decision.reason,
            "signature": b64url(decision.signature),
        }
        return self._write("scr", body, {"l": _lists(lists), "n": 0})

    def officer(self, officer: Officer, lists: str) -> int:
        """Somebody may decide, or no longer. Raises UnavailableError."""
        body = {"cause": "officer", "key": b64url(officer.public), "officer": officer.name, "until": officer.until_ms}
        return self._write("scr", body, {"l": _lists(lists), "n": 0})

    def _write(self, kind: str, body: Mapping[str, object], fields: Mapping[str, int | str]) -> int:
        try:
            pending = self._log.append(kind, body=body, fields=fields)
            pending.wait_durable()
        except (LedgerUnavailableError, EntryError, BodyError) as error:
            raise UnavailableError("the ledger cannot be written now, so nothing was changed") from error
        return pending.index


def _lists(digest_hex: str) -> str:
    """Digest of the lists in the spelling of envelopes; zeros while there is no list."""
    return b64url(bytes.fromhex(digest_hex) if digest_hex else bytes(32))
