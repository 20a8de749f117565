"""What a similarity stands for, for whoever explains one. In: settings, percent. Out: false match rates of the recipe.

docs/scores.md says how those of the network that ships were measured; those of a network that the operator brought
were measured when it was added.
"""

from __future__ import annotations

from dataclasses import dataclass

from custodes.engine.calibrate import FALSE_MATCH_RATES
from custodes.engine.calibrate import false_match_rate as interpolated
from custodes.models.own import OwnEmbedder, own_embedders
from custodes.settings import Settings


@dataclass(frozen=True, slots=True)
class ScoreRates:
    """Measured rates: (percent, share of pairs of different people that reach it), percents rising."""

    points: tuple[tuple[float, float], ...] = FALSE_MATCH_RATES

    @property
    def least(self) -> float:
        """The smallest rate that was measured: for every similarity above it stands as a bound."""
        return self.points[-1][1]

    def false_match_rate(self, similarity_pct: float) -> float | None:
        """Share of pairs of different people that reach it; None below what was measured."""
        return interpolated(similarity_pct, self.points)


SHIPPED = ScoreRates()
"""Those of the network that ships."""


def own_embedder(settings: Settings) -> OwnEmbedder | None:
    """The network that the operator chose in place of the one that ships.

    Raises:
        NotFoundError: no such network was added.
        UnavailableError: what is kept of it is damaged.
    """
    return own_embedders(settings.models_folder).get(settings.face_embedder) if settings.face_embedder else None


def score_rates(settings: Settings) -> ScoreRates:
    """Rates of the recipe that ``settings`` choose. Raises what ``own_embedder`` raises."""
    own = own_embedder(settings)
    return SHIPPED if own is None else ScoreRates(own.fit.false_match_rates)


def gallery_rate(rate: float, faces: int) -> float:
    """Chance that at least one of ``faces`` different people reaches what one reaches with chance ``rate``."""
    return 1.0 - (1.0 - rate) ** faces
