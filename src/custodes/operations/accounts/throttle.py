"""Who may send more requests now: asked after a caller is known and before any work is done for it.

In: an account and an operation. Out: nothing, or the error that tells the caller to slow down, which clients of AWS
wait for and try again. A refusal here is counted by the edge and is no ledger entry: nothing was decided and nothing
done, and a flood must not be able to fill the ledger. Lasting limits on stored things are the gallery's.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from custodes.core.errors import RateExceededError, ThrottledError
from custodes.core.ids import AccountId
from custodes.gallery.entities import Quotas
from custodes.governance.bucket import Buckets
from custodes.governance.limits import AccountLimits, pace

Overrides = Callable[[AccountId], Mapping[str, int]]
"""What is set for an account; answers from memory and raises nothing."""


def no_overrides(_: AccountId) -> Mapping[str, int]:
    """For a server where all accounts have the same limits."""
    return {}


class AccountQuotas:
    """Lasting limits of each account's gallery."""

    def __init__(self, limits: AccountLimits, overrides: Overrides) -> None:
        """As for ``Throttle``."""
        self._limits = limits
        self._overrides = overrides

    def __call__(self, account_id: AccountId) -> Quotas:
        """Those of ``account_id``."""
        limits = self._limits.overridden(self._overrides(account_id))
        return Quotas(
            collections=limits.collections,
            faces_per_collection=limits.faces_per_collection,
            users_per_collection=limits.users_per_collection,
        )


class Throttle:
    """Rates and requests at a time, by account."""

    def __init__(self, limits: AccountLimits, overrides: Overrides, now_s: Callable[[], float]) -> None:
        """Apply ``limits`` with the ``overrides`` of each account; ``now_s`` is a clock that never runs backwards."""
        self._limits = limits
        self._overrides = overrides
        self._now_s = now_s
        self._buckets = Buckets()
        self._held: Counter[AccountId] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def passing(self, account_id: AccountId, operation: str) -> Iterator[None]:
        """Hold one request of ``account_id`` while the block runs.

        Raises:
            RateExceededError: too many of this operation lately.
            ThrottledError: too many at the same time.
        """
        overrides = self._overrides(account_id)
        limits = self._limits.overridden(overrides)
        with self._lock:
            if self._held[account_id] >= limits.in_flight:
                raise ThrottledError("Slow down; sudden increase in rate of requests.")
            self._held[account_id] += 1
        try:
            if not self._buckets.take((account_id, operation), pace(limits, overrides, operation), self._now_s()):
                raise RateExceededError("Provisioned Rate exceeded.")
            yield
        finally:
            with self._lock:
                self._held[account_id] -= 1
                if not self._held[account_id]:
                    del self._held[account_id]
