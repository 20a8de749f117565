"""Under whose claim a piece of work is recorded, where several may take the same work up one after the other.

In: a claim, for as long as a thread works under it. Out: the claim of whoever adds an entry. It decides nothing: that
the claim is still the newest one is asked where the entry gets its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkClaim:
    """The right to work on one job; ``fence`` rises with each claim."""

    account_id: str
    job_id: str
    fence: int


_PRESENT: ContextVar[WorkClaim | None] = ContextVar("work claim", default=None)


@contextmanager
def under_claim(claim: WorkClaim) -> Iterator[None]:
    """Entries that this thread adds within the block are of the log only while ``claim`` is the newest one."""
    token = _PRESENT.set(claim)
    try:
        yield
    finally:
        _PRESENT.reset(token)


def present_claim() -> WorkClaim | None:
    """What this thread works under; None outside of jobs."""
    return _PRESENT.get()
