"""Lines that are bent: the circle through a blob, and the band unrolled into a strip."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.engine.text.places import Arc, Straight, arc_through

_SIDE = 400


def band(radius: float, sweep_deg: float, middle_deg: float, thickness: float = 20) -> np.ndarray:
    """(400, 400) whether a pixel is on a band around the middle of the picture."""
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] - _SIDE / 2.0
    angle = (np.degrees(np.arctan2(y, x)) - middle_deg + 180) % 360 - 180
    return (abs(np.hypot(x, y) - radius) <= thickness / 2) & (abs(angle) <= sweep_deg / 2)


@settings(deadline=None, max_examples=30)
@given(st.floats(90, 170), st.floats(90, 200), st.floats(-180, 180))
def test_a_band_gives_its_circle(radius: float, sweep_deg: float, middle_deg: float) -> None:
    arc = arc_through(band(radius, sweep_deg, middle_deg), growth=0.0)
    assert arc is not None
    assert math.dist((arc.x, arc.y), (_SIDE / 2, _SIDE / 2)) < 0.15 * radius
    assert arc.height_px == pytest.approx(20, rel=0.25)
    assert arc.width_px == pytest.approx(math.radians(sweep_deg) * radius, rel=0.15)


def test_above_its_centre_a_line_is_read_from_the_left_with_letters_outwards() -> None:
    arc = arc_through(band(120, 120, -90), growth=0.0)
    assert arc is not None
    first, last = arc.slice(0.0, 0.1).points[0], arc.slice(0.9, 1.0).points[1]
    assert first[0] < last[0]
    assert arc.top > arc.bottom


def test_below_its_centre_a_line_is_read_from_the_left_with_letters_inwards() -> None:
    arc = arc_through(band(120, 120, 90), growth=0.0)
    assert arc is not None
    first, last = arc.slice(0.0, 0.1).points[0], arc.slice(0.9, 1.0).points[1]
    assert first[0] < last[0]
    assert arc.top < arc.bottom


def test_what_is_no_band_is_none() -> None:
    block, bar = np.zeros((_SIDE, _SIDE), bool), np.zeros((_SIDE, _SIDE), bool)
    block[100:250, 100:300] = True
    bar[100:120, 50:350] = True
    bar[100:300, 50:70] = True
    assert arc_through(block, 1.6) is None
    assert arc_through(bar, 1.6) is None


def test_unrolling_gives_what_was_rolled_up() -> None:
    arc = Arc(200, 200, math.radians(-150), math.radians(-30), 144, 96)
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] - 200.0
    along = (np.arctan2(y, x) - arc.start) / (arc.stop - arc.start)
    picture = np.repeat(((along * 10 % 2 < 1) * 255).astype(np.uint8)[..., None], 3, axis=2)
    strip = arc.strip(picture)[:, :, 0].astype(float)
    wanted = np.repeat(((np.arange(strip.shape[1]) + 0.5) / strip.shape[1] * 10 % 2 < 1)[None] * 255.0, 48, axis=0)
    assert abs(strip - wanted).mean() < 12


def test_turned_twice_is_as_before_and_once_is_upside_down() -> None:
    arc = Arc(10, 20, -2.0, -1.0, 50, 30)
    assert arc.turned(2).turned(2) == arc
    assert arc.turned(2).slice(0, 1).points[0] == pytest.approx(arc.slice(0, 1).points[2])


def test_the_rectangle_around_a_band_begins_where_reading_does() -> None:
    quad = Arc(200, 200, math.radians(-150), math.radians(-30), 144, 96).quad
    assert quad.points[0][0] < quad.points[1][0]
    box = cv2.boundingRect(np.array(quad.points, np.float32))
    assert box[2] == pytest.approx(2 * 144 * math.cos(math.radians(30)), abs=3)


def test_straight_lines_are_cut_as_they_stand() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (100, 200, 3)).astype(np.uint8)
    place = Straight(np.array([[10, 10], [106, 10], [106, 58], [10, 58]], np.float32))
    assert place.aspect == 2.0
    assert np.abs(place.strip(picture).astype(int) - picture[10:58, 10:106]).mean() < 1
