"""Tracks: who is who from sample to sample, over gaps, crossings and cuts; names by vote."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.box import BoxRatio
from custodes.video.stretches import stretches
from custodes.video.tracks import NameVote, Sighting, Tracker, is_piece, overlap


def alike(one: np.ndarray, other: np.ndarray) -> float:
    return 100 * float(one @ other)


def face(who: int) -> np.ndarray:
    return np.eye(8, dtype=np.float32)[who]


def seen(left: float, top: float = 0.3, side: float = 0.1, who: int | None = None) -> Sighting:
    return Sighting(BoxRatio(left, top, side, side), None if who is None else face(who))


def test_indexes_follow_birth_and_stay() -> None:
    tracker = Tracker(alike)
    assert tracker.step(0, [seen(0.1), seen(0.7)]) == (0, 1)
    assert tracker.step(500, [seen(0.72), seen(0.12)]) == (1, 0)
    assert tracker.step(1000, [seen(0.4), seen(0.74), seen(0.14)]) == (2, 1, 0)


def test_two_who_cross_keep_their_indexes_by_motion() -> None:
    tracker = Tracker(alike)
    for step in range(8):
        one, other = seen(0.1 + step * 0.1), seen(0.8 - step * 0.1, top=0.33)
        assert tracker.step(step * 500, [one, other]) == (0, 1)


def test_two_who_change_places_keep_their_indexes_by_face() -> None:
    tracker = Tracker(alike)
    assert tracker.step(0, [seen(0.3, who=1), seen(0.42, who=2)]) == (0, 1)
    assert tracker.step(500, [seen(0.3, who=2), seen(0.42, who=1)]) == (1, 0)


def test_a_cut_forbids_position_and_not_faces() -> None:
    tracker = Tracker(alike)
    assert tracker.step(0, [seen(0.3, who=1), seen(0.6)]) == (0, 1)
    assert tracker.step(500, [seen(0.6), seen(0.1, who=1)], cut=True) == (2, 0)


def test_who_is_away_for_long_is_new_unless_the_face_is_known() -> None:
    tracker = Tracker(alike)
    assert tracker.step(0, [seen(0.3), seen(0.6, who=1)]) == (0, 1)
    assert tracker.step(2500, [seen(0.3)]) == (0,)
    assert tracker.step(20_000, [seen(0.3), seen(0.1, who=1)]) == (2, 1)
    assert tracker.step(90_000, [seen(0.1, who=1)]) == (3,)


def test_another_face_in_the_same_place_is_another_person() -> None:
    tracker = Tracker(alike)
    assert tracker.step(0, [seen(0.3, who=1)]) == (0,)
    assert tracker.step(500, [seen(0.3, who=2)]) == (1,)


@given(st.lists(st.lists(st.floats(0, 0.9), max_size=6), max_size=12))
def test_every_sighting_has_one_index_and_none_comes_twice(samples: list[list[float]]) -> None:
    tracker, highest = Tracker(alike), -1
    for number, lefts in enumerate(samples):
        found = tracker.step(number * 500, [seen(left) for left in lefts])
        assert len(found) == len(lefts) == len(set(found))
        new = sorted(index for index in found if index > highest)
        assert new == list(range(highest + 1, highest + 1 + len(new)))
        highest += len(new)


def test_overlap() -> None:
    box = BoxRatio(0.1, 0.1, 0.2, 0.2)
    assert overlap(box, box) == pytest.approx(1)
    assert overlap(box, BoxRatio(0.2, 0.1, 0.2, 0.2)) == pytest.approx(1 / 3)
    assert overlap(box, BoxRatio(0.5, 0.5, 0.1, 0.1)) == 0


def test_one_blurred_sighting_names_nobody() -> None:
    vote = NameVote()
    for _ in range(9):
        vote.add(0.02, {"ann": 97.0})
    vote.add(0.001, {"bob": 99.0})
    assert set(vote.winners()) == {"ann"}


def test_whoever_comes_in_over_the_edge_grows_and_stays_one_person() -> None:
    tracker = Tracker(lambda one, other: 0.0)
    hair, whole = BoxRatio(0.45, 0.95, 0.08, 0.05), BoxRatio(0.42, 0.1, 0.16, 0.8)
    assert tracker.step(0, [Sighting(hair)]) == (0,)
    assert tracker.step(500, [Sighting(whole)]) == (0,)
    inside = BoxRatio(0.45, 0.5, 0.05, 0.05)
    tracker = Tracker(lambda one, other: 0.0)
    assert tracker.step(0, [Sighting(inside)]) + tracker.step(500, [Sighting(whole)]) == (0, 1)


def test_small_matches_do_not_outvote_large_misses() -> None:
    vote = NameVote()
    for _ in range(5):
        vote.add(0.001, {"bob": 99.0})
        vote.add(0.05, {})
    assert vote.winners() == {}


def test_a_single_sighting_may_name() -> None:
    vote = NameVote()
    vote.add(0.01, {"ann": 90.0})
    assert set(vote.winners()) == {"ann"}


SAMPLES = tuple(range(0, 5000, 500))


def test_a_stretch_goes_over_one_missed_sample() -> None:
    found = stretches([(0, "car", 60.0), (1000, "car", 90.0), (2500, "car", 70.0)], SAMPLES, 4900)
    assert [(one.start_ms, one.end_ms, one.confidence_pct, one.best) for one in found] == [
        (0, 1500, 90.0, 1),
        (2500, 3000, 70.0, 2),
    ]


def test_the_last_stretch_ends_with_the_video() -> None:
    (found,) = stretches([(4500, "car", 60.0)], SAMPLES, 4900)
    assert (found.start_ms, found.end_ms) == (4500, 4900)


@given(st.sets(st.tuples(st.integers(0, 9), st.sampled_from("abc"))))
def test_stretches_hold_every_sighting_and_do_not_overlap(where: set[tuple[int, str]]) -> None:
    given_ = [(at * 500, name, 50.0) for at, name in sorted(where)]
    found = stretches(given_, SAMPLES, 5000)
    for ts_ms, name, _ in given_:
        assert sum(one.name == name and one.start_ms <= ts_ms < one.end_ms for one in found) == 1


def test_a_piece_of_who_comes_in_is_not_a_person() -> None:
    """Boxes of a detector when somebody's feet come into the picture, and whoever stands whole in front of another."""
    feet, whole = BoxRatio(0.24, 0.918, 0.067, 0.101), BoxRatio(0.23, 0.854, 0.141, 0.143)
    assert is_piece(feet, [feet, whole]) and not is_piece(whole, [feet, whole])
    assert not is_piece(feet, [feet])
    child, adult = BoxRatio(0.4, 0.55, 0.12, 0.45), BoxRatio(0.35, 0.1, 0.3, 0.9)
    assert not is_piece(child, [child, adult])
    far, near = BoxRatio(0.5, 0.5, 0.05, 0.1), BoxRatio(0.4, 0.2, 0.3, 0.7)
    assert not is_piece(far, [far, near])
