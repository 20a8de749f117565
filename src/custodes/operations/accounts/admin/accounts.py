"""Commands of the operator about accounts: typed, with what carries them out.

In: commands. Out: typed results. A secret is in the answer to ``account create`` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import Account, AccountKind, StatedUse, Status, stated_use
from custodes.governance.accounts.organisation import organisation
from custodes.governance.limits import check_limits
from custodes.operations.accounts.accounts import Accounts, Update
from custodes.operations.requests.admin import AdminCommand, AdminHandlers
from custodes.operations.requests.properties import READS, Properties


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAccount(AdminCommand):
    """Open an account for the organisation of ``profile``, with what it states about its use."""

    operation: ClassVar[str] = "account create"
    profile: Mapping[str, object] = field(default_factory=dict)
    stated: Mapping[str, object] = field(default_factory=dict)
    demographics: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccounts(AdminCommand):
    """All accounts, the operator's among them."""

    operation: ClassVar[str] = "account list"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class OneAccount(AdminCommand):
    """A command about one account."""

    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAccount(OneAccount):
    """What is known about an account."""

    operation: ClassVar[str] = "account show"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAccount(OneAccount):
    """Change what is known, stated or allowed; what is left out stays. ``limits`` replace all that are there."""

    operation: ClassVar[str] = "account update"
    profile: Mapping[str, object] = field(default_factory=dict)
    stated: Mapping[str, object] = field(default_factory=dict)
    demographics: bool | None = None
    limits: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStatus(OneAccount):
    """A command that moves an account into another state."""

    reason: str = ""


class ActivateAccount(ChangeStatus):
    """Let an account use the service."""

    operation: ClassVar[str] = "account activate"


class SuspendAccount(ChangeStatus):
    """Refuse an account every operation."""

    operation: ClassVar[str] = "account suspend"


class CloseAccount(ChangeStatus):
    """End an account for good."""

    operation: ClassVar[str] = "account close"


@dataclass(frozen=True, slots=True)
class AccountCreated:
    """A new account with the key of its root, whose secret is shown once."""

    account_id: str
    status: Status
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What is known about an account; members as those of ``Account``."""

    account_id: str
    kind: AccountKind
    status: Status
    organisation: Mapping[str, object]
    stated: StatedUse
    demographics: bool
    limits: Mapping[str, int]
    reason: str
    created_ts_ms: int
    changed_ts_ms: int


@dataclass(frozen=True, slots=True)
class AccountList:
    """All accounts."""

    accounts: tuple[AccountFacts, ...]


def account_handlers(accounts: Accounts) -> AdminHandlers:
    """What carries these commands out on ``accounts``. All raise CustodesError, whose message says why."""

    def create(command: CreateAccount) -> AccountCreated:
        profile, stated = organisation(command.profile), stated_use(command.stated)
        made, key = accounts.create(profile, stated, demographics=command.demographics)
        return AccountCreated(made.account_id, made.status, key.access_key_id, key.secret)

    def update(command: UpdateAccount) -> AccountFacts:
        limits = None if command.limits is None else _limits(command.limits)
        wanted = Update(command.profile, command.stated, command.demographics, limits)
        return _facts(accounts.update(AccountId(command.account), wanted))

    def move(wanted: Status, command: ChangeStatus) -> AccountFacts:
        return _facts(accounts.move(AccountId(command.account), wanted, command.reason))

    return {
        CreateAccount: create,
        ListAccounts: lambda _: AccountList(tuple(_facts(account) for account in accounts.directory.accounts())),
        ShowAccount: lambda command: _facts(accounts.directory.account(AccountId(command.account))),
        UpdateAccount: update,
        ActivateAccount: lambda command: move(Status.ACTIVE, command),
        SuspendAccount: lambda command: move(Status.SUSPENDED, command),
        CloseAccount: lambda command: move(Status.CLOSED, command),
    }


def _facts(account: Account) -> AccountFacts:
    return AccountFacts(
        account_id=account.account_id,
        kind=account.kind,
        status=account.status,
        organisation=account.organisation.members(),
        stated=account.stated,
        demographics=account.demographics,
        limits=account.limits,
        reason=account.reason,
        created_ts_ms=account.created_ts_ms,
        changed_ts_ms=account.changed_ts_ms,
    )


def _limits(limits: Mapping[str, int]) -> Mapping[str, int]:
    if any(number < 0 for number in limits.values()):
        raise InvalidParameterError("limits are whole numbers, 0 or more")
    return check_limits(limits)
