"""Who is signed in. In: an access key that was shown to be somebody's. Out: a secret for a cookie, and back.

Sessions are in memory only: a restart signs everybody out, and no secret is on disk. What a session may do is not kept
here: its key is looked up at every request, so a disabled key or a closed account ends it at once. A session is known
by the SHA-256 of its secret; the secret itself is with the browser only.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from custodes.console.ports import SessionLimits
from custodes.core.clock import Clock

SECRET_BYTES = 32
MAX_SESSIONS = 10_000
"""More than these push out the one that was idle longest."""


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in.

    Attributes:
        access_key_id: whose rights it has.
        session_token: of temporary credentials.
        csrf: what every form has to bring back.
        begun_ts_ms: when it was opened.
        seen_ts_ms: when its last request came.
        administers: whether it was opened on the machine of the server, by its operator: only then are commands of the
            operator carried out. A key alone, which may be stolen from elsewhere, is not enough.
        language: chosen by its reader; empty for what the browser asks for.
        theme: ``light``, ``dark``, or empty for what the system says.
    """

    access_key_id: str
    session_token: str | None = field(repr=False)
    csrf: str = field(repr=False)
    begun_ts_ms: int
    seen_ts_ms: int
    administers: bool
    language: str = ""
    theme: str = ""


class Sessions:
    """All sessions. Any thread."""

    def __init__(self, clock: Clock, random: Callable[[int], bytes], limits: SessionLimits) -> None:
        """None yet."""
        self._clock = clock
        self._random = random
        self._limits = limits
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}

    def begin(self, access_key_id: str, session_token: str | None = None, *, administers: bool = False) -> str:
        """Open a session; returns the secret for its cookie. It is always a new one, whatever the browser had."""
        secret, csrf = self._random(SECRET_BYTES).hex(), self._random(SECRET_BYTES).hex()
        now = self._clock.now_ms()
        with self._lock:
            self._forget(now)
            while len(self._open) >= MAX_SESSIONS:
                del self._open[min(self._open, key=lambda name: self._open[name].seen_ts_ms)]
            self._open[_name(secret)] = Session(access_key_id, session_token, csrf, now, now, administers)
        return secret

    def find(self, secret: str) -> Session | None:
        """The session of a cookie, which counts as used now; None when there is none or its time is over."""
        now, name = self._clock.now_ms(), _name(secret)
        with self._lock:
            session = self._open.get(name)
            if session is None:
                return None
            if self._is_over(session, now):
                del self._open[name]
                return None
            self._open[name] = session = replace(session, seen_ts_ms=now)
            return session

    def prefer(self, secret: str, *, language: str, theme: str) -> None:
        """Keep how a reader wants pages to look."""
        name = _name(secret)
        with self._lock:
            if name in self._open:
                self._open[name] = replace(self._open[name], language=language, theme=theme)

    def end(self, secret: str) -> None:
        """Sign out."""
        with self._lock:
            self._open.pop(_name(secret), None)

    def _is_over(self, session: Session, now: int) -> bool:
        idle = now - session.seen_ts_ms >= self._limits.idle_ms
        return idle or now - session.begun_ts_ms >= self._limits.absolute_ms

    def _forget(self, now: int) -> None:
        for name in [name for name, session in self._open.items() if self._is_over(session, now)]:
            del self._open[name]


def _name(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
