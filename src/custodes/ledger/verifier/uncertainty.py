"""What makes a sound statement uncertain: times written by a clock that was wrong, and details that are gone.

In: entries shown with a statement. Out: stretches of time in which the log's times do not say when something happened,
and the uses whose private bodies were destroyed by an entry of the log. Whether they matter, ``verdict`` decides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from custodes.ledger.tlog.commitment import BodyError, check_opening
from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, MapHead, account_name, parse_head
from custodes.ledger.verifier.maps.proof import MapError

CLOCK = "clock"
SLACK_MS = 60_000
"""Clocks of honest machines differ by less."""


@dataclass(frozen=True, slots=True)
class UncertainStretch:
    """Times from ``begin`` to ``end`` (ms, both included) say only that something happened within them."""

    begin: int
    end: int

    def holds(self, t: int) -> bool:
        """Whether ``t`` is one of them."""
        return self.begin <= t <= self.end

    def meets(self, begin: int | None, end: int | None) -> bool:
        """Whether a period, from ``begin`` up to but not including ``end``, has a part in common with it."""
        return (begin is None or begin <= self.end) and (end is None or self.begin < end)


@dataclass(frozen=True, slots=True)
class ShownDestruction:
    """A ``del`` entry with its private body, and the head that counted the uses before."""

    entry: PlacedEntry
    salt: bytes
    body: bytes
    head: PlacedEntry


def wrong_clock(shown: Sequence[PlacedEntry], head: MapHead) -> tuple[UncertainStretch, ...]:
    """The stretches that the clock entries among the first ``head.size`` of the log mark; all of them are shown.

    Raises:
        MapError: they are not as many as the head says, or are something else.
    """
    if len(shown) != head.clock_entries or any(a.index >= b.index for a, b in pairwise(shown)):
        raise MapError("the statement does not show every entry that says the clock was wrong")
    found = []
    for placed in shown:
        stretch = stretch_of(decode(placed.envelope))
        if placed.index >= head.size or stretch is None:
            raise MapError("an entry that says nothing of the clock is shown as one that does")
        found.append(stretch)
    return tuple(found)


def stretch_of(entry: Entry) -> UncertainStretch | None:
    """The stretch that an entry marks; None for one that says nothing of the clock."""
    if entry.kind != "inc" or not str(entry.fields.get("x")).startswith(CLOCK):
        return None
    length = entry.fields.get("n")
    reach = length if isinstance(length, int) else entry.t
    return UncertainStretch(entry.t - reach, entry.t + reach)


def destroyed(shown: Sequence[ShownDestruction], identifier: str) -> frozenset[int]:
    """Indexes of the uses of ``identifier`` whose bodies were destroyed as the log says.

    Raises:
        BodyError: a body is not the one that was committed to, or names somebody else.
        MapError: an entry is no destruction, or came before a head that counts the uses.
    """
    found: set[int] = set()
    for one in shown:
        entry, head = decode(one.entry.envelope), parse_head(decode(one.head.envelope))
        if entry.kind != "del" or entry.commitment is None or entry.fields.get("m") != one.head.index:
            raise MapError("an entry that destroys nothing is shown as one that does")
        check_opening(entry.commitment, one.salt, one.body)
        facts = json.loads(one.body)
        if not isinstance(facts, dict) or identifier != account_name(str(facts.get("acct"))):
            raise BodyError("a destruction that is shown here was of somebody else's entries")
        indexes = facts.get("entries")
        if not isinstance(indexes, list) or len(indexes) != entry.fields.get("n"):
            raise MapError("a destruction names another number of entries than it says")
        if head.name != ACCOUNT_MAP or not one.head.index < one.entry.index:
            raise MapError("private bodies were destroyed before a head counted their uses")
        found |= {index for index in indexes if isinstance(index, int) and index < head.size}
    return frozenset(found)
