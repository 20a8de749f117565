"""Colours of clothes, on drawn people whose points are known."""

from __future__ import annotations

import numpy as np
import pytest

from custodes.core.box import BoxPx
from custodes.engine.equipment.body_points import POINTS, BodyPoints
from custodes.engine.equipment.clothes import clothes

PERSON = BoxPx(40, 20, 140, 280)
PLACES = {5: (115, 80), 6: (65, 80), 11: (105, 160), 12: (75, 160), 13: (105, 220), 14: (75, 220)}


def body(unsure: tuple[int, ...] = (), shift: float = 0.0) -> BodyPoints:
    points, scores = np.zeros((POINTS, 2), np.float32), np.zeros(POINTS, np.float32)
    for at, place in PLACES.items():
        points[at], scores[at] = np.array(place) + shift, 0.0 if at in unsure else 0.9
    return BodyPoints(points, scores)


def drawn() -> np.ndarray:
    """Red above, blue below, green around."""
    rgb = np.full((300, 200, 3), (20, 160, 40), np.uint8)
    rgb[70:165, 55:125] = (200, 20, 30)
    rgb[165:270, 60:120] = (20, 30, 200)
    return rgb


def test_what_is_above_and_below_is_told_apart_from_what_is_around() -> None:
    found = clothes(drawn(), PERSON, body())
    assert [colour.simple_name for colour in found.upper] == ["red"]
    assert [colour.simple_name for colour in found.lower] == ["blue"]


@pytest.mark.parametrize(
    ("unsure", "above", "below"), [((5,), 0, 1), ((13, 14), 1, 0), ((13,), 1, 1), ((11, 12), 0, 0)]
)
def test_nothing_is_told_of_what_is_not_seen(unsure: tuple[int, ...], above: int, below: int) -> None:
    found = clothes(drawn(), PERSON, body(unsure))
    assert (len(found.upper), len(found.lower)) == (above, below)


@pytest.mark.parametrize("shift", [-500.0, 500.0])
def test_points_outside_of_the_picture_have_no_colour(shift: float) -> None:
    found = clothes(drawn(), PERSON, body(shift=shift))
    assert (found.upper, found.lower) == ((), ())


def test_somebody_far_away_has_none() -> None:
    rgb = np.ascontiguousarray(drawn()[::16, ::16])
    small = BodyPoints(body().points_px / 16, body().scores)
    found = clothes(rgb, BoxPx(2.5, 1.25, 8.75, 17.5), small)
    assert (found.upper, found.lower) == ((), ())
