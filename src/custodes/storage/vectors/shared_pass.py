"""Searches that wait at the same time share one pass over memory.

In: what is asked, from any thread. Out: the hits of exactly that. A lone search runs at once; while a pass is under way
the others gather, and one of them makes the next pass for all. No timer, no extra thread. It knows no vectors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from custodes.gallery.entities import Hit
from custodes.gallery.ports import FloatArray

Hits = tuple[Hit, ...]

MOST = 32
"""Searches of a pass; more take longer than their turn is worth."""


@dataclass(frozen=True, slots=True, eq=False)
class SearchAsked:
    """One search: a query (D,) of unit length, how many hits at most, and the least cosine."""

    query: FloatArray
    limit: int
    min_cosine: float


class _Ticket:
    """One search: whether its pass is over, and its hits, which are missing where the pass ended with an error."""

    __slots__ = ("asked", "hits", "is_over")

    def __init__(self, asked: SearchAsked) -> None:
        self.asked = asked
        self.hits: Hits | None = None
        self.is_over = False


class SharedPass:
    """Gathers concurrent searches."""

    def __init__(self, answers: Callable[[Sequence[SearchAsked]], list[Hits]]) -> None:
        """Wrap ``answers``, which gives the hits of each search."""
        self._answers = answers
        self._turn = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._busy = False

    def __call__(self, asked: SearchAsked) -> Hits:
        """Hits of ``asked``. Raises whatever ``answers`` raises about this search."""
        ticket = _Ticket(asked)
        with self._turn:
            self._waiting.append(ticket)
            self._turn.wait_for(lambda: ticket.is_over or not self._busy)
            shared = [] if ticket.is_over else self._begin(ticket)
        if shared:
            self._run(shared)
        # Somebody else's search may have been the reason for an error: so this one tries alone.
        return self._answers([asked])[0] if ticket.hits is None else ticket.hits

    def _begin(self, ticket: _Ticket) -> list[_Ticket]:
        """Take the turn for ``ticket`` and others that wait; the caller holds the lock."""
        self._busy = True
        self._waiting.remove(ticket)
        shared = [ticket, *self._waiting[: MOST - 1]]
        del self._waiting[: MOST - 1]
        return shared

    def _run(self, shared: list[_Ticket]) -> None:
        try:
            found = self._answers([each.asked for each in shared])
            for ticket, hits in zip(shared, found, strict=True):
                ticket.hits = hits
        finally:
            with self._turn:
                for ticket in shared:
                    ticket.is_over = True
                self._busy = False
                self._turn.notify_all()
