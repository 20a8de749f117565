"""The fit of an unknown network's scores, on people that are drawn: what it promises holds for people it never saw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.core.errors import InvalidParameterError
from custodes.engine.calibrate import Calibration, Knot
from custodes.engine.faces.embedding.embed import unit
from custodes.engine.faces.embedding.score_fit import LEAST_PEOPLE, REPORTED_PCT, fit_scores


def people(count: int, photos: int, spread: float, seed: int, dimension: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """``photos`` vectors of each of ``count`` people, ``spread`` apart from their middle."""
    random = np.random.default_rng(seed)
    middle = unit(random.normal(size=(count, dimension)))
    rows = np.repeat(middle, photos, axis=0) + spread * random.normal(size=(count * photos, dimension))
    return unit(rows), np.repeat(np.arange(count), photos)


@given(seed=st.integers(0, 99), spread=st.floats(0.02, 0.2))
@settings(max_examples=15, deadline=None)
def test_the_rate_that_a_percentage_stands_for_holds_for_other_people(seed: int, spread: float) -> None:
    fit = fit_scores(*people(200, 2, spread, seed))
    rates = dict(fit.false_match_rates)
    assert rates[80.0] <= 5e-3
    assert rates[99.0] <= 1e-3
    strangers, _ = people(300, 1, spread, seed + 1000)
    scores = (strangers @ strangers.T)[np.triu_indices(300, 1)]
    curve = Calibration(tuple(Knot(cosine, pct) for cosine, pct in fit.knots))
    assert (scores >= curve.cosine(80.0)).mean() <= 1e-2
    assert (scores >= curve.cosine(99.0)).mean() <= 2e-3


def test_rates_fall_where_percentages_rise_and_are_never_nought() -> None:
    fit = fit_scores(*people(120, 2, 0.1, 3))
    false = [rate for _, rate in fit.false_match_rates]
    assert false == sorted(false, reverse=True)
    assert min(false) == pytest.approx(3 / fit.impostor)
    assert [pct for pct, _ in fit.true_match_rates] == list(REPORTED_PCT)
    assert [cosine for cosine, _ in fit.knots] == sorted(cosine for cosine, _ in fit.knots)


def test_half_of_the_people_measure_what_the_other_half_fitted() -> None:
    vectors, number = people(160, 2, 0.1, 5)
    moved = vectors.copy()
    moved[number % 2 == 1] = unit(vectors[number % 2 == 1] + 3.0)  # who measures looks alike; who fits does not
    assert dict(fit_scores(moved, number).false_match_rates)[80.0] > 0.9


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (people(LEAST_PEOPLE - 1, 2, 0.1, 1), "at least 80 people"),
        (people(LEAST_PEOPLE, 1, 0.1, 1), "pairs of photos of one person"),
        ((unit(np.ones((200, 8))), np.arange(200)), "same vector|does not tell"),
        ((np.zeros((0, 8), np.float32), np.zeros(0, np.int64)), "at least 80 people"),
    ],
)
def test_what_cannot_be_measured_is_refused(vectors, words) -> None:
    with pytest.raises(InvalidParameterError, match=words):
        fit_scores(*vectors)
