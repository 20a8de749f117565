"""Sessions of face liveness over the embedded database: one row each, sealed under a key of the session's own.

In: calls of the port. Out: sessions. Only ids, state and the time of making stand in the clear. What is removed or
replaced is overwritten on disk, and its key with it.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.sql import ColumnElement

from custodes.core.errors import IdempotencyError, UnavailableError
from custodes.core.ids import AccountId
from custodes.liveness import session as rules
from custodes.liveness.session import LIFETIME_MS, LivenessResult, LivenessSession
from custodes.storage.files.seal import DamagedError, KeyBox, names_of
from custodes.storage.sql.database import Database
from custodes.storage.sql.schema import LIVENESS_SESSIONS

_COLUMN = LIVENESS_SESSIONS.c


class SqlLivenessSessions:
    """A durable ``LivenessSessions``."""

    def __init__(self, database: Database, master: KeyBox) -> None:
        """Keep sessions in ``database``, their keys wrapped by ``master``."""
        self._database = database
        self._master = master

    def add(self, session: LivenessSession) -> LivenessSession:
        """See LivenessSessions."""
        token = session.wishes.token
        row = self._row(session)

        def write(connection: Connection) -> LivenessSession:
            earlier = None if token is None else self._of_token(connection, session)
            if earlier is None:
                connection.execute(insert(LIVENESS_SESSIONS).values(row))
                return session
            if earlier.wishes != session.wishes:
                raise IdempotencyError(f"The ClientRequestToken: {token} you have supplied is already in use.")
            return earlier

        return self._database.write(write)

    def find(self, account_id: AccountId, session_id: str) -> LivenessSession | None:
        """See LivenessSessions."""
        with self._database.read() as connection:
            row = connection.execute(select(LIVENESS_SESSIONS).where(_is(account_id, session_id))).mappings().first()
        return None if row is None else self._session(row)

    def begin(self, account_id: AccountId, session_id: str, now_ms: int) -> LivenessSession | None:
        """See LivenessSessions."""
        return self._change(account_id, session_id, lambda session: rules.begun(session, now_ms))

    def end(self, account_id: AccountId, session_id: str, result: LivenessResult | None, now_ms: int) -> bool:
        """See LivenessSessions."""
        return self._change(account_id, session_id, lambda session: rules.ended(session, result, now_ms)) is not None

    def charge(self, account_id: AccountId, session_id: str) -> bool:
        """See LivenessSessions."""
        return self._change(account_id, session_id, rules.charged) is not None

    def remove_before(self, created_ts_ms: int) -> int:
        """See LivenessSessions."""
        past = _COLUMN.created_ts_ms < created_ts_ms
        with self._database.read() as connection:
            if connection.execute(select(_COLUMN.session_id).where(past).limit(1)).one_or_none() is None:
                return 0
        return self._database.write(
            lambda connection: int(connection.execute(delete(LIVENESS_SESSIONS).where(past)).rowcount), erases=True
        )

    def _change(
        self, account_id: AccountId, session_id: str, change: Callable[[LivenessSession], LivenessSession | None]
    ) -> LivenessSession | None:
        """Replace a session by what ``change`` makes of it; None where there is none or it is left as it is."""
        place = _is(account_id, session_id)

        def write(connection: Connection) -> LivenessSession | None:
            row = connection.execute(select(LIVENESS_SESSIONS).where(place)).mappings().one_or_none()
            after = None if row is None else change(self._session(row))
            if after is not None:
                connection.execute(update(LIVENESS_SESSIONS).where(place).values(self._row(after)))
            return after

        return self._database.write(write, erases=True)

    def _of_token(self, connection: Connection, session: LivenessSession) -> LivenessSession | None:
        mine = (_COLUMN.account_id == session.account_id) & (_COLUMN.token == session.wishes.token)
        recent = _COLUMN.created_ts_ms > session.created_ts_ms - LIFETIME_MS
        query = select(LIVENESS_SESSIONS).where(mine, recent).order_by(_COLUMN.created_ts_ms.desc()).limit(1)
        row = connection.execute(query).mappings().one_or_none()
        return None if row is None else self._session(row)

    def _row(self, session: LivenessSession) -> dict[str, object]:
        names = _names(session.account_id, session.session_id)
        sealed = self._master.seal_bytes(rules.encoded(session), names)
        return {
            "account_id": session.account_id,
            "session_id": session.session_id,
            "token": session.wishes.token,
            "state": session.stored.value,
            "created_ts_ms": session.created_ts_ms,
            "wrapped_key": sealed.wrapped_key,
            "sealed": sealed.sealed,
        }

    def _session(self, row: RowMapping) -> LivenessSession:
        account_id, session_id = AccountId(row["account_id"]), row["session_id"]
        try:
            told = self._master.open(row["wrapped_key"], row["sealed"], _names(account_id, session_id))
            bare = LivenessSession(
                account_id, session_id, row["created_ts_ms"], rules.SessionWishes(token=row["token"])
            )
            return rules.decoded(bare, row["state"], told)
        except (DamagedError, ValueError, TypeError, KeyError) as error:
            raise UnavailableError(f"the liveness session {session_id} is damaged or was altered") from error


def _is(account_id: str, session_id: str) -> ColumnElement[bool]:
    return (_COLUMN.account_id == account_id) & (_COLUMN.session_id == session_id)


def _names(account_id: str, session_id: str) -> bytes:
    return names_of("liveness session", account_id, session_id)
