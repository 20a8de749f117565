"""Accounts: opened, described, suspended, closed. Each change is on record before it is made.

In: what an operator asks for. Out: accounts, and the first key of a new one, whose secret is told this once. Who may
ask is settled before: these are orders of the operator. Users and keys are in ``identities``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from custodes.core.clock import Clock
from custodes.core.errors import ConflictError, InvalidParameterError
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import (
    Account,
    AccountKind,
    StatedUse,
    Status,
    require_change,
    stated_use,
)
from custodes.governance.accounts.identities import ROOT, UserKey
from custodes.governance.accounts.organisation import OrganisationProfile, changed
from custodes.governance.accounts.vocabulary import LAW_ENFORCEMENT, NO_COUNTRY, OPERATOR_SECTOR
from custodes.governance.authorisation import EXCEPTIONAL
from custodes.operations.accounts.credentials.access_keys import new_key
from custodes.operations.accounts.directory import AccountDirectory, account_record, key_record
from custodes.operations.accounts.log import AccountLog
from custodes.operations.accounts.ports import Admission
from custodes.operations.accounts.states import AccountStates


@dataclass(frozen=True, slots=True)
class Update:
    """What shall change about an account; what is None or empty stays.

    Attributes:
        profile: members of the organisation's profile to replace.
        stated: members of ``StatedUse`` to replace.
        demographics: whether age, gender and emotions may be estimated.
        limits: overrides of rates and quotas, replacing all that are there.
    """

    profile: Mapping[str, object] = field(default_factory=dict)
    stated: Mapping[str, object] = field(default_factory=dict)
    demographics: bool | None = None
    limits: Mapping[str, int] | None = None


class Accounts:
    """The use cases of accounts."""

    def __init__(
        self,
        states: AccountStates,
        log: AccountLog,
        admission: Admission,
        clock: Clock,
        random: Callable[[int], bytes],
    ) -> None:
        """Change accounts through ``states``, on record in ``log``; ``admission`` says whether one may be used."""
        self._states = states
        self._directory = states.directory
        self._log = log
        self._admission = admission
        self._clock = clock
        self._random = random

    @property
    def directory(self) -> AccountDirectory:
        """All accounts."""
        return self._directory

    def create(
        self, profile: OrganisationProfile, stated: StatedUse, *, demographics: bool = True
    ) -> tuple[Account, UserKey]:
        """Open an account with a key for its root.

        Raises:
            ConflictError: the sector is the operator's own.
            InvalidParameterError: a purpose that opens an exception comes without evidence.
            UnavailableError: it could not be put on record or stored; nothing was opened.
        """
        if profile.sector == OPERATOR_SECTOR:
            raise ConflictError("the sector operator is that of the server's own account")
        _check_evidence(profile, stated)
        with self._states.changing():
            now = self._clock.now_ms()
            draft = Account(
                self._free_id(), AccountKind.CUSTOMER, Status.PENDING, profile, stated, demographics=demographics
            )
            status = self._admission.status(draft)
            made = replace(draft, status=status, created_ts_ms=now, changed_ts_ms=now)
            key = new_key(made.account_id, ROOT, now, self._random)
            self._log.profile(made)
            self._log.state(made, "open", self._directory.open_count() + 1)
            self._directory.change([account_record(made), key_record(key)])
            return made, key

    def update(self, account_id: AccountId, wanted: Update) -> Account:
        """Change what is known or stated about an account; admission is asked again when its profile changes.

        Raises:
            NotFoundError: no such account.
            ConflictError: it is closed.
            InvalidParameterError: a value that cannot be stated.
            UnavailableError: nothing was changed.
        """
        with self._states.changing():
            found = self._directory.account(account_id)
            if found.status is Status.CLOSED:
                raise ConflictError(f"account {account_id} is closed")
            profile = changed(found.organisation, wanted.profile)
            if (profile.sector == OPERATOR_SECTOR) != (found.kind is AccountKind.OPERATOR):
                raise ConflictError("the sector operator is that of the server's own account, and of no other")
            stated = stated_use({**found.stated.members(), **wanted.stated})
            _check_evidence(profile, stated)
            made = replace(
                found,
                organisation=profile,
                stated=stated,
                demographics=found.demographics if wanted.demographics is None else wanted.demographics,
                limits=found.limits if wanted.limits is None else dict(wanted.limits),
                changed_ts_ms=self._clock.now_ms(),
            )
            if profile != found.organisation:
                if found.kind is AccountKind.CUSTOMER:
                    made = replace(made, status=self._admission.status(made))
                self._log.profile(made)
            self._log.state(made, "update", self._directory.open_count(), found)
            self._directory.change([account_record(made)])
            return made

    def move(self, account_id: AccountId, wanted: Status, reason: str = "") -> Account:
        """Bring an account into another state.

        Raises:
            NotFoundError: no such account.
            ConflictError: it cannot come into that state from its own.
            UnavailableError: nothing was changed.
        """
        with self._states.changing():
            found = self._directory.account(account_id)
            require_change(found, wanted)
            if wanted is Status.ACTIVE:
                self._admission.check_start(account_id)
            return self._states.move(account_id, wanted, reason)

    def _free_id(self) -> AccountId:
        while True:
            # Twelve digits; the bias of the remainder is below 2**-80. Zero in front is as good as any.
            made = AccountId(str(int.from_bytes(self._random(16), "big") % 10**12).zfill(12))
            if self._directory.status(made) is None:
                return made


def _check_evidence(profile: OrganisationProfile, stated: StatedUse) -> None:
    """Purposes that lift a prohibition of law enforcement are declared with evidence. Raises InvalidParameterError."""
    if profile.sector != LAW_ENFORCEMENT:
        return
    shown = {each.purpose for each in profile.evidence}
    missing = sorted(({*profile.purposes, stated.purpose} & EXCEPTIONAL) - shown)
    if missing:
        raise InvalidParameterError(
            f"the purpose {missing[0]} opens an exception, so it is declared with evidence: reference, issuer, date"
        )


def keep_operator(directory: AccountDirectory, account_id: AccountId, now_ms: int) -> None:
    """Have the operator's own account in ``directory``. Nothing is recorded: the ledger began with it.

    Raises:
        UnavailableError: it cannot be stored.
    """
    if directory.status(account_id) is None:
        owner = OrganisationProfile("Operator of this server", NO_COUNTRY, OPERATOR_SECTOR)
        made = Account(
            account_id, AccountKind.OPERATOR, Status.ACTIVE, owner, created_ts_ms=now_ms, changed_ts_ms=now_ms
        )
        directory.change([account_record(made)])
