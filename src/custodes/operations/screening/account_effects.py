"""Screening and accounts, each as the other needs it: who may start, whom to suspend, what rules see.

In: accounts with their profiles; verdicts. Out: implementations of ``Admission``, ``Suspender`` and
``ScreeningLookup``. Everything that is asked on the path of a request is answered from memory.
"""

from __future__ import annotations

from typing import Protocol

from custodes.core.errors import ConflictError, NotFoundError
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import Account, AccountKind, Status
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.accounts.states import AccountStates
from custodes.operations.policy.facts import ScreeningFacts
from custodes.operations.screening.graph import graph_of
from custodes.operations.screening.ports import CustomerCase, Run
from custodes.operations.screening.screening import ScreeningResult, Screenings


class ScreenedAdmission:
    """Admission by screening: an account starts when its graph is clear, and stops when it is blocked."""

    def __init__(self, screenings: Screenings) -> None:
        """Screen with ``screenings``."""
        self._screenings = screenings

    def status(self, account: Account) -> Status:
        """See Admission. The profile's graph is put on record and screened; without any list everybody is clear."""
        known = self._screenings.known(account.account_id)
        declared = known.graph if known is not None and known.declared else None
        cause = "profile" if account.created_ts_ms else "admission"
        done = self._screenings.enter(account.account_id, graph_of(account.organisation, declared), cause=cause)
        opening = not account.created_ts_ms
        if not self._screenings.required:
            return Status.ACTIVE if opening else account.status
        if done.case.verdict == "blocked":
            self._screenings.report(done)
            return Status.SUSPENDED if account.status is Status.ACTIVE else account.status
        waits = account.status is Status.PENDING
        return Status.ACTIVE if waits and done.case.verdict == "clear" else account.status

    def check_start(self, account_id: AccountId) -> None:
        """See Admission."""
        case = self._screenings.known(account_id)
        if self._screenings.required and (case is None or case.verdict != "clear"):
            verdict = "not done" if case is None else case.verdict
            raise ConflictError(f"account {account_id} cannot start: its sanctions screening is {verdict}")


class AccountSuspender:
    """Suspender over the states of accounts. Suspension ends what runs: answers are not released any more."""

    def __init__(self, states: AccountStates) -> None:
        """Change ``states``."""
        self._states = states

    def suspend(self, account_id: AccountId, reason: str) -> bool:
        """See Suspender."""
        return self._move(account_id, Status.ACTIVE, Status.SUSPENDED, reason)

    def admit(self, account_id: AccountId, reason: str) -> bool:
        """See Suspender."""
        return self._move(account_id, Status.PENDING, Status.ACTIVE, reason)

    def _move(self, account_id: AccountId, before: Status, wanted: Status, reason: str) -> bool:
        try:
            account = self._states.directory.account(account_id)
        except NotFoundError:
            return False  # it was screened, but never opened
        if account.status is not before or account.kind is not AccountKind.CUSTOMER:
            return False
        self._states.move(account_id, wanted, reason)
        return True


class Verdicts(Protocol):
    """What is known of screening, from memory."""

    @property
    def required(self) -> bool:
        """Whether there is a list to be screened against."""
        ...

    @property
    def lists_digest(self) -> str:
        """Which lists there are."""
        ...

    def known(self, account_id: AccountId) -> CustomerCase | None:
        """The case of an account."""
        ...

    def last_run(self) -> Run | None:
        """The last time that all customers were screened."""
        ...


class ScreenedFacts:
    """ScreeningLookup from the newest verdicts, in memory."""

    def __init__(self, screenings: Verdicts, operator: AccountId) -> None:
        """Tell what ``screenings`` found; the ``operator`` does not serve itself."""
        self._screenings = screenings
        self._operator = operator

    def of(self, account_id: AccountId) -> ScreeningFacts:
        """See ScreeningLookup. A customer that was never screened while there are lists is as good as under review."""
        if account_id == self._operator or not self._screenings.required:
            return ScreeningFacts("not-required", 0, True)
        case, run = self._screenings.known(account_id), self._screenings.last_run()
        if case is None or run is None:
            return ScreeningFacts("review", 0, False)
        if case.screened_at_ms > run.at_ms:
            return ScreeningFacts(case.verdict, case.screened_at_ms, case.lists == self._screenings.lists_digest)
        return ScreeningFacts(case.verdict, run.at_ms, run.lists.digest == self._screenings.lists_digest)


def screen_missing(directory: AccountDirectory, screenings: Screenings) -> list[ScreeningResult]:
    """Screen customers that have no case: opened before there was screening, or when a crash came between."""
    return [
        screenings.enter(account.account_id, graph_of(account.organisation), cause="profile")
        for account in directory.accounts()
        if account.kind is AccountKind.CUSTOMER
        and account.status is not Status.CLOSED
        and screenings.known(account.account_id) is None
    ]
