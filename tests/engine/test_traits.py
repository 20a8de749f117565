"""Traits, portrait checks and liveness as pure steps: networks are small functions, pictures are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from custodes.core.box import BoxPx
from custodes.engine.faces.assembly import face_recipe
from custodes.engine.faces.embedding.embed import Embedder
from custodes.engine.faces.geometry.align import FIVE_SHAPE, ChipFrame
from custodes.engine.faces.portrait import PortraitReader, PortraitReadings, portrait_run
from custodes.engine.faces.traits.ages import inputs, load_age_networks, reads_as_man
from custodes.engine.faces.traits.expression import NAMES, ExpressionReader, ExpressionRuns
from custodes.engine.faces.traits.eyes import Eye, eyes_open
from custodes.engine.faces.traits.heads import Head, judged, load_fitted
from custodes.engine.faces.traits.lids import features
from custodes.engine.faces.traits.spoof import SpoofReader, Witnesses
from custodes.engine.faces.traits.traits import TraitReader
from custodes.engine.results.face import DetectedFace, FloatArray, Pose, Quality, Trait, VectorUse
from custodes.engine.results.portrait import Check, Inspection

POINTS = np.float32(ChipFrame(200).place(FIVE_SHAPE))
AGES = load_age_networks()
RGB = np.random.default_rng(0).integers(0, 255, (240, 240, 3), dtype=np.uint8)


def face(**changes: object) -> DetectedFace:
    plain = DetectedFace(BoxPx(20, 20, 180, 180), 99.0, POINTS, (), Pose(0, 0, 0), Quality(50, 50))
    return replace(plain, **changes)  # type: ignore[arg-type]


class Portraitist:
    """A portrait network that remembers how many crops it saw: a man of thirty whose features are all one."""

    def __init__(self) -> None:
        self.crops = 0

    def run(
        self, feeds: Mapping[str, NDArray[np.generic]], wanted: Sequence[str] | None = None
    ) -> Mapping[str, FloatArray]:
        n = len(feeds["rgb"])
        self.crops += n
        age = np.zeros((n, 100), np.float32)
        age[:, 29] = 1
        out = {"embedding": np.ones((n, 1024)), "gender": np.full((n, 1), 0.9), "age": age}
        return {**out, "places": np.ones((n, 1024, 7, 7))}  # type: ignore[dict-item]


def expression(counter: list[int]) -> ExpressionReader:
    def happy(rgb: NDArray[np.generic]) -> FloatArray:
        counter.append(len(rgb))
        return np.tile(np.float32([0.01, 0.01, 0.01, 0.94, 0.01, 0.01, 0.01]), (len(rgb), 1))

    def second(rgb: NDArray[np.generic]) -> FloatArray:
        return happy(rgb)[:, [6, 3, 4, 0, 2, 1, 5]]  # neutral, happy, sad, angry, fear, disgust, surprise

    joining = np.hstack([np.eye(7), np.eye(7), np.zeros((7, 1))]).astype(np.float32)
    return ExpressionReader(ExpressionRuns(happy, second), joining)


def reader(network: Portraitist, counter: list[int]) -> TraitReader:
    return TraitReader(PortraitReader(portrait_run(network)), lambda: expression(counter), load_fitted(), AGES)


ALL = frozenset(Trait)


def test_everything_asked_for_is_told_and_nothing_else():
    network, counter = Portraitist(), list[int]()
    (reported,) = reader(network, counter).read(RGB, [face()], ALL)
    assert all(getattr(reported.traits, name) is not None for name in reported.traits.__slots__)
    for trait in ALL:
        (one,) = reader(network, counter).read(RGB, [face()], {trait})
        known = [name for name in one.traits.__slots__ if getattr(one.traits, name) is not None]
        assert len(known) == 1, trait


@pytest.mark.parametrize("trait", sorted(ALL))
def test_only_the_network_that_is_needed_runs(trait: Trait):
    network, counter = Portraitist(), list[int]()
    reader(network, counter).read(RGB, [face()], {trait})
    assert (network.crops == 0) == (trait is Trait.EMOTIONS)
    assert (counter == []) == (trait is not Trait.EMOTIONS)


@pytest.mark.parametrize("traits", [frozenset(), ALL])
def test_no_faces_or_no_traits_run_nothing(traits: frozenset[Trait]):
    network, counter = Portraitist(), list[int]()
    faces = [face()] if not traits else []
    assert reader(network, counter).read(RGB, faces, traits) == tuple(faces)
    assert network.crops == 0
    assert counter == []


def test_many_faces_keep_their_order():
    network = Portraitist()
    faces = [face(confidence_pct=float(i)) for i in range(40)]
    value = reader(network, []).read(RGB, faces, {Trait.GENDER})
    assert [f.confidence_pct for f in value] == [float(i) for i in range(40)]
    assert network.crops == 40


def test_enrolment_sees_the_mirror_image_too_and_a_query_does_not():
    runs: list[int] = []

    def network(rgb: NDArray[np.generic]) -> FloatArray:
        runs.append(len(rgb))
        assert rgb.shape[1:] == (3, 112, 112)
        return np.tile(np.arange(1, 129, dtype=np.float32), (len(rgb), 1))

    embedder = Embedder(network, face_recipe())
    found = {use: embedder.embed(RGB, [face(), face()], use) for use in VectorUse}
    assert dict(zip(VectorUse, runs, strict=True)) == {VectorUse.ENROL: 4, VectorUse.QUERY: 2}
    np.testing.assert_allclose(found[VectorUse.ENROL], found[VectorUse.QUERY], atol=1e-6)
    assert embedder.embed(RGB, [], VectorUse.QUERY).shape == (0, 128)


def test_emotions_are_named_calibrated_and_sorted():
    ((first, *others),) = expression([]).read(RGB, [face()])
    assert first.name == "HAPPY"
    assert {one.name for one in (first, *others)} == set(NAMES)
    assert sum(one.confidence_pct for one in (first, *others)) == pytest.approx(100, abs=1e-3)
    assert [one.confidence_pct for one in others] == sorted((o.confidence_pct for o in others), reverse=True)


def portraits(years: FloatArray, texture: FloatArray) -> PortraitReadings:
    none = np.zeros((len(years), 1024), np.float32)
    return PortraitReadings(texture, np.full(len(years), 0.5, np.float32), years, none, none)


@given(st.lists(st.floats(0, 1), min_size=100, max_size=100).filter(lambda v: sum(v) > 0.1), st.floats(-1e3, 1e3))
@settings(max_examples=60)
def test_age_ranges_are_ordered_whole_years_whatever_the_networks_say(weights, level):
    years = np.float32(weights)[None] / np.float32(sum(weights))
    (value,) = AGES.ranges(portraits(years, np.full((1, 1024), level, np.float32)))
    assert 0 <= value.low_years <= value.high_years <= 200


def test_a_face_does_not_depend_on_the_others_of_its_picture():
    random = np.random.default_rng(3)
    years = random.dirichlet(np.ones(100), 5).astype(np.float32)
    seen = portraits(years, random.uniform(0, 1, (5, 1024)).astype(np.float32))
    one = PortraitReadings(seen.texture[2:3], seen.male[2:3], seen.years[2:3], seen.eyes[2:3], seen.mouth[2:3])
    assert AGES.years(seen)[2] == pytest.approx(float(AGES.years(one)[0]), abs=1e-3)
    assert inputs(seen).shape == (5, 1127)


@given(st.floats(0, 1), st.integers(1, 100))
def test_confidence_in_gender_is_at_least_even_and_less_for_children(male, age):
    assert 50 <= reads_as_man(male, age).confidence_pct <= 100
    for extreme in (0.001, 0.999):
        assert reads_as_man(extreme, 3.0).confidence_pct < reads_as_man(extreme, 30.0).confidence_pct


@given(st.floats(-1e6, 1e6).filter(lambda odds: abs(odds) > 1e-6))
def test_judgements_are_confident_in_what_they_state(odds):
    value = judged(odds)
    assert value.value == (odds > 0)
    assert 50 <= value.confidence_pct <= 100


def test_a_head_is_a_weighted_sum():
    head = Head(np.float32([1, -2]), 0.5)
    assert [one.value for one in head.judge(np.float32([[1, 0], [0, 1]]))] == [True, False]


def test_shipped_heads_fit_the_features():
    fitted = load_fitted()
    assert fitted.emotions.shape == (7, 15)
    assert {len(head.weights) for head in fitted.heads.values()} <= {1024, 2048}
    assert set(fitted.heads) == {trait.value for trait in ALL} - {"AGE_RANGE", "GENDER", "EMOTIONS"}


def live(chance: float) -> SpoofReader:
    return SpoofReader(lambda: lambda rgb: np.tile(np.float32([chance, 1 - chance]), (len(rgb), 1)))


def smooth(side: int = 256) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:side, 0:side]
    wave = 120 + 60 * np.sin(x / 37) + 40 * np.cos(y / 29)
    noise = np.random.default_rng(1).normal(0, 2, (side, side))
    return np.clip(wave + noise, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


BOX = BoxPx(60, 60, 200, 200)


def test_dots_of_a_print_and_stripes_of_a_screen_lower_the_score():
    plain = smooth()
    y, x = np.mgrid[0:256, 0:256]
    dots = np.clip(plain + 25.0 * (np.cos(2 * np.pi * x / 4.3) * np.cos(2 * np.pi * y / 4.3))[..., None], 0, 255)
    stripes = plain + 20.0 * np.stack([np.cos(2 * np.pi * (x / 5.1 - c / 3)) for c in range(3)], axis=-1)
    scores = []
    for shown in (plain, dots, np.clip(stripes, 0, 255)):
        (said,) = live(0.95).read(shown.astype(np.uint8), [BOX])
        scores.append(said.score_pct)
    assert scores[0] > 80
    assert max(scores[1:]) < 20


def test_a_small_face_has_no_pattern_and_the_network_alone_speaks():
    (said,) = live(0.9).read(smooth(), [BoxPx(100, 100, 140, 140)])
    assert said.brightness_peak is None
    assert said.colour_peak is None
    (sure,) = live(0.999).read(smooth(), [BoxPx(100, 100, 140, 140)])
    assert sure.score_pct > said.score_pct


@pytest.mark.parametrize("box", [BoxPx(-50, -50, 90, 90), BoxPx(180, 180, 300, 300), BoxPx(-500, -500, 900, 900)])
def test_boxes_beyond_the_picture_are_no_trouble(box):
    (said,) = live(0.5).read(smooth(), [box])
    assert 0 <= said.score_pct <= 100


def test_no_face_asks_no_network():
    assert SpoofReader(lambda: pytest.fail("opened")).read(smooth(), []) == []


@given(st.floats(0, 1), st.floats(0, 5), st.floats(0, 5))
def test_peaks_never_speak_for_a_face(chance, bright, colour):
    calm = Witnesses(chance, 0.5, 0.5).score_pct
    assert Witnesses(chance, 0.5 + bright, 0.5 + colour).score_pct <= calm


def test_checks_pass_within_their_limits_and_not_without_a_value():
    assert Check("a", 1.0, 1.0, 1.0).passed is True
    assert Check("a", 0.9, 1.0).passed is False
    assert Check("a", 1.1, None, 1.0).passed is False
    assert Check("a", None, 1.0).passed is None
    assert Inspection(face(), (Check("a", 1.0, 0.0),)).passed
    assert not Inspection(face(), (Check("a", 1.0, 0.0), Check("b", None, 0.0))).passed


def eye(open_odds: float, width_px: float = 30.0) -> Eye:
    return Eye(np.zeros(2, np.float32), 0.3, open_odds, (0.0, 0.0), width_px)


def test_both_eyes_decide_and_a_wink_is_open_without_being_sure():
    both, shut, wink = (
        eyes_open({"leftPupil": eye(left), "rightPupil": eye(right)}) for left, right in ((5, 5), (-4, -4), (5, -4))
    )
    assert both.value and not shut.value and wink.value
    assert 50 <= wink.confidence_pct < 70 < min(both.confidence_pct, shut.confidence_pct)


def test_the_eye_that_is_seen_better_decides():
    turned = eyes_open({"leftPupil": eye(-3, width_px=30), "rightPupil": eye(2, width_px=8)})
    assert not turned.value


@given(gain=st.floats(0.3, 1.0), shift=st.floats(0, 60))
@settings(max_examples=20, deadline=None)
def test_lids_are_judged_by_edges_and_not_by_how_bright_the_skin_is(gain: float, shift: float) -> None:
    crops = np.random.default_rng(3).uniform(0, 180, (2, 3, 64, 64)).astype(np.float32)
    openings = np.array([0.1, 0.3], np.float32)
    plain, changed = features(crops, openings), features(gain * crops + np.float32(shift), openings)
    np.testing.assert_allclose(changed, plain, atol=2e-3)
    assert plain.shape[0] == 2
