"""Accounts as the provider's rules see them: sector, country, state, and what is stated about their use.

In: the directory of accounts, in memory. Out: profiles, one kept per account until the account changes.
"""

from __future__ import annotations

from custodes.core.errors import NotFoundError
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import Account
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.policy.facts import Profile


class AccountProfiles:
    """Looks profiles up."""

    def __init__(self, accounts: AccountDirectory) -> None:
        """Read ``accounts``."""
        self._accounts = accounts
        self._kept: dict[AccountId, tuple[Account, Profile]] = {}

    def of(self, account_id: AccountId) -> Profile | None:
        """The profile of an account as it is now; None when there is none."""
        try:
            account = self._accounts.account(account_id)
        except NotFoundError:
            return None
        kept = self._kept.get(account_id)
        if kept is None or kept[0] is not account:
            kept = self._kept[account_id] = (account, _profile(account))
        return kept[1]


def _profile(account: Account) -> Profile:
    profile = account.organisation
    facts = {"sector": profile.sector, "country": profile.country, "status": account.status.value}
    return Profile(
        {**facts, **account.stated.members()}, frozenset(profile.purposes), demographics=account.demographics
    )
