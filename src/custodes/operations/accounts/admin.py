"""What commands ask about accounts, as JSON in and JSON out, whether the server runs or not.

In: an order's members, with ``act`` for what to do. Out: what to print. Secrets are in the answer to ``create`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import Account, Status, stated_use
from custodes.governance.accounts.organisation import organisation
from custodes.governance.limits import check_limits
from custodes.operations.accounts.accounts import Accounts, Update
from custodes.operations.accounts.identity_admin import IdentityOrders

ORDER = "accounts"
"""The ``do`` of these orders."""

Answer = dict[str, object]
Members = Mapping[str, object]


class AccountOrders:
    """Carries them out."""

    def __init__(self, accounts: Accounts, identities: IdentityOrders) -> None:
        """Work on ``accounts``; pass what is about users, roles, keys and documents to ``identities``."""
        self._accounts = accounts
        self._acts: Mapping[str, Callable[[Members], Answer]] = {
            "create": self._create,
            "list": self._list,
            "show": self._show,
            "update": self._update,
            "activate": lambda members: self._move(members, Status.ACTIVE),
            "suspend": lambda members: self._move(members, Status.SUSPENDED),
            "close": lambda members: self._move(members, Status.CLOSED),
            **identities.acts,
        }

    def carry_out(self, members: Members) -> Answer:
        """Do one order.

        Raises:
            CustodesError: it cannot be done; the message says why.
        """
        act = self._acts.get(str(members.get("act")))
        if act is None:
            raise InvalidParameterError(f"accounts cannot {members.get('act')!r}")
        return act(members)

    def _create(self, members: Members) -> Answer:
        made, key = self._accounts.create(
            organisation(_object(members, "profile")),
            stated_use(_object(members, "stated")),
            demographics=members.get("demographics") is not False,
        )
        return {
            "account_id": made.account_id,
            "status": made.status.value,
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret,
        }

    def _list(self, _: Members) -> Answer:
        return {"accounts": [_shown(account) for account in self._accounts.directory.accounts()]}

    def _show(self, members: Members) -> Answer:
        return _shown(self._accounts.directory.account(account_of(members)))

    def _update(self, members: Members) -> Answer:
        demographics, limits = members.get("demographics"), members.get("limits")
        update = Update(
            _object(members, "profile"),
            _object(members, "stated"),
            demographics if isinstance(demographics, bool) else None,
            None if limits is None else _limits(limits),
        )
        return _shown(self._accounts.update(account_of(members), update))

    def _move(self, members: Members, wanted: Status) -> Answer:
        return _shown(self._accounts.move(account_of(members), wanted, str(members.get("reason") or "")))


def account_of(members: Members) -> AccountId:
    """The account that an order is about."""
    return AccountId(str(members.get("account", "")))


def _shown(account: Account) -> Answer:
    return account.members()


def _object(members: Members, name: str) -> Mapping[str, object]:
    value = members.get(name) or {}
    if not isinstance(value, dict):
        raise InvalidParameterError(f"{name} is an object")
    return value


def _limits(value: object) -> Mapping[str, int]:
    if not isinstance(value, dict) or not all(type(number) is int and number >= 0 for number in value.values()):
        raise InvalidParameterError("limits are an object from name to a whole number")
    return check_limits(value)
