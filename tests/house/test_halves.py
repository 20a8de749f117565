"""The halves that figures of faces rest on: nobody who is measured had a part in fitting, whatever vectors say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_halves", ROOT / "bench" / "halves.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


halves = _module()
persons_of_pictures = st.lists(st.integers(0, 12), min_size=1, max_size=60)


def pictures(number: int) -> list[str]:
    return [f"{i}_0_1_2017.jpg" for i in range(number)]


@given(persons_of_pictures, st.randoms(use_true_random=False))
def test_a_picture_stays_out_of_the_other_half_whoever_it_is_taken_for(persons, random):
    names = pictures(len(persons))
    fitted = set(halves.fitted_rows(names).tolist())
    for _ in range(3):
        random.shuffle(persons)
        assert not fitted & set(halves.measured_rows(names, np.array(persons)).tolist())


@given(persons_of_pictures)
def test_nobody_is_measured_of_whom_a_picture_was_fitted_on(persons):
    names, person = pictures(len(persons)), np.array(persons)
    known = {persons[i] for i in halves.fitted_rows(names)}
    measured = halves.measured_rows(names, person).tolist()
    assert {persons[i] for i in measured} == set(persons) - known
    assert measured == [i for i, one in enumerate(persons) if one not in known]


@given(st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=40), st.data())
def test_the_half_of_a_picture_does_not_hang_on_the_others(names, data):
    kept = data.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    fitted = {names[i] for i in halves.fitted_rows(names)}
    assert {kept[i] for i in halves.fitted_rows(kept)} == fitted & set(kept)


def test_halves_are_halves():
    assert len(halves.fitted_rows(pictures(4_000))) == pytest.approx(2_000, abs=130)


def test_the_digest_is_of_what_was_fitted_on_and_nothing_else():
    names = pictures(100)
    fitted = [names[i] for i in halves.fitted_rows(names)]
    assert halves.digest(names) == halves.digest(reversed(names)) == halves.digest(fitted)
    assert halves.digest([name for name in names if name != fitted[0]]) != halves.digest(names)
    other = next(name for name in names if name not in fitted)
    assert halves.digest([name for name in names if name != other]) == halves.digest(names)
