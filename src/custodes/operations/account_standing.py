"""Whether an account may be used at all, asked before any other rule.

In: an intent, the directory. Out: a refusal for accounts that are not active, else what the rules behind it say. It
also notes when a key was last used, because here the caller is known to be authentic.
"""

from __future__ import annotations

from custodes.governance.accounts.account import Status
from custodes.operations.account_directory import AccountDirectory
from custodes.operations.gate import Decision, Deny, Intent, Policy

RULE = "baseline.active"
"""The id that the provider's rules have for the same refusal."""


class AccountStanding:
    """A policy in front of another."""

    def __init__(self, directory: AccountDirectory, rules: Policy) -> None:
        """Ask ``rules`` about callers whose account in ``directory`` is active."""
        self._directory = directory
        self._rules = rules

    def decide(self, intent: Intent) -> Decision:
        """Refuse callers of accounts that are not active."""
        caller = intent.context.caller
        self._directory.saw(caller.access_key_id, intent.context.ts_ms)
        if self._directory.status(caller.account_id) is not Status.ACTIVE:
            return Deny(f"the account is not active (rule {RULE})", RULE)
        return self._rules.decide(intent)
