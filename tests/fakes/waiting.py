"""Waiting for what happens beside a test: ended jobs, emptied logs, schedules.

In: a check. Out: its first true value. The limit is far beyond what anything takes on a machine that does nothing else,
since tests run beside others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

LIMIT_S = 90.0
PAUSE_S = 0.05

Found = TypeVar("Found")


def eventually(check: Callable[[], Found], seconds: float = LIMIT_S) -> Found:
    """The first true value of ``check``; fails when there was none in ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        time.sleep(PAUSE_S)
    return found
