"""New access keys. In: whose, when, randomness. Out: a key whose id and secret nobody can guess."""

from __future__ import annotations

import base64
from collections.abc import Callable

from custodes.core.ids import AccountId
from custodes.governance.accounts.identities import UserKey

KEY_PREFIX = "AKCU"
"""Not AKIA: that prefix is Amazon's, and scanners for leaked keys would take ours for theirs."""


def key_id(prefix: str, random: Callable[[int], bytes]) -> str:
    """``prefix`` and 16 letters and digits that carry 80 random bits."""
    return prefix + base64.b32encode(random(10)).decode("ascii")


def new_secret(random: Callable[[int], bytes]) -> str:
    """40 characters that carry 240 random bits."""
    return base64.b64encode(random(30)).decode("ascii")


def new_key(account_id: AccountId, user_name: str, now_ms: int, random: Callable[[int], bytes]) -> UserKey:
    """A fresh key of a user."""
    return UserKey(account_id, key_id(KEY_PREFIX, random), new_secret(random), user_name, True, now_ms)
