"""Screening of customers: before they start, when lists change, when they change; and what follows from it.

In: graphs, editions of lists, decisions of officers. Out: verdicts on record, accounts suspended or let in, drafts of
reports. Everything is in memory and in step with the store; a verdict is in the ledger before anybody acts on it. A
change of lists costs what it changed, not all customers times all entries. Whom an account belongs to, and its keys,
are the business of ``accounts``.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    ListsState,
    ReportDrafts,
    Run,
    ScreeningFreshness,
    Suspender,
)
from custodes.screening.answers.report import ReportCase, drafts
from custodes.screening.assessment import Assessment, Decision, Finding, assess
from custodes.screening.delta import CustomerIndex, rescreen
from custodes.screening.entities import ListEntry, ListHit, Organisation
from custodes.screening.screen import screen_party

_AT_ONCE = 20
MAX_PARTIES = 10_000
"""Of one customer's graph: each name of each party has a place in the party map, which takes about 2 ms to find."""


def _go_on() -> None:
    """No rest: nobody waits."""


def _told(_: str) -> None:
    """Nobody else has to know."""


@dataclass(frozen=True, slots=True)
class ScreeningResult:
    """What a screening of one customer came to."""

    case: CustomerCase
    assessment: Assessment
    entry: int


@dataclass(frozen=True, slots=True)
class ScreeningParts:
    """What screening works with.

    ``rest`` is called now and then by long work that others should not wait for, ``looked`` with the digest of the
    lists that there are whenever that is another one than before.
    """

    lists: ListsInForce
    store: CaseStore
    log: ScreeningLog
    reports: ReportDrafts
    clock: Clock
    rest: Callable[[], None] = _go_on
    looked: Callable[[str], None] = _told


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
        # One refresh at a time; only it uses what follows, but for those who were entered since, and how far it is.
        self._refreshing = threading.Lock()
        self._customers: CustomerIndex | None = None
        self._entered: list[CustomerCase] = []
        self._done: int | None = None
        # Which lists there are, as last looked at: what rules compare with, without asking a database.
        self.lists_digest = parts.lists.state().digest
        parts.looked(self.lists_digest)

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
            state = self._look()
            hits = self._matched(graph)
            case = CustomerCase(account_id, graph, value, declared, entry, hits, lists=state.digest)
            done = self._judged(case, cause, known.verdict if known else "", force=True)
            self._keep([done.case])
            self._entered.append(done.case)
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

        Works in the background of everything else: customers are compared without holding anybody up, and kept a few
        at a time. Who was entered meanwhile was screened then.

        Raises:
            UnavailableError: the ledger or the store cannot be written; what was not done is done the next time.
        """
        with self._refreshing:
            with self._lock:
                state = self._look()
                cases = tuple(self._cases.values())
                entered, self._entered = self._entered, []
            if not state.digest:
                return {}
            seen = self._run.lists if self._run is not None else None
            change = None if seen is None else self._parts.lists.since(seen)
            touched = None if change is None else self._touched(change, cases, entered)
            moved: list[ScreeningResult] = []
            try:
                for at in range(0, len(cases), _AT_ONCE):
                    some = cases[at : at + _AT_ONCE]
                    fresh = self._rematched(some) if touched is None else touched
                    with self._lock:
                        moved += self._taken(some, fresh, state)
                        self._done = at + len(some)
                    self._parts.rest()
                with self._lock:
                    counts = Counter[str](case.verdict for case in self._cases.values())
                    self._parts.log.ran(state.digest, counts)
                    self._save_run(Run(self._parts.clock.now_ms(), state))
                    blocked = [case for case in self._cases.values() if case.verdict == "blocked"]
            finally:
                self._done = None
        self.follow(moved)
        for case in blocked:  # a crash may have come between a verdict and what follows from it
            self._suspender.suspend(case.account_id, "sanctions screening")
        return counts

    def _taken(
        self, cases: Sequence[CustomerCase], fresh: Mapping[AccountId, tuple[ListHit, ...]], state: ListsState
    ) -> list[ScreeningResult]:
        """Judge and keep ``cases`` with their ``fresh`` hits; returns those whose verdict moved."""
        touched, moved = [], []
        for before in cases:
            case = self._cases[before.account_id]
            if case.graph is not before.graph:
                continue  # it was entered meanwhile
            now = replace(case, hits=fresh.get(case.account_id, case.hits), lists=state.digest)
            one = self._judged(now, "lists", case.verdict)
            if one.case.verdict != case.verdict:
                moved.append(one)
            if case.account_id in fresh or one.case.verdict != case.verdict:
                touched.append(one.case)
        self._keep(touched)
        return moved

    def freshness(self) -> ScreeningFreshness:
        """How far screening has come, from memory."""
        cases, run, newest = list(self._cases.values()), self._run, self.lists_digest
        current = run is not None and run.lists.digest == newest
        ran_at_ms = run.at_ms if run is not None else None
        ages = [max(case.screened_at_ms, ran_at_ms or 0) for case in cases]
        return ScreeningFreshness(
            Counter(case.verdict for case in cases),
            0 if current or not newest else sum(case.lists != newest for case in cases),
            min(ages, default=None),
            ran_at_ms,
            self._done,
            newest,
        )

    def stale(self) -> bool:
        """Whether lists changed since the last run; looks at them."""
        with self._lock:
            self._look()
            return self.required and (self._run is None or self._run.lists.digest != self.lists_digest)

    def _look(self) -> ListsState:
        """Which lists there are now; whoever follows is told first."""
        state = self._parts.lists.state()
        if state.digest != self.lists_digest:
            self._parts.looked(state.digest)
            self.lists_digest = state.digest
        return state

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

    def _rematched(self, cases: Iterable[CustomerCase]) -> dict[AccountId, tuple[ListHit, ...]]:
        return {case.account_id: self._matched(case.graph) for case in cases}

    def _touched(
        self, change: ListsChange, cases: Sequence[CustomerCase], entered: Iterable[CustomerCase]
    ) -> dict[AccountId, tuple[ListHit, ...]]:
        """New hits of those of ``cases`` that ``change`` concerns; nobody else is in it.

        Args:
            change: what the lists changed.
            cases: everybody.
            entered: those who came or changed since this was last asked.
        """
        if self._customers is None:
            self._customers, entered = CustomerIndex(), cases
        for case in entered:
            _index(self._customers, case)
        graphs = {case.account_id: case.graph for case in cases}
        changed = {(entry.source, entry.uid) for entry in change.now} | change.gone
        added: dict[AccountId, list[ListHit]] = defaultdict(list)
        for party, hits in rescreen(self._customers, self._one_by_one(change.now)):
            account, _, one = party.id.partition("/")
            graph = graphs.get(AccountId(account))
            # The index remembers parties of graphs that were replaced since.
            if graph is not None and graph.parties.get(one) == replace(party, id=one):
                added[AccountId(account)] += [replace(hit, party=one) for hit in hits]
        touched = {}
        for known in cases:
            left = [hit for hit in known.hits if (hit.entry.source, hit.entry.uid) not in changed]
            if len(left) < len(known.hits) or known.account_id in added:
                touched[known.account_id] = tuple(dict.fromkeys((*left, *added[known.account_id])))
        return touched

    def _one_by_one(self, entries: Iterable[ListEntry]) -> Iterator[ListEntry]:
        """``entries``, with a rest for others after every few."""
        for number, entry in enumerate(entries):
            if number % _AT_ONCE == 0:
                self._parts.rest()
            yield entry

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
