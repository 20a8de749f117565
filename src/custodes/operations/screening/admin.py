"""Commands of the operator about screening: typed, with what carries them out.

In: commands. Out: typed results. Graphs come as paths of files, because a command is
small. Decisions come signed; who may sign is kept here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import orjson

from custodes.core.clock import Clock
from custodes.core.errors import ConflictError, DeniedError, InvalidParameterError, NotFoundError
from custodes.core.ids import AccountId
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.requests.admin import AdminCommand, AdminHandlers
from custodes.operations.requests.properties import READS, Properties
from custodes.operations.screening.admin_results import (
    CustomerAssessed,
    CustomerExplained,
    CustomerLine,
    CustomerList,
    DecisionFacts,
    FindingDecided,
    FindingFacts,
    OfficerFacts,
    OfficerList,
    ScreeningRefreshed,
    members_of,
)
from custodes.operations.screening.graph import graph_of
from custodes.operations.screening.log import ScreeningLog
from custodes.operations.screening.ports import CaseStore, CustomerCase, Officer
from custodes.operations.screening.screening import Screenings
from custodes.screening.answers.explanation import explain
from custodes.screening.answers.explanation import to_json as explanation_to_json
from custodes.screening.answers.page import PageHead, page
from custodes.screening.answers.svg import draw
from custodes.screening.assessment import CALLS, MAX_REASON_LENGTH, Assessment, Decision, Finding
from custodes.screening.organisation import read_organisation

SIGNED_WITHIN_MS = 600_000
MAX_GRAPH = 64 << 20
_DIGEST = frozenset("0123456789abcdef")


class Officers:
    """Who may decide, by name. Changes are on record before they count."""

    def __init__(self, store: CaseStore, log: ScreeningLog, clock: Clock) -> None:
        """Read all of them from ``store``."""
        self._store = store
        self._log = log
        self._clock = clock
        self._known = {officer.name: officer for officer in store.officers()}

    def add(self, name: str, public: bytes) -> Officer:
        """Let the owner of ``public`` decide as ``name``.

        Raises:
            InvalidParameterError: no name, or no key.
            ConflictError: name or key belongs to somebody, also to one who left.
            UnavailableError: nothing was changed.
        """
        if not name or len(name) > 100 or not name.isprintable() or len(public) != 32:
            raise InvalidParameterError("an officer has a name on one line, and an Ed25519 key")
        # One person with two names would be two pairs of eyes, so a key is taken once.
        if any(name == one.name or public == one.public for one in self._known.values()):
            raise ConflictError("this name or key is or was an officer's already")
        return self._keep(Officer(name, public, self._clock.now_ms()))

    def remove(self, name: str) -> Officer:
        """End the office of ``name``; what was decided stays. Raises NotFoundError, UnavailableError."""
        found = self._in_office(name)
        return self._keep(Officer(found.name, found.public, found.since_ms, self._clock.now_ms()))

    def listed(self) -> list[Officer]:
        """All, those who left as well."""
        return sorted(self._known.values(), key=lambda officer: (officer.since_ms, officer.name))

    def check(self, decision: Decision) -> None:
        """Whether ``decision`` was signed, just now, by an officer. Raises DeniedError, NotFoundError."""
        found = self._in_office(decision.officer)
        if not decision.is_signed_by(found.public):
            raise DeniedError(f"the signature is not that of {decision.officer}")
        if abs(self._clock.now_ms() - decision.at_ms) > SIGNED_WITHIN_MS:
            raise DeniedError("the decision was not signed within the last ten minutes")

    def _in_office(self, name: str) -> Officer:
        found = self._known.get(name)
        if found is None or found.until_ms:
            raise NotFoundError(f"{name!r} is no officer")
        return found

    def _keep(self, officer: Officer) -> Officer:
        self._log.officer(officer, "")
        self._store.save_officer(officer)
        self._known[officer.name] = officer
        return officer


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCases(AdminCommand):
    """Every customer with its verdict, or those with one verdict."""

    operation: ClassVar[str] = "screening list"
    properties: ClassVar[Properties] = READS
    verdict: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCase(AdminCommand):
    """What was found on a customer; with ``picture`` also an SVG of who stands behind it."""

    operation: ClassVar[str] = "screening show"
    properties: ClassVar[Properties] = READS
    account: str
    picture: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainCase(AdminCommand):
    """What spoke for and against each finding on a customer, with the picture and the page."""

    operation: ClassVar[str] = "screening explain"
    properties: ClassVar[Properties] = READS
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowFreshness(AdminCommand):
    """How many customers were held against the newest lists, and when."""

    operation: ClassVar[str] = "screening status"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareOwners(AdminCommand):
    """Take the file at ``path`` as what stands behind a customer; ``evidence`` are digests."""

    operation: ClassVar[str] = "screening put"
    account: str
    path: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshScreening(AdminCommand):
    """Bring every customer up to the newest lists."""

    operation: ClassVar[str] = "screening refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideFinding(AdminCommand):
    """An officer's decision about a finding, with their signature in hexadecimal."""

    operation: ClassVar[str] = "screening decide"
    finding: str
    call: str
    officer: str
    reason: str = ""
    evidence: tuple[str, ...] = ()
    at_ms: int = 0
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListScreeningOfficers(AdminCommand):
    """All officers, those who left as well."""

    operation: ClassVar[str] = "screening officer list"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class AddScreeningOfficer(AdminCommand):
    """Let the owner of the key ``public``, in hexadecimal, decide."""

    operation: ClassVar[str] = "screening officer add"
    name: str
    public: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveScreeningOfficer(AdminCommand):
    """End an office."""

    operation: ClassVar[str] = "screening officer remove"
    name: str


class ScreeningAdmin:
    """Carries them out; ``handlers`` has each by its class. All raise CustodesError, whose message says why."""

    def __init__(self, screenings: Screenings, officers: Officers, directory: AccountDirectory) -> None:
        """Work on ``screenings`` of the accounts in ``directory``."""
        self._screenings = screenings
        self._officers = officers
        self._directory = directory
        self.handlers: AdminHandlers = {
            ListCases: self._list,
            ShowCase: self._show,
            ExplainCase: self._explain,
            ShowFreshness: lambda _: screenings.freshness(),
            DeclareOwners: self._put,
            RefreshScreening: lambda _: ScreeningRefreshed(screenings.refresh()),
            DecideFinding: self._decide,
            ListScreeningOfficers: lambda _: OfficerList(tuple(_officer(one) for one in officers.listed())),
            AddScreeningOfficer: lambda it: _officer(officers.add(it.name, _bytes(it.public))),
            RemoveScreeningOfficer: lambda it: _officer(officers.remove(it.name)),
        }

    def _list(self, command: ListCases) -> CustomerList:
        wanted = command.verdict
        cases = [case for case in self._screenings.cases() if not wanted or case.verdict == wanted]
        return CustomerList(tuple(self._line(case) for case in cases))

    def _show(self, command: ShowCase) -> CustomerAssessed:
        account_id = AccountId(command.account)
        found = self._screenings.assessment(account_id)
        case = self._screenings.known(account_id)
        assert case is not None
        drawn = draw(case.graph, found.outcome) if command.picture else None
        return self._assessed(case, found, drawn)

    def _explain(self, command: ExplainCase) -> CustomerExplained:
        account_id = AccountId(command.account)
        found = self._screenings.assessment(account_id)
        case = self._screenings.known(account_id)
        assert case is not None
        explained = explain(case.graph, case.hits, found)
        line = self._line(case)
        head = PageHead(line.name, account_id, found.verdict, line.screened_at_ms, case.lists)
        arguments = tuple({**asdict(_finding(one.finding)), **explanation_to_json(one)} for one in explained)
        return CustomerExplained(
            **members_of(line), findings=arguments, page=page(head, explained, draw(case.graph, found.outcome))
        )

    def _put(self, command: DeclareOwners) -> CustomerAssessed:
        account = self._directory.account(AccountId(command.account))
        declared = read_organisation(_json(Path(command.path)))
        evidence = [_digest(one) for one in command.evidence]
        graph = graph_of(account.organisation, declared)
        done = self._screenings.enter(account.account_id, graph, evidence, cause="ownership")
        if self._screenings.required:
            self._screenings.follow([done])
        return self._assessed(done.case, done.assessment)

    def _decide(self, command: DecideFinding) -> FindingDecided:
        decision = Decision(
            command.finding,
            command.call,
            command.officer,
            command.reason.strip(),
            tuple(_digest(one) for one in command.evidence),
            command.at_ms,
            _bytes(command.signature),
        )
        if decision.call not in CALLS:
            raise InvalidParameterError("a decision is one of " + ", ".join(CALLS))
        if not 0 < len(decision.reason) <= MAX_REASON_LENGTH or len(decision.evidence) > 20:
            raise InvalidParameterError(
                f"a decision has a reason of up to {MAX_REASON_LENGTH} letters, 20 evidences at most"
            )
        self._officers.check(decision)
        return FindingDecided(_finding(self._screenings.decide(decision)))

    def _assessed(self, case: CustomerCase, found: Assessment, picture: str | None = None) -> CustomerAssessed:
        members = {**members_of(self._line(case)), "verdict": found.verdict}
        findings = tuple(_finding(finding) for finding in found.findings)
        return CustomerAssessed(**members, findings=findings, paths=found.outcome.paths, picture=picture)

    def _line(self, case: CustomerCase) -> CustomerLine:
        status = self._directory.status(case.account_id)
        run = self._screenings.last_run()
        return CustomerLine(
            account_id=case.account_id,
            status="" if status is None else status.value,
            name=case.graph.parties[case.graph.subject].name,
            verdict=case.verdict,
            parties=len(case.graph.parties),
            hits=len(case.hits),
            screened_at_ms=max(case.screened_at_ms, run.at_ms if run else 0),
            dossier=case.dossier,
        )


def _finding(finding: Finding) -> FindingFacts:
    decisions = tuple(
        DecisionFacts(one.officer, one.call, one.reason, one.at_ms, one.evidence) for one in finding.decisions
    )
    return FindingFacts(finding.key, finding.kind, finding.party, finding.text, finding.score, finding.state, decisions)


def _officer(officer: Officer) -> OfficerFacts:
    return OfficerFacts(officer.name, officer.public.hex(), officer.since_ms, officer.until_ms or None)


def _json(path: Path) -> object:
    try:
        if path.stat().st_size > MAX_GRAPH:
            raise InvalidParameterError(f"{path.name} is larger than {MAX_GRAPH >> 20} MiB")
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise InvalidParameterError(f"{path.name} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise InvalidParameterError(f"{path.name} is not JSON: {error}") from error


def _digest(text: str) -> str:
    if len(text) != 64 or not set(text) <= _DIGEST:
        raise InvalidParameterError("evidence is named by its SHA-256 in hexadecimal")
    return text


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InvalidParameterError("keys and signatures are written in hexadecimal") from None
