"""What a customer left open about its owners: none declared, less than half of the shares, a ring with nobody behind.

In: an onboarding graph. Out: gaps, each with its reason; they ask for a person. A front company need not lie: it says
nothing, or that it belongs to itself. Whether who is declared is listed is for ``rule``. Upper ends of ranges count: a
gap is where even those do not make half. A person has no owners, and a firm above the customer of which nothing is
declared is an end, not a gap: see docs/ownership.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custodes.screening.entities import PERSON, UNKNOWN, Edge, Organisation

_HALF = 50.0 - 1e-9
_OWNING = ("shares", "nominee")


@dataclass(frozen=True, slots=True)
class DisclosureGap:
    """Something about owners that was not declared: of which party, and what in words."""

    party: str
    reason: str


def gaps(organisation: Organisation, day: str = "") -> tuple[DisclosureGap, ...]:
    """Say what is left open about the owners of the subject on ``day``; linear in the edges a layer of owners."""
    subject = organisation.subject
    if organisation.parties[subject].kind in (PERSON, UNKNOWN):
        return ()
    into: dict[str, list[Edge]] = defaultdict(list)
    for edge in organisation.edges:
        if edge.holds_on(day) and edge.kind in (*_OWNING, "votes", "control") and edge.holder != edge.asset:
            into[edge.asset].append(edge)
    if not into[subject]:
        return (DisclosureGap(subject, "no owners are declared"),)
    above = _above(subject, into)
    short = [one for one in above if into[one] and not _reaches_half(into[one], set(above) | {subject})]
    if short:
        return tuple(DisclosureGap(one, "less than half of the shares are declared") for one in short)
    if subject not in _with_an_end(above, into):
        return (DisclosureGap(subject, "its owners own each other, and nobody is behind them"),)
    return ()


def _above(subject: str, into: Mapping[str, Sequence[Edge]]) -> list[str]:
    """The subject and everybody who holds something in it, nearest first."""
    found = {subject: None}
    waiting = [subject]
    for one in waiting:
        for edge in into.get(one, ()):
            if edge.holder not in found:
                found[edge.holder] = None
                waiting.append(edge.holder)
    return list(found)


def _with_an_end(above: Sequence[str], into: Mapping[str, Sequence[Edge]]) -> set[str]:
    """Those of whom half leads to somebody without holders; a least fixed point, so that a ring has no end."""
    ended = {one for one in above if not into.get(one)}
    grew = True
    while grew:
        fresh = {one for one in above if one not in ended and _reaches_half(into[one], ended)}
        ended |= fresh
        grew = bool(fresh)
    return ended


def _reaches_half(edges: Sequence[Edge], holders: set[str]) -> bool:
    counted = [edge for edge in edges if edge.holder in holders]
    if any(edge.kind == "control" for edge in counted):
        return True
    return any(sum(edge.high_pct for edge in counted if edge.kind in kinds) >= _HALF for kinds in (_OWNING, ("votes",)))
