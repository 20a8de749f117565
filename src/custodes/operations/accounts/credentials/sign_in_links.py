"""Links that sign the operator in to the console: given out on this machine, good once and for minutes.

In: a command on the administrative socket, or from this process. Out: a secret, and whether one that comes back is
good. Only digests are kept, in memory.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from custodes.core.clock import Clock
from custodes.operations.requests.admin import AdminCommand, AdminHandlers

GOOD_FOR_MS = 5 * 60_000
_SECRET_BYTES = 32
_MAX_OPEN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenConsole(AdminCommand):
    """A link that signs the operator in."""

    operation: ClassVar[str] = "console link"


@dataclass(frozen=True, slots=True)
class SignInLink:
    """Where it leads, and until when (ms since the epoch)."""

    path: str = field(repr=False)
    expires_ts_ms: int


class SignInLinks:
    """Links that were given out and not used yet. Any thread."""

    def __init__(self, clock: Clock, random: Callable[[int], bytes]) -> None:
        """None yet."""
        self._clock = clock
        self._random = random
        self._lock = threading.Lock()
        self._good_until: dict[str, int] = {}

    def give_out(self) -> tuple[str, int]:
        """A secret, and until when it is good (ms since the epoch). The oldest of too many is good no longer."""
        secret, until = self._random(_SECRET_BYTES).hex(), self._clock.now_ms() + GOOD_FOR_MS
        with self._lock:
            self._good_until[_digest(secret)] = until
            while len(self._good_until) > _MAX_OPEN:
                del self._good_until[next(iter(self._good_until))]
        return secret, until

    def take(self, secret: str) -> bool:
        """Whether ``secret`` is good; it is not again."""
        with self._lock:
            until = self._good_until.pop(_digest(secret), None)
        return until is not None and self._clock.now_ms() < until

    def handlers(self) -> AdminHandlers:
        """What carries the command out."""

        def give(_: OpenConsole) -> SignInLink:
            secret, until = self.give_out()
            return SignInLink(f"/console/enter?link={secret}", until)

        return {OpenConsole: give}


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
