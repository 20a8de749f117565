"""Commands of the operator about accounts: typed, with what carries them out.

In: commands. Out: what to print, as plain JSON values. A secret is in the answer to ``account create`` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import Status, stated_use
from custodes.governance.accounts.organisation import organisation
from custodes.governance.limits import check_limits
from custodes.operations.accounts.accounts import Accounts, Update
from custodes.operations.requests.admin import AdminAnswer, AdminCommand, AdminHandlers
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
class ActivateAccount(OneAccount):
    """Let an account use the service."""

    operation: ClassVar[str] = "account activate"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendAccount(OneAccount):
    """Refuse an account every operation."""

    operation: ClassVar[str] = "account suspend"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAccount(OneAccount):
    """End an account for good."""

    operation: ClassVar[str] = "account close"
    reason: str = ""


def account_handlers(accounts: Accounts) -> AdminHandlers:
    """What carries these commands out on ``accounts``. All raise CustodesError, whose message says why."""

    def create(command: CreateAccount) -> AdminAnswer:
        profile, stated = organisation(command.profile), stated_use(command.stated)
        made, key = accounts.create(profile, stated, demographics=command.demographics)
        return {
            "account_id": made.account_id,
            "status": made.status.value,
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret,
        }

    def update(command: UpdateAccount) -> AdminAnswer:
        limits = None if command.limits is None else _limits(command.limits)
        wanted = Update(command.profile, command.stated, command.demographics, limits)
        return accounts.update(AccountId(command.account), wanted).members()

    def move(wanted: Status, command: ActivateAccount | SuspendAccount | CloseAccount) -> AdminAnswer:
        return accounts.move(AccountId(command.account), wanted, command.reason).members()

    return {
        CreateAccount: create,
        ListAccounts: lambda _: {"accounts": [account.members() for account in accounts.directory.accounts()]},
        ShowAccount: lambda command: accounts.directory.account(AccountId(command.account)).members(),
        UpdateAccount: update,
        ActivateAccount: lambda command: move(Status.ACTIVE, command),
        SuspendAccount: lambda command: move(Status.SUSPENDED, command),
        CloseAccount: lambda command: move(Status.CLOSED, command),
    }


def _limits(limits: Mapping[str, int]) -> Mapping[str, int]:
    if any(number < 0 for number in limits.values()):
        raise InvalidParameterError("limits are whole numbers, 0 or more")
    return check_limits(limits)
