"""Screening of customers: before they start, when lists change, when they change; and what follows from it.

In: graphs, editions of lists, decisions of officers. Out: verdicts on record, accounts suspended or let in, drafts of
reports. Everything is in memory and in step with the store; a verdict is in the ledger before anybody acts on it. A
change of lists costs what it changed, not all customers times all entries. Whom an account belongs to, and its keys,
are the business of ``accounts``.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from custodes.core.clock import Clock
from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.core.ids import AccountId
from custodes.operations.screening.log import ScreeningLog
from custodes.operations.screening.ports import (
    CaseStore,
    CustomerCase,
    ListsChange,
    ListsInForce,
    ReportDrafts,
    Run,
    Suspender,
)
from custodes.screening.assessment import Assessment, Decision, Finding, assess
from custodes.screening.delta import CustomerIndex, rescreen
from custodes.screening.entities import ListHit, Organisation
from custodes.screening.report import ReportCase, drafts
from custodes.screening.screen import screen_party

MAX_PARTIES = 10_000
"""Of one customer's graph: each name of each party has a place in the party map, which takes about 2 ms to find."""


@dataclass(frozen=True, slots=True)
class ScreeningResult:
    """What a screening of one customer came to."""

    case: CustomerCase
    assessment: Assessment
    entry: int


@dataclass(frozen=True, slots=True)
class ScreeningParts:
    """What screening works with."""

    lists: ListsInForce
    store: CaseStore
    log: ScreeningLog
    reports: ReportDrafts
    clock: Clock


class Screenings:
    """The use cases. Any thread; one works at a time."""

    def __init__(self, parts: ScreeningParts, suspender: Suspender) -> None:
        """Read all cases; act on accounts through ``suspender``."""
        self._parts = parts
        self._suspender = suspender
        self._lock = threading.RLock()
        self._cases: dict[AccountId, CustomerCase] = {case.account_id: case for case in parts.store.cases()}
        self._run = parts.store.run()
        self._decisions: dict[str, list[Decision]] = defaultdict(list)
        for decision in parts.store.decisions():
            self._decisions[decision.finding].append(decision)
        self._customers: CustomerIndex | None = None
        # Which lists there are, as last looked at: what rules compare with, without asking a database.
        self.lists_digest = parts.lists.state().digest

    @property
    def required(self) -> bool:
        """Whether there is a list to be screened against."""
        return bool(self.lists_digest)

    def known(self, account_id: AccountId) -> CustomerCase | None:
        """The case of an account, from memory; None when it has none."""
        return self._cases.get(account_id)

    def last_run(self) -> Run | None:
        """The last time that all customers were screened, from memory."""
        return self._run

    def cases(self) -> tuple[CustomerCase, ...]:
        """All cases by account."""
        found = list(self._cases.values())  # one step, so that a change meanwhile does no harm
        return tuple(sorted(found, key=lambda case: case.account_id))

    def assessment(self, account_id: AccountId) -> Assessment:
        """Where a customer stands today. Raises NotFoundError."""
        case = self._cases.get(account_id)
        if case is None:
            raise NotFoundError(f"account {account_id} was never screened")
        return self._assessed(case)

    def enter(
        self, account_id: AccountId, graph: Organisation, evidence: Sequence[str] | None = None, *, cause: str
    ) -> ScreeningResult:
        """Take ``graph`` as what stands behind an account, on record, and screen it. Nobody is suspended yet.

        Args:
            account_id: whose graph.
            graph: everybody behind it.
            evidence: digests of what a declared graph rests on; None when it comes from the profile alone.
            cause: ``admission``, ``profile`` or ``ownership``.

        Raises:
            InvalidParameterError: the graph is too large.
            UnavailableError: nothing was changed.
        """
        if len(graph.parties) > MAX_PARTIES:
            raise InvalidParameterError(f"a customer's graph has at most {MAX_PARTIES} parties")
        with self._lock:
            known = self._cases.get(account_id)
            value = known.evidence if known and evidence is None else tuple(evidence or ())
            declared = evidence is not None or (known is not None and known.declared)
            entry = known.dossier if known is not None and known.graph == graph else None
            if entry is None:
                entry = self._parts.log.dossier(account_id, graph, value)
            state = self._parts.lists.state()
            self.lists_digest = state.digest
            hits = self._matched(graph)
            case = CustomerCase(account_id, graph, value, declared, entry, hits, lists=state.digest)
            done = self._judged(case, cause, known.verdict if known else "", force=True)
            self._keep([done.case])
            if self._customers is not None:
                _index(self._customers, done.case)
            return done

    def follow(self, done: Iterable[ScreeningResult]) -> None:
        """Do what verdicts ask for: suspend who is blocked, with drafts of reports; let in who waited and is clear.

        Raises:
            UnavailableError: an account could not be changed, or a draft not be kept; say it again.
        """
        for one in done:
            account_id, entry = one.case.account_id, one.entry
            if one.case.verdict == "blocked":
                self._suspender.suspend(account_id, f"sanctions screening (ledger entry {entry})")
                self.report(one)
            elif one.case.verdict == "clear" and self._is_clear(account_id):
                self._suspender.admit(account_id, f"clear in sanctions screening (ledger entry {entry})")

    def _is_clear(self, account_id: AccountId) -> bool:
        """Whether it still is: another verdict may have come meanwhile."""
        case = self._cases.get(account_id)
        return case is not None and case.verdict == "clear"

    def report(self, one: ScreeningResult) -> list[str]:
        """Draft the reports that a blocked customer asks for; returns where they are. Raises UnavailableError."""
        case = one.case
        value = ReportCase(case.account_id, case.graph, one.assessment, case.screened_at_ms, case.lists, one.entry)
        texts = drafts(value)
        return [
            self._parts.reports.keep(f"{case.account_id}-{one.entry}-{regime}.md", text)
            for regime, text in texts.items()
        ]

    def refresh(self) -> Mapping[str, int]:
        """Bring everybody up to the lists and to today, and act on what changed; returns customers by verdict.

        Raises:
            UnavailableError: the ledger or the store cannot be written; what was not done is done the next time.
        """
        with self._lock:
            state = self._parts.lists.state()
            self.lists_digest = state.digest
            if not state.digest:
                return {}
            seen = self._run.lists if self._run is not None else None
            change = None if seen is None else self._parts.lists.since(seen)
            fresh = self._rematched() if change is None else self._touched(change)
            counts: Counter[str] = Counter()
            touched, moved = [], []
            for account_id, case in self._cases.items():
                now = replace(case, hits=fresh.get(account_id, case.hits), lists=state.digest)
                one = self._judged(now, "lists", case.verdict)
                counts[one.case.verdict] += 1
                if one.case.verdict != case.verdict:
                    moved.append(one)
                if account_id in fresh or one.case.verdict != case.verdict:
                    touched.append(one.case)
            self._parts.log.ran(state.digest, counts)
            self._keep(touched)
            self._save_run(Run(self._parts.clock.now_ms(), state))
            blocked = [case for case in self._cases.values() if case.verdict == "blocked"]
        self.follow(moved)
        for case in blocked:  # a crash may have come between a verdict and what follows from it
            self._suspender.suspend(case.account_id, "sanctions screening")
        return counts

    def stale(self) -> bool:
        """Whether lists changed since the last run; looks at them."""
        with self._lock:
            self.lists_digest = self._parts.lists.state().digest
            return self.required and (self._run is None or self._run.lists.digest != self.lists_digest)

    def decide(self, decision: Decision) -> Finding:
        """Take an officer's decision about a finding, whose signature was checked, and act on it.

        Raises:
            NotFoundError: nobody has such a finding.
            UnavailableError: nothing was changed.
        """
        with self._lock:
            concerned = [
                case
                for case in self._cases.values()
                if any(finding.key == decision.finding for finding in self._assessed(case).findings)
            ]
            if not concerned:
                raise NotFoundError(f"there is no finding {decision.finding}")
            self._parts.log.decided(decision, concerned[0].lists)
            self._parts.store.decide(decision)
            self._decisions[decision.finding].append(decision)
            done = [self._judged(case, "decision", case.verdict, force=False) for case in concerned]
            moved = [one for case, one in zip(concerned, done, strict=True) if one.case.verdict != case.verdict]
            self._keep([one.case for one in moved])
            found = self._assessed(self._cases[concerned[0].account_id]).findings
        self.follow(moved)
        gone = Finding(decision.finding, "hit", "", "", 0.0, "false", ())
        return next((finding for finding in found if finding.key == decision.finding), gone)

    def _judged(self, case: CustomerCase, cause: str, before: str, *, force: bool = False) -> ScreeningResult:
        """Assess, and write it down where the verdict is another one, or ``force``.

        Without a list there is nothing to screen against, and nothing to put on record.
        """
        found = self._assessed(case)
        now = replace(case, verdict=found.verdict)
        if not case.lists or (not force and found.verdict == before):
            return ScreeningResult(now, found, 0)
        now = replace(now, screened_at_ms=self._parts.clock.now_ms())
        return ScreeningResult(now, found, self._parts.log.screened(now, cause, before, found))

    def _assessed(self, case: CustomerCase) -> Assessment:
        day = datetime.fromtimestamp(self._parts.clock.now_ms() / 1000, UTC).strftime("%Y-%m-%d")
        return assess(case.graph, case.hits, self._decisions, day)

    def _matched(self, graph: Organisation) -> tuple[ListHit, ...]:
        index = self._parts.lists.index
        return tuple(hit for party in graph.parties.values() for hit in screen_party(party, index))

    def _rematched(self) -> dict[AccountId, tuple[ListHit, ...]]:
        return {account_id: self._matched(case.graph) for account_id, case in self._cases.items()}

    def _touched(self, change: ListsChange) -> dict[AccountId, tuple[ListHit, ...]]:
        """New hits of the customers that ``change`` concerns; nobody else is in it."""
        if self._customers is None:
            self._customers = CustomerIndex()
            for case in self._cases.values():
                _index(self._customers, case)
        changed = {(entry.source, entry.uid) for entry in change.now} | change.gone
        added: dict[AccountId, list[ListHit]] = defaultdict(list)
        for party, hits in rescreen(self._customers, change.now):
            account, _, one = party.id.partition("/")
            owner = self._cases.get(AccountId(account))
            # The index remembers parties of graphs that were replaced since.
            if owner is not None and owner.graph.parties.get(one) == replace(party, id=one):
                added[owner.account_id] += [replace(hit, party=one) for hit in hits]
        touched = {}
        for account_id, known in self._cases.items():
            left = [hit for hit in known.hits if (hit.entry.source, hit.entry.uid) not in changed]
            if len(left) < len(known.hits) or account_id in added:
                touched[account_id] = tuple(dict.fromkeys((*left, *added[account_id])))
        return touched

    def _keep(self, cases: Sequence[CustomerCase]) -> None:
        if cases:
            self._parts.store.save(cases)
            self._cases.update((case.account_id, case) for case in cases)

    def _save_run(self, run: Run) -> None:
        self._parts.store.save_run(run)
        self._run = run


def _index(customers: CustomerIndex, case: CustomerCase) -> None:
    for party in case.graph.parties.values():
        customers.add(replace(party, id=f"{case.account_id}/{party.id}"))
