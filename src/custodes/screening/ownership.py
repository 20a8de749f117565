"""Who is blocked through what is owned: the rules of OFAC, the EU and the UK over one graph.

In: edges and the designated parties. Out: for each regime the parties caught, with the edges that caught them. Ranges
of shares give two answers: certain on the lower ends, possible on the upper. Loops and chains are a least fixed point:
nobody is blocked but by way of a designated party. A share passes on whole through whoever is blocked; shares are not
multiplied. It knows no names.

Source: OFAC FAQ 398 and 401 (50 percent or more, aggregated, no control); EU Best Practices of 3 July 2024 (50 percent
or more, aggregated, or control); UK SAMLA regulations, reg. 7 and schedule 1 (more than 50 percent of shares or votes,
one holder or a joint arrangement, a nominee's rights are those of the one behind, or control).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from custodes.screening.entities import Edge, OwnershipPath


@dataclass(frozen=True, slots=True)
class Regime:
    """One authority's rule.

    Attributes:
        inclusive: exactly half of the shares is enough.
        aggregated: shares of several blocked holders add up.
        control: control without shares counts, and with it a majority of votes.
    """

    name: str
    inclusive: bool
    aggregated: bool
    control: bool


REGIMES = (
    Regime("OFAC", inclusive=True, aggregated=True, control=False),
    Regime("EU", inclusive=True, aggregated=True, control=True),
    Regime("UK", inclusive=False, aggregated=False, control=True),
)
# Edges that make somebody's money or use ours to deal with, whoever owns the customer itself.
_DEALINGS: Mapping[str, str] = {
    "payer": "paid for by a blocked party",
    "end_customer": "the service is passed on to a blocked party",
}
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Holdings:
    """Edges, arranged for following. Made once, used for every regime."""

    by_holder: Mapping[str, Sequence[Edge]]
    joint: Mapping[tuple[str, str, str], Sequence[Edge]]
    nameless: Sequence[Edge]

    @classmethod
    def of(cls, edges: Iterable[Edge]) -> Holdings:
        """Arrange ``edges``, which are those of the day in question."""
        by_holder: dict[str, list[Edge]] = defaultdict(list)
        joint: dict[tuple[str, str, str], list[Edge]] = defaultdict(list)
        nameless = []
        for edge in edges:
            by_holder[edge.holder].append(edge)
            if edge.acting_together:
                joint[edge.asset, edge.kind, edge.acting_together].append(edge)
            if edge.kind == "nominee" and not edge.held_for:
                nameless.append(edge)
        return cls(by_holder, joint, nameless)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Everybody caught under one regime: for each party the rule in words and the edges it stands on."""

    regime: Regime
    certain: bool
    because: Mapping[str, tuple[str, tuple[Edge, ...]]]


@dataclass(slots=True)
class _Sum:
    """Shares of one asset that count together."""

    share: float = 0.0
    above: bool = False
    edges: dict[Edge, None] = field(default_factory=dict)

    def add(self, edges: Iterable[Edge], *, certain: bool) -> None:
        for edge in edges:
            if edge not in self.edges:
                self.edges[edge] = None
                self.share += edge.low_pct if certain else edge.high_pct
                self.above = self.above or (certain and edge.more_than)

    def reaches_half(self, *, inclusive: bool) -> bool:
        """Half is enough where ``inclusive``; else more is needed, which "more than" half already is."""
        if self.above or inclusive:
            return self.share >= 50 - _ROUNDING
        return self.share > 50 + _ROUNDING


class _Pass:
    """One least fixed point: one regime, on one end of all ranges."""

    def __init__(self, holdings: Holdings, regime: Regime, *, certain: bool) -> None:
        self._holdings = holdings
        self._regime = regime
        self._certain = certain
        self._sums: dict[tuple[str, str, str], _Sum] = defaultdict(_Sum)
        self.because: dict[str, tuple[str, tuple[Edge, ...]]] = {}

    def run(self, seeds: Iterable[str], words: str, nameless: Iterable[Edge] = ()) -> None:
        """Catch ``seeds``, and everybody whom they or the ``nameless`` nominees lead to."""
        waiting: deque[str] = deque()
        for seed in seeds:
            if seed not in self.because:
                self.because[seed] = (words, ())
                waiting.append(seed)
        self._take(nameless, waiting)
        while waiting:
            self._take(self._holdings.by_holder.get(waiting.popleft(), ()), waiting)

    def _take(self, edges: Iterable[Edge], waiting: deque[str]) -> None:
        for edge in edges:
            reason = None if edge.asset in self.because else self._reason(edge)
            if reason:
                self.because[edge.asset] = reason
                waiting.append(edge.asset)

    def _reason(self, edge: Edge) -> tuple[str, tuple[Edge, ...]] | None:
        """Say why ``edge`` tips its asset, or None; remembers it among the holdings gathered so far."""
        kind, control = edge.kind, self._regime.control
        if kind == "control":
            return ("controlled by a blocked party", (edge,)) if control else None
        if kind in ("director", "influence"):
            words = f"a blocked party as {kind} may control it"
            return (words, (edge,)) if control and not self._certain else None
        if kind == "votes":
            return self._tipped(edge, "votes", inclusive=False) if control else None
        if kind in ("shares", "nominee"):
            return self._tipped(edge, "shares", inclusive=self._regime.inclusive)
        return None

    def _tipped(self, edge: Edge, what: str, *, inclusive: bool) -> tuple[str, tuple[Edge, ...]] | None:
        if edge.indirect and self._certain:
            # What is held through others may be in the graph a second time, as theirs: the two never add up for sure.
            what = f"indirect {what}"
        group = "" if self._regime.aggregated else edge.holder
        together: Sequence[Edge] = (edge,)
        if edge.acting_together and not self._regime.aggregated:
            # Whoever is party to a joint arrangement is treated as holding what all of its members hold.
            group = f"joint {edge.acting_together}"
            together = self._holdings.joint[edge.asset, edge.kind, edge.acting_together]
        total = self._sums[edge.asset, what, group]
        total.add(together, certain=self._certain)
        if not total.reaches_half(inclusive=inclusive):
            return None
        bound = "at least 50 %" if inclusive else "more than 50 %"
        more = "more than " if total.above else ""
        who = "a joint arrangement with a blocked party" if group.startswith("joint ") else "blocked parties"
        return f"{more}{total.share:g} % of {what} held by {who}, {bound}", tuple(total.edges)


def blocked(
    holdings: Holdings, designated: Iterable[str], regime: Regime, *, certain: bool = True, unknown: Iterable[str] = ()
) -> Blocked:
    """Follow holdings from the designated parties until nobody new is caught; linear in the number of edges.

    Args:
        holdings: as of the day in question.
        designated: ids of listed parties.
        regime: whose rule.
        certain: count the lower ends of ranges; else the upper, and whoever ``unknown`` parties and nominees without a
            named principal may stand for.
        unknown: parties of whom only that is known, that they exist; left out of certain answers.
    """
    run = _Pass(holdings, regime, certain=certain)
    run.run(designated, "designated")
    if not certain:
        run.run(unknown, "nobody knows who this is", holdings.nameless)
    return Blocked(regime, certain, run.because)


def path(found: Blocked, party: str) -> OwnershipPath | None:
    """Return the chain that caught ``party``: every edge back to designated parties, nearest them first."""
    if party not in found.because:
        return None
    return _path(found, party, *found.because[party])


def _path(found: Blocked, party: str, rule: str, last: Sequence[Edge]) -> OwnershipPath:
    steps: dict[Edge, None] = dict.fromkeys(last)
    seen = {party}
    waiting = deque(edge.holder for edge in last)
    while waiting:
        one = waiting.popleft()
        if one in seen or one not in found.because:
            continue
        seen.add(one)
        for edge in found.because[one][1]:
            steps[edge] = None
            waiting.append(edge.holder)
    return OwnershipPath(found.regime.name, party, found.certain, rule, tuple(reversed(steps)))


def _dealing(found: Blocked, holdings: Mapping[str, Sequence[Edge]], subject: str) -> OwnershipPath | None:
    """Return the chain to a blocked party that pays for the subject's use, or is its end customer."""
    for edge in holdings.get(subject, ()):
        if edge.holder in found.because:
            return _path(found, subject, _DEALINGS[edge.kind], (edge,))
    return None


def paths(
    holdings: Holdings,
    designated: Iterable[str],
    subject: str,
    *,
    regimes: Sequence[Regime] = REGIMES,
    unknown: Iterable[str] = (),
) -> list[OwnershipPath]:
    """Every regime's chain to ``subject``; the certain one where there is one, else the possible one."""
    listed, nameless = tuple(designated), tuple(unknown)
    if not (listed or nameless or holdings.nameless):
        return []
    dealings: dict[str, list[Edge]] = defaultdict(list)
    for edges in holdings.by_holder.values():
        for edge in edges:
            if edge.kind in _DEALINGS:
                dealings[edge.asset].append(edge)
    found = []
    for regime in regimes:
        for certain in (True, False):
            caught = blocked(holdings, listed, regime, certain=certain, unknown=nameless)
            chain = path(caught, subject) or _dealing(caught, dealings, subject)
            if chain is not None:
                found.append(chain)
                break
    return found
