"""The ReviewStore over the embedded database: one row a review, sealed under the master key and bound to its place.

In: calls of the port. Out: reviews. Only when a review was made and when it expires stands in the clear; what is
removed or replaced is overwritten on disk.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, delete, insert, or_, select
from sqlalchemy.engine import Row

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.governance.review import Review, decoded, encoded
from custodes.storage.files.seal import DamagedError, KeyBox, names_of
from custodes.storage.sql.database import Database
from custodes.storage.sql.schema import REVIEWS

_COLUMNS = REVIEWS.c


class SqlReviewStore:
    """A durable ReviewStore."""

    def __init__(self, database: Database, master: KeyBox) -> None:
        """Keep reviews in ``database``, sealed by ``master``."""
        self._database = database
        self._master = master

    def put(self, review: Review) -> None:
        """See ReviewStore."""
        row = {
            "account_id": review.account_id,
            "review_id": review.review_id,
            "created_ts_ms": review.created_ts_ms,
            "expires_ts_ms": review.expires_ts_ms,
            "sealed": self._master.wrap(encoded(review), _names(review.account_id, review.review_id)),
        }

        def write(connection: Connection) -> None:
            connection.execute(
                delete(REVIEWS).where(_COLUMNS.account_id == review.account_id, _COLUMNS.review_id == review.review_id)
            )
            connection.execute(insert(REVIEWS).values(row))

        self._database.write(write, erases=True)

    def find(self, account_id: AccountId, review_id: str) -> Review | None:
        """See ReviewStore."""
        query = select(REVIEWS).where(_COLUMNS.account_id == account_id, _COLUMNS.review_id == review_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else self._opened(row)

    def listing(self, account_id: AccountId, now_ms: int, after: str | None, limit: int) -> Sequence[Review]:
        """See ReviewStore."""
        query = select(REVIEWS).where(_COLUMNS.account_id == account_id, _COLUMNS.expires_ts_ms > now_ms)
        with self._database.read() as connection:
            if after is not None:
                place = connection.execute(
                    select(_COLUMNS.created_ts_ms).where(_COLUMNS.account_id == account_id, _COLUMNS.review_id == after)
                ).scalar_one_or_none()
                if place is None:
                    return ()
                behind = and_(_COLUMNS.created_ts_ms == place, _COLUMNS.review_id > after)
                query = query.where(or_(_COLUMNS.created_ts_ms > place, behind))
            rows = connection.execute(query.order_by(_COLUMNS.created_ts_ms, _COLUMNS.review_id).limit(limit)).all()
        return tuple(self._opened(row) for row in rows)

    def remove_expired(self, now_ms: int) -> int:
        """See ReviewStore."""
        past = _COLUMNS.expires_ts_ms <= now_ms
        with self._database.read() as connection:
            if connection.execute(select(_COLUMNS.review_id).where(past).limit(1)).one_or_none() is None:
                return 0
        return self._database.write(
            lambda connection: int(connection.execute(delete(REVIEWS).where(past)).rowcount), erases=True
        )

    def _opened(self, row: Row[tuple[str, str, int, int, bytes]]) -> Review:
        try:
            return decoded(self._master.unwrap(row.sealed, _names(row.account_id, row.review_id)))
        except (DamagedError, ValueError, TypeError, KeyError) as error:
            raise UnavailableError(f"the review {row.review_id} is damaged or was altered") from error


def _names(account_id: str, review_id: str) -> bytes:
    return names_of("review", account_id, review_id)
