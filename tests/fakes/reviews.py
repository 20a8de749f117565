"""A ReviewStore in memory: the same promises as the database, none of the durability."""

from __future__ import annotations

from collections.abc import Sequence

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.governance.review import Review


class MemoryReviewStore:
    """Implements ``ReviewStore``; ``broken`` makes changes fail."""

    def __init__(self) -> None:
        self.reviews: dict[tuple[AccountId, str], Review] = {}
        self.broken = False

    def put(self, review: Review) -> None:
        if self.broken:
            raise UnavailableError("the disk is full")
        self.reviews[review.account_id, review.review_id] = review

    def find(self, account_id: AccountId, review_id: str) -> Review | None:
        return self.reviews.get((account_id, review_id))

    def listing(self, account_id: AccountId, now_ms: int, after: str | None, limit: int) -> Sequence[Review]:
        mine = [found for (owner, _), found in self.reviews.items() if owner == account_id]
        mine.sort(key=lambda found: (found.created_ts_ms, found.review_id))
        if after is not None:
            place = [(found.created_ts_ms, found.review_id) for found in mine if found.review_id == after]
            mine = [found for found in mine if place and (found.created_ts_ms, found.review_id) > place[0]]
        return tuple(found for found in mine if found.expires_ts_ms > now_ms)[:limit]

    def remove_expired(self, now_ms: int) -> int:
        gone = [name for name, found in self.reviews.items() if found.expires_ts_ms <= now_ms]
        for name in gone:
            del self.reviews[name]
        return len(gone)
