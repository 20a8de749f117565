"""What hits on the parties of a graph mean for its subject: clear, review or blocked, with the chains that say so.

In: an onboarding graph and hits. Out: an outcome. It compares no names (``screening``) and decides nothing that a
person has to decide: a hit that an officer called false is simply not among the hits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from custodes.screening.disclosure import DisclosureGap, gaps
from custodes.screening.entities import UNKNOWN, ListHit, Organisation, OwnershipPath, Verdict
from custodes.screening.ownership import Holdings, paths


@dataclass(frozen=True, slots=True)
class ScreeningOutcome:
    """A verdict with everything it stands on."""

    verdict: Verdict
    hits: tuple[ListHit, ...]
    paths: tuple[OwnershipPath, ...]
    gaps: tuple[DisclosureGap, ...] = ()

    def to_json(self) -> dict[str, object]:
        """As JSON members."""
        return {
            "verdict": self.verdict,
            "hits": [asdict(hit) for hit in self.hits],
            "paths": [asdict(path) for path in self.paths],
            "gaps": [asdict(gap) for gap in self.gaps],
        }


def judge(organisation: Organisation, hits: Sequence[ListHit], day: str = "") -> ScreeningOutcome:
    """Say what ``hits`` on parties of the graph mean for its subject, by the edges that stand on ``day``."""
    holdings = Holdings.of(edge for edge in organisation.edges if edge.holds_on(day))
    sure = sorted({hit.party for hit in hits if hit.decides})
    unknown = sorted(party.id for party in organisation.parties.values() if party.kind == UNKNOWN)
    found = paths(holdings, sure, organisation.subject, unknown=unknown)
    left_open = gaps(organisation, day)
    verdict: Verdict = "review" if hits or found or left_open else "clear"
    if any(path.certain for path in found):
        verdict = "blocked"
    return ScreeningOutcome(verdict, tuple(hits), tuple(found), left_open)
