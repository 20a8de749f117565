"""Lists that come whole, shown in stretches. In: rows that have a name. Out: some of them, and where to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import nsmallest
from typing import TypeVar

ROWS = 100
T = TypeVar("T")


def stretch(rows: Iterable[T], name: Callable[[T], str], after: str, limit: int = ROWS) -> tuple[list[T], str | None]:
    """The first ``limit`` rows behind the name ``after``, by name, and the name to go on from; None at the end."""
    found = nsmallest(limit + 1, (row for row in rows if name(row) > after), key=name)
    return found[:limit], name(found[limit - 1]) if len(found) > limit else None
