"""Cases of identifications and their authorisations: begun by the first use, decided by an authority, on record.

In: first uses, and what an operator says that an authority decided. Out: the state of a case, from memory, for the
provider's rules; ``acc`` entries; durable cases. What the rules make of a state is theirs. A file of cases that is set
back to an older state forgets when a case began; the ledger does not, and reports count by the ledger.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import ClassVar, Protocol

from custodes.core.clock import Clock
from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.governance.authorisation import Authorisation, AuthorisationState, Case, check_case
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.requests.admin import AdminCommand, AdminHandlers
from custodes.operations.requests.properties import READS, Properties


class IdentificationCases(Protocol):
    """Durable cases. Both methods raise UnavailableError."""

    def cases(self) -> Sequence[Case]:
        """All of them."""
        ...

    def change(self, account_id: str, name: str, change: Callable[[Case], Case]) -> Case:
        """Replace a case, or one that is not there yet, by what ``change`` makes of it; durable when it returns."""
        ...


class Authorisations:
    """The cases of all accounts. Any thread."""

    def __init__(self, store: IdentificationCases, log: LedgerWriter, clock: Clock) -> None:
        """Keep cases in ``store`` and put them on record in ``log``."""
        self._store = store
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._cases: Mapping[tuple[str, str], Case] = {}
        self.reload()

    def reload(self) -> None:
        """Read all cases again: another process changed some. Raises UnavailableError."""
        with self._lock:
            self._cases = {(case.account_id, case.name): case for case in self._store.cases()}

    def state(self, account_id: AccountId, name: str, now_ms: int) -> str:
        """In which state a case is; ``pending`` for one that nobody has used yet."""
        return self._cases.get((account_id, name), Case(account_id, name)).state(now_ms).value

    def begin(self, account_id: AccountId, name: str, purpose: str, now_ms: int) -> None:
        """A case is used: the first time starts its 48 hours.

        Raises:
            UnavailableError: it cannot be kept or put on record, so nothing may be identified.
        """
        found = self._cases.get((account_id, name))
        if found is not None and found.begun_ms is not None:
            return
        with self._lock:
            found = self._cases.get((account_id, name), Case(account_id, name))
            if found.begun_ms is None:
                self._put("case", found, lambda case: _begun(case, purpose, now_ms))

    def decide(self, account_id: AccountId, name: str, authorisation: Authorisation) -> Case:
        """Put on record what an authority decided; a later decision takes the place of an earlier one.

        Raises:
            InvalidParameterError: no case can be called so.
            UnavailableError: it cannot be kept or put on record; nothing changed.
        """
        check_case(name)
        with self._lock:
            found = self._cases.get((account_id, name), Case(account_id, name))
            what = "authorised" if authorisation.granted else "refused"
            return self._put(what, found, lambda case: replace(case, authorisation=authorisation))

    def listed(self, account_id: AccountId | None) -> list[Case]:
        """The cases of an account, or of all."""
        return [case for case in self._cases.values() if account_id in (None, case.account_id)]

    def _put(self, what: str, found: Case, change: Callable[[Case], Case]) -> Case:
        case = change(found)
        body: dict[str, object] = {"acct": case.account_id, "case": case.name, "purpose": case.purpose}
        if case.authorisation is not None:
            body["authorisation"] = asdict(case.authorisation)
        try:
            self._log.append("acc", body=body, fields={"x": what}).wait_durable()
        except LedgerUnavailableError as error:
            raise UnavailableError(f"the ledger cannot be written: {error}") from error
        kept = self._store.change(case.account_id, case.name, change)
        self._cases = {**self._cases, (kept.account_id, kept.name): kept}
        return kept


def _begun(case: Case, purpose: str, now_ms: int) -> Case:
    """The case, begun; where another process was quicker, as that one began it."""
    return case if case.begun_ms is not None else replace(case, purpose=purpose, begun_ms=now_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideCase(AdminCommand):
    """What an authority decided on a case of an account."""

    operation: ClassVar[str] = "case decide"
    account: str
    case: str
    reference: str
    issuer: str
    date: str
    granted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIdentificationCases(AdminCommand):
    """Cases with their states, of one account or of all."""

    operation: ClassVar[str] = "case list"
    properties: ClassVar[Properties] = READS
    account: str | None = None


@dataclass(frozen=True, slots=True)
class CaseStanding:
    """A case, and in which state it is now."""

    account_id: str
    name: str
    purpose: str
    begun_ms: int | None
    authorisation: Authorisation | None
    state: AuthorisationState


@dataclass(frozen=True, slots=True)
class CaseList:
    """Cases of an account or of all."""

    cases: tuple[CaseStanding, ...]


def case_handlers(cases: Authorisations, accounts: AccountDirectory, clock: Clock) -> AdminHandlers:
    """What carries these commands out."""

    def shown(case: Case) -> CaseStanding:
        return CaseStanding(
            case.account_id, case.name, case.purpose, case.begun_ms, case.authorisation, case.state(clock.now_ms())
        )

    def decided(command: DecideCase) -> CaseStanding:
        made = Authorisation(command.reference, command.issuer, command.date, command.granted)
        account = accounts.account(AccountId(command.account))
        return shown(cases.decide(account.account_id, command.case, made))

    def listed(command: ListIdentificationCases) -> CaseList:
        account = None if command.account is None else AccountId(command.account)
        return CaseList(tuple(shown(case) for case in cases.listed(account)))

    return {DecideCase: decided, ListIdentificationCases: listed}
