"""What reviews need from outside: a place where they are kept sealed.

A store keeps reviews by account; what it keeps can be read by its owner only, and what it removes is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from custodes.core.ids import AccountId
from custodes.governance.review import Review


class ReviewStore(Protocol):
    """Durable reviews. Methods that change something return once the change would survive a power cut."""

    def put(self, review: Review) -> None:
        """Keep ``review``, replacing one of the same account and id.

        Raises:
            UnavailableError: nothing was changed.
        """
        ...

    def find(self, account_id: AccountId, review_id: str) -> Review | None:
        """The review, or None where the account has none of this id.

        Raises:
            UnavailableError: it cannot be read, or was altered.
        """
        ...

    def listing(self, account_id: AccountId, now_ms: int, after: str | None, limit: int) -> Sequence[Review]:
        """At most ``limit`` reviews that have not expired at ``now_ms``, oldest first, those behind review ``after``.

        Raises:
            UnavailableError: they cannot be read, or one was altered.
        """
        ...

    def remove_expired(self, now_ms: int) -> int:
        """Destroy what has expired at ``now_ms``, of all accounts; returns how many there were.

        Raises:
            UnavailableError: nothing was changed.
        """
        ...
