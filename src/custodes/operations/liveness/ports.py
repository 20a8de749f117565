"""What face liveness needs from outside: places for sessions and for videos that are looked at, and buckets.

Stores promise that a method which changes something returns once the change would survive a power cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from custodes.core.ids import AccountId
from custodes.liveness.session import LivenessResult, LivenessSession


class LivenessSessions(Protocol):
    """Sessions by account, sealed. All methods raise UnavailableError when the store cannot be read or written."""

    def add(self, session: LivenessSession) -> LivenessSession:
        """Keep a new session, or give the one that the same token of the account made within its lifetime.

        Raises:
            IdempotencyError: that one was asked for with other wishes.
        """
        ...

    def find(self, account_id: AccountId, session_id: str) -> LivenessSession | None:
        """The session as it was last written; None where the account has none of this id."""
        ...

    def begin(self, account_id: AccountId, session_id: str, now_ms: int) -> LivenessSession | None:
        """The session, now in progress; None unless it waited to begin. Of two callers one gets None."""
        ...

    def end(self, account_id: AccountId, session_id: str, result: LivenessResult | None, now_ms: int) -> bool:
        """Keep how it ended; False unless it was in progress."""
        ...

    def charge(self, account_id: AccountId, session_id: str) -> bool:
        """Note that the session is paid for; True for the first who does, and only where it has a result."""
        ...

    def remove_before(self, created_ts_ms: int) -> int:
        """Destroy sessions made before then, of all accounts, pictures and all; returns how many there were."""
        ...


class VideoSpool(Protocol):
    """A video as a path that only this user can read, gone when the block is left."""

    def holding(self, session_id: str, video: bytes) -> AbstractContextManager[Path]:
        """A file of all of it. Raises UnavailableError when it cannot be written."""
        ...

    def piping(self, session_id: str, pieces: Iterable[bytes]) -> AbstractContextManager[Path]:
        """What can be read once, from front to back, while pieces come. Nothing of it is written to a disk.

        Raises:
            UnavailableError: there is no such thing here.
        """
        ...
