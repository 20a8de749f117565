"""What is told around objects: which signs heads look at, and that the shipped heads name labels that there are."""

from __future__ import annotations

import numpy as np
import pytest

from custodes.engine.labels.boxes import Boxes, none
from custodes.engine.labels.surroundings import SIGNS, Surroundings, load_surroundings, signs_of
from custodes.engine.labels.taxonomy import load_taxonomy

_EVEN = np.full(1000, 1e-3, np.float32)


def test_shipped_heads_name_labels_of_the_tree() -> None:
    heads = load_surroundings()
    assert set(heads.names) <= load_taxonomy().terms.keys()
    assert heads.weights.shape == (len(heads.names), SIGNS)


def test_signs_have_their_number_whatever_the_picture_is() -> None:
    for shape in ((80, 80, 3), (50, 4000, 3), (97, 131, 3)):
        picture = np.zeros(shape, np.uint8)
        assert signs_of(picture, _EVEN, none()).shape == (SIGNS,)
        assert np.isfinite(signs_of(picture, np.eye(1000, dtype=np.float32)[3], none())).all()


def test_a_blue_top_over_a_green_ground_is_more_likely_outdoors_than_a_brown_plane() -> None:
    outside, inside = np.full((240, 320, 3), 120, np.uint8), np.full((240, 320, 3), (150, 110, 70), np.uint8)
    outside[:120], outside[120:] = (130, 180, 240), (70, 140, 50)
    heads = load_surroundings()
    seen, other = (heads.confidences_pct(signs_of(picture, _EVEN, none())) for picture in (outside, inside))
    for name in ("Outdoors", "Sky", "Grass"):
        assert seen[name] > other[name]
    assert seen["Indoors"] < other["Indoors"]


def test_every_box_of_a_kind_counts_and_the_surest_of_them_is_its_sign() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    places = np.array([[0, 0, 50, 50], [50, 50, 100, 100]], np.float32)
    cars = Boxes(places, np.array([2, 2], np.intp), np.array([0.9, 0.4], np.float32))
    signs = signs_of(picture, _EVEN, cars)
    assert signs[1060 + 2] == pytest.approx(np.log(0.92 / 0.02), rel=1e-5)
    assert signs[1060 + 80 + 2] == pytest.approx(np.log((0.25 * 1.3 + 0.02) / 0.02), rel=1e-5)


def test_even_odds_are_fifty_percent() -> None:
    heads = Surroundings(("Sky",), np.zeros((1, SIGNS), np.float32), np.zeros(1, np.float32))
    assert heads.confidences_pct(np.ones(SIGNS, np.float32)) == {"Sky": 50.0}
