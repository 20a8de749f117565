"""Pairs, groups and rates against what looking at every pair says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.deployment.tasks import byte_products
from custodes.gallery.groups import components, groups
from custodes.gallery.neighbours import PairWork, alike_between, alike_pairs
from custodes.gallery.rates import match_rates
from tests.fakes.vectors import units


def people(seed: int, count: int, each: int, spread: float, dimension: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """``each`` unit vectors around each of ``count`` directions, and whose they are; variances fall as real ones do."""
    rng = np.random.default_rng(seed)
    fall = np.arange(1, dimension + 1) ** -0.5
    person = np.repeat(np.arange(count), each)
    vectors = (rng.standard_normal((count, dimension)) * fall)[person]
    vectors += spread * rng.standard_normal(vectors.shape) * fall
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), person


def every_pair(vectors: np.ndarray, least: np.ndarray) -> set[tuple[int, int]]:
    first, second = np.triu_indices(len(vectors), 1)
    cosine = (vectors @ vectors.T)[first, second]
    alike = (cosine >= least[first]) & (cosine >= least[second])
    return set(zip(first[alike].tolist(), second[alike].tolist(), strict=True))


BYTES = PairWork(products=byte_products())
"""As tasks of a server look."""
WAYS = pytest.mark.parametrize("work", [PairWork(), BYTES], ids=["floats", "bytes"])


@WAYS
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 5), st.floats(0.0, 1.0), st.floats(-0.5, 0.99))
def test_all_alike_pairs_are_found_once(
    work: PairWork, seed: int, count: int, each: int, spread: float, floor: float
) -> None:
    vectors, _ = people(seed, count, each, spread)
    rng = np.random.default_rng(seed)
    least = rng.uniform(floor, min(1.0, floor + 0.3), len(vectors)).astype(np.float32)
    found = [pair for part in alike_pairs(vectors, least, work) for pair in zip(part.first, part.second, strict=True)]
    assert sorted((int(one), int(other)) for one, other in found) == sorted(every_pair(vectors, least))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.floats(0.5, 0.9))
def test_bytes_lose_no_pair_however_uneven_the_components(seed: int, steep: int, floor: float) -> None:
    """Pairs right at the limit, among vectors of whose components a few are large: rounding is at its worst."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((700, 128)) * np.arange(1, 129) ** (-steep / 12)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    aside = rng.standard_normal(vectors[:200].shape)
    aside -= (aside * vectors[:200]).sum(1, keepdims=True) * vectors[:200]
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    vectors[-200:] = (floor + 1e-6) * vectors[:200] + np.sqrt(1 - (floor + 1e-6) ** 2) * aside
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    least = np.full(len(unit), floor, np.float32)
    pairs = [
        {pair for part in alike_pairs(unit, least, work) for pair in zip(part.first, part.second, strict=True)}
        for work in (PairWork(), BYTES)
    ]
    assert pairs[0] == pairs[1]
    assert len(pairs[1] & {(row, row + 500) for row in range(200)}) >= 190


@WAYS
def test_blocks_meet_without_gap_or_repetition(work: PairWork) -> None:
    vectors, _ = people(3, 1500, 3, 0.3)
    least = np.full(len(vectors), 0.8, np.float32)
    told: list[float] = []
    found = [
        pair
        for part in alike_pairs(vectors, least, replace(work, threads=3, done=told.append))
        for pair in zip(part.first.tolist(), part.second.tolist(), strict=True)
    ]
    assert len(found) == len(set(found)) and set(found) == every_pair(vectors, least)
    assert told[-1] == 1


@WAYS
def test_between_two_sets(work: PairWork) -> None:
    vectors, _ = people(5, 400, 2, 0.3)
    one, other = vectors[::2], vectors[1::2]
    least = np.full(400, 0.7, np.float32)
    found = {
        pair
        for part in alike_between((one, other), (least, least), work)
        for pair in zip(part.first.tolist(), part.second.tolist(), strict=True)
    }
    assert found == set(zip(*(axis.tolist() for axis in np.nonzero(one @ other.T >= 0.7)), strict=True))


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_have_no_pairs(count: int) -> None:
    assert list(alike_pairs(units(0, count), np.zeros(count, np.float32))) == []


def test_who_stops_gets_no_more() -> None:
    vectors = units(0, 3000)
    assert list(alike_pairs(vectors, np.full(3000, -1, np.float32), PairWork(stopped=lambda: True))) == []


def test_a_chain_of_look_alikes_is_not_one_person() -> None:
    angles = np.radians(np.arange(0, 100, 10))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    linked = components(alike_pairs(vectors, np.full(10, np.cos(np.radians(11)), np.float32)), 10)
    assert [part.tolist() for part in linked] == [list(range(10))]
    apart = float(np.cos(np.radians(31)))
    found = groups(linked, lambda rows: vectors[rows] @ vectors[rows].T - apart)
    assert len(found) >= 3
    for group in found:
        inside = vectors[list(group.rows)] @ vectors[list(group.rows)].T
        assert inside.min() >= apart
        one, other = group.weakest
        assert float(vectors[one] @ vectors[other]) == pytest.approx(float(inside.min()))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(1, 6))
def test_no_two_of_a_group_are_apart_and_no_one_is_in_two(seed: int, count: int, each: int) -> None:
    vectors, _ = people(seed, count, each, 0.4)
    linked = components(alike_pairs(vectors, np.full(len(vectors), 0.7, np.float32)), len(vectors))
    found = groups(linked, lambda rows: vectors[rows] @ vectors[rows].T - np.float32(0.5))
    rows = [row for group in found for row in group.rows]
    assert len(rows) == len(set(rows)) and all(len(group.rows) > 1 for group in found)
    for group in found:
        assert (vectors[list(group.rows)] @ vectors[list(group.rows)].T).min() >= 0.5 - 1e-6


def test_rates_count_every_pair() -> None:
    vectors, person = people(7, 120, 5, 0.5)
    percents = (20.0, 50.0, 80.0)
    limits = np.tile(np.array([0.2, 0.5, 0.8], np.float32), (len(vectors), 1))
    points, count = match_rates(vectors, person, limits, percents)
    first, second = np.triu_indices(len(vectors), 1)
    cosine, same = (vectors @ vectors.T)[first, second], person[first] == person[second]
    assert (count.genuine, count.impostor) == (int(same.sum()), int((~same).sum()))
    for point, limit in zip(points, (0.2, 0.5, 0.8), strict=True):
        reached = int((cosine[~same] >= limit).sum())
        assert point.true_match_rate == pytest.approx(float((cosine[same] >= limit).mean()), abs=1e-4)
        assert point.bounded is (reached < 10)
        assert point.false_match_rate == pytest.approx(max(reached, 3) / count.impostor, rel=1e-3)
    assert match_rates(vectors[:1], person[:1], limits[:1], percents)[0] == ()
