"""LivenessSessions in memory: the promises of the database, none of the durability."""

from __future__ import annotations

import threading
from collections.abc import Callable

from custodes.core.errors import IdempotencyError
from custodes.core.ids import AccountId
from custodes.liveness import session as rules
from custodes.liveness.session import LIFETIME_MS, LivenessResult, LivenessSession


class MemorySessions:
    """Implements ``LivenessSessions``."""

    def __init__(self) -> None:
        self._kept: dict[tuple[AccountId, str], LivenessSession] = {}
        self._lock = threading.Lock()

    def add(self, session: LivenessSession) -> LivenessSession:
        with self._lock:
            for earlier in self._kept.values():
                same = earlier.account_id == session.account_id and earlier.wishes.token == session.wishes.token
                if session.wishes.token and same and earlier.created_ts_ms > session.created_ts_ms - LIFETIME_MS:
                    if earlier.wishes != session.wishes:
                        raise IdempotencyError("used before")
                    return earlier
            self._kept[session.account_id, session.session_id] = session
            return session

    def find(self, account_id: AccountId, session_id: str) -> LivenessSession | None:
        return self._kept.get((account_id, session_id))

    def begin(self, account_id: AccountId, session_id: str, now_ms: int) -> LivenessSession | None:
        return self._change(account_id, session_id, lambda session: rules.begun(session, now_ms))

    def end(self, account_id: AccountId, session_id: str, result: LivenessResult | None, now_ms: int) -> bool:
        return self._change(account_id, session_id, lambda session: rules.ended(session, result, now_ms)) is not None

    def charge(self, account_id: AccountId, session_id: str) -> bool:
        return self._change(account_id, session_id, rules.charged) is not None

    def remove_before(self, created_ts_ms: int) -> int:
        gone = [name for name, one in self._kept.items() if one.created_ts_ms < created_ts_ms]
        for name in gone:
            del self._kept[name]
        return len(gone)

    def _change(
        self, account_id: AccountId, session_id: str, change: Callable[[LivenessSession], LivenessSession | None]
    ) -> LivenessSession | None:
        with self._lock:
            session = self._kept.get((account_id, session_id))
            after = None if session is None else change(session)
            if after is not None:
                self._kept[account_id, session_id] = after
            return after
