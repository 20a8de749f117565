"""Who is blocked through what is owned: the rules of OFAC, the EU and the UK over one graph.

In: edges and the designated parties. Out: for each regime the parties caught, with the edges that caught them. Ranges
of shares give two answers: certain on the lower ends, possible on the upper. Loops and chains are a least fixed point:
nobody is blocked but by way of a designated party. A share passes on whole through whoever is blocked; shares are not
multiplied. It knows no names.

Source: OFAC FAQ 398 and 401 (50 percent or more, aggregated, no control); EU Best Practices of 3 July 2024 (50 percent
or more, aggregated, or control); UK SAMLA regulations, reg. 7 (more than 50 percent, one holder or a joint
arrangement, or control).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from custodes.governance.screening.entities import Edge, Path


@dataclass(frozen=True, slots=True)
class Regime:
    """One authority's rule."""

    name: str
    inclusive: bool
    aggregated: bool
    control: bool


REGIMES = (
    Regime("OFAC", inclusive=True, aggregated=True, control=False),
    Regime("EU", inclusive=True, aggregated=True, control=True),
    Regime("UK", inclusive=False, aggregated=False, control=True),
)
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Blocked:
    """Everybody caught under one regime: for each party the rule in words and the edges it stands on."""

    regime: Regime
    certain: bool
    because: Mapping[str, tuple[str, tuple[Edge, ...]]]


def blocked(edges: Iterable[Edge], designated: Iterable[str], regime: Regime, *, certain: bool = True) -> Blocked:
    """Follow holdings from the designated parties until nobody new is caught; linear in the number of edges.

    Args:
        edges: as of the day in question.
        designated: ids of listed parties.
        regime: whose rule.
        certain: count the lower ends of ranges; else the upper.
    """
    held: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        held[edge.owner].append(edge)
    because: dict[str, tuple[str, tuple[Edge, ...]]] = dict.fromkeys(designated, ("designated", ()))
    gathered: dict[str, dict[str, list[Edge]]] = defaultdict(lambda: defaultdict(list))
    waiting = deque(because)
    while waiting:
        for edge in held.get(waiting.popleft(), ()):
            if edge.asset in because:
                continue
            reason = _reason(edge, gathered[edge.asset], regime, certain)
            if reason:
                because[edge.asset] = reason
                waiting.append(edge.asset)
    return Blocked(regime, certain, because)


def _reason(
    edge: Edge, gathered: dict[str, list[Edge]], regime: Regime, certain: bool
) -> tuple[str, tuple[Edge, ...]] | None:
    """Say why ``edge`` tips its asset, or None; remembers it among the holdings gathered so far."""
    if edge.kind == "control":
        return ("controlled by a blocked party", (edge,)) if regime.control else None
    if edge.kind != "shares":
        return None
    group = "" if regime.aggregated else (f"joint {edge.acting_together}" if edge.acting_together else edge.owner)
    together = gathered[group]
    together.append(edge)
    share = sum(one.low_pct if certain else one.high_pct for one in together)
    over = share >= 50 - _ROUNDING if regime.inclusive else share > 50 + _ROUNDING
    if not over:
        return None
    return f"{share:g} % held by blocked parties, {'at least' if regime.inclusive else 'more than'} 50 %", tuple(
        together
    )


def path(found: Blocked, party: str) -> Path | None:
    """Return the chain that caught ``party``: every edge back to designated parties, nearest them first."""
    if party not in found.because:
        return None
    steps: dict[Edge, None] = {}
    seen: set[str] = set()
    waiting = deque([party])
    while waiting:
        one = waiting.popleft()
        if one in seen:
            continue
        seen.add(one)
        for edge in found.because[one][1]:
            steps[edge] = None
            waiting.append(edge.owner)
    return Path(found.regime.name, party, found.certain, found.because[party][0], tuple(reversed(steps)))


def paths(
    edges: Sequence[Edge], designated: Iterable[str], subject: str, regimes: Sequence[Regime] = REGIMES
) -> list[Path]:
    """Every regime's chain to ``subject``; the certain one where there is one, else the possible one."""
    listed = tuple(designated)
    found = []
    for regime in regimes:
        for certain in (True, False):
            chain = path(blocked(edges, listed, regime, certain=certain), subject)
            if chain is not None:
                found.append(chain)
                break
    return found
