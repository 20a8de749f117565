"""Challenges, colours and approaches as rules: small numbers in, small numbers out."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.core.box import BoxPx, Size
from custodes.core.errors import InvalidParameterError
from custodes.edge.aws.errors import ApiError
from custodes.edge.aws.eventstream.event_stream import EventMessage, EventStreamError, decode
from custodes.edge.aws.eventstream.liveness_events import MODELLED, client_event, exception
from custodes.liveness.approach import Approach, OvalLook, approach
from custodes.liveness.challenge import ChallengePreference, ChallengeType, Oval, agreed, draw, offered
from custodes.liveness.judgement import LivenessEvidence, confidence_pct, feedback
from custodes.liveness.parallax import NO_PARALLAX, USUAL_HEAD, Parallax, parallax
from custodes.liveness.reflection import NO_REFLECTION, ColourSample, Reflection, plausible_starts, reflection
from custodes.liveness.session import FeedbackCode
from tests.fakes.liveness_client import VERSIONS, inner, pack, text_header
from tests.fakes.liveness_film import as_shown, displayed

VIDEO = Size(640, 480)


def drawn(seed: int, video: Size = VIDEO) -> object:
    return draw(ChallengeType.LIGHT, video, random.Random(seed).randbytes)


@given(st.integers(0, 10**6), st.integers(320, 1920), st.integers(320, 1920))
def test_an_oval_lies_in_the_picture_and_no_colour_beside_itself(seed: int, width: int, height: int) -> None:
    challenge = draw(ChallengeType.LIGHT, Size(width, height), random.Random(seed).randbytes)
    box = challenge.oval.box
    assert box.x1 >= 0 and box.y1 >= 0 and box.x2 <= width and box.y2 <= height
    assert all(before.rgb != after.rgb for before, after in pairwise(challenge.colours))
    assert all((challenge.oval.centre_x, challenge.oval.centre_y, challenge.oval.width, challenge.oval.height))


def test_challenges_differ_and_their_digests_with_them() -> None:
    assert len({drawn(seed).digest() for seed in range(200)}) == 200
    assert draw(ChallengeType.MOVEMENT, VIDEO, random.Random(1).randbytes).colours == ()


def test_what_is_agreed() -> None:
    client = offered(VERSIONS)
    light, movement = ChallengePreference(ChallengeType.LIGHT), ChallengePreference(ChallengeType.MOVEMENT)
    assert agreed((), client) is ChallengeType.LIGHT
    assert agreed((movement, light), client) is ChallengeType.MOVEMENT
    assert agreed((replace(movement, minimum="1.0.1"), light), client) is ChallengeType.LIGHT
    for refused in ((replace(light, maximum="1.99.0"),), (light,)):
        with pytest.raises(InvalidParameterError):
            agreed(refused, offered("FaceMovementAndLightChallenge_1.0.0,Unheard_1.0.0"))


def samples(
    challenge: object, strength: float, order: list[tuple[int, int, int]], lag_ms: float = 120
) -> list[ColourSample]:
    """A face in front of a screen that shows ``order``, with noise, and a camera that drifts."""
    noise = np.random.default_rng(5)
    shown = displayed(as_shown(3000, len(order)), order)
    found = []
    for ts_ms in np.arange(2000, 6200, 66.7):
        base, drift = np.array([150.0, 110.0, 90.0]), np.array([1 + ts_ms / 60_000, 1.0, 1 - ts_ms / 60_000])
        face = (base + strength * np.array(shown(ts_ms - lag_ms)) + noise.normal(0, 0.3, 3)) * drift
        beside = (np.array([120.0, 120.0, 125.0]) + noise.normal(0, 0.3, 3)) * drift
        found.append(ColourSample(float(ts_ms), tuple(face), tuple(beside)))
    return found


@pytest.mark.parametrize("strength", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_reflected_colours_are_found_with_their_lag(strength: float, seed: int) -> None:
    challenge = drawn(seed)
    order = [one.rgb for one in challenge.colours]
    starts = as_shown(3000, len(order))
    found = reflection(samples(challenge, strength, order), starts, challenge.colours, seed)
    assert found.correlation > 0.9
    assert found.chance < 0.01
    assert abs(found.lag_ms - 120) <= 25


@pytest.mark.parametrize("seed", range(4))
def test_no_colours_and_those_of_another_session_are_not_taken_for_these(seed: int) -> None:
    challenge = drawn(seed)
    starts = as_shown(3000, len(challenge.colours))
    other = [one.rgb for one in drawn(seed + 100).colours]
    for strength, order in ((0.0, other), (0.08, other)):
        found = reflection(samples(challenge, strength, order), starts, challenge.colours, seed)
        assert found.correlation < 0.75


def test_times_that_cannot_be_are_no_evidence() -> None:
    challenge = drawn(1)
    starts = as_shown(3000, 10)
    assert plausible_starts(starts, challenge.colours)
    for bad in ([], starts[:-1], starts[::-1], [-1.0, *starts[1:]], [*starts[:-1], starts[-1] + 2000], [3000.0] * 10):
        assert not plausible_starts(bad, challenge.colours)
    assert reflection([], starts, challenge.colours, 1) == NO_REFLECTION


OVAL = Oval(320, 240, 280, 453)


HEAD = np.array(list(USUAL_HEAD.values()))
FAR_WIDTHS = 5.0


def seen_shape(width: float, far_width: float, *, deep: bool, turn: float = 0.0) -> np.ndarray:
    """A usual head, or a flat copy of one, as a camera sees it when its face is ``width`` pixels wide."""
    distance = FAR_WIDTHS * far_width / width
    x, y, z = HEAD.T
    depth = z if deep else x * np.sin(turn)
    return np.stack([x, y], axis=1) * (width / (1 + depth / distance))[:, None] + 300


def looks(
    widths: list[float], *, deep: bool = True, faces: int = 1, jump: float = 0.0, turn: float = 0.0
) -> list[OvalLook]:
    found = []
    for i, width in enumerate(widths):
        unit = width / 2 / 1.9
        x = 320 + (jump if i > len(widths) // 2 else 0.0)
        points = np.array(
            [[x - unit, 200], [x + unit, 200], [x, 280], [x - unit, 200 + 2 * unit], [x + unit, 200 + 2 * unit]]
        )
        noise = np.random.default_rng(i).normal(0, 0.3, HEAD[:, :2].shape)
        shape = seen_shape(width, widths[0], deep=deep, turn=turn * np.sin(i)) + noise
        found.append(OvalLook(i * 250, faces, BoxPx(0, 0, width, width), points, shape))
    return found


CLOSER = [*np.linspace(110, 280, 16), *[280.0] * 8]


def test_who_comes_closer_fills_the_oval() -> None:
    found = approach(looks(CLOSER), OVAL, 24 * 250)
    assert found is not None
    assert found.growth > 1.8 and found.overlap > 0.6 and found.alone == 1.0 and found.jump < 0.2
    assert found.parallax.growth == pytest.approx((280 / 110 - 1) / FAR_WIDTHS, abs=0.08)
    assert found.parallax.sureness > 12 and found.seconds == 23 * 0.25


@pytest.mark.parametrize("turn", [0.0, 0.2, 0.4])
def test_what_is_flat_has_no_parallax_however_it_is_held(turn: float) -> None:
    found = approach(looks(CLOSER, deep=False, turn=turn), OVAL, 6000)
    assert found is not None
    assert abs(found.parallax.growth) < 0.06
    assert found.parallax.sureness < 5


@given(st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_parallax_is_not_felt_of_places_sizes_tilts_and_stretches(seed: int) -> None:
    random = np.random.default_rng(seed)
    widths = np.linspace(110, 280, 14)
    shapes = [seen_shape(width, 110, deep=True) + random.normal(0, 0.2, HEAD[:, :2].shape) for width in widths]
    moved = [shape @ (np.eye(2) + random.uniform(-0.3, 0.3, (2, 2))) + random.uniform(-50, 50, 2) for shape in shapes]
    still, shaken = (parallax(each, list(widths / 280)) for each in (shapes, moved))
    assert shaken.growth == pytest.approx(still.growth, abs=0.02)
    assert parallax(shapes[:4], list(widths[:4] / 280)) == Parallax(frames=4)
    assert parallax(shapes, [0.5] * 14).growth == 0.0


def test_who_stays_jumps_or_is_not_alone_is_told_apart() -> None:
    good = approach(looks(CLOSER), OVAL, 6000)
    assert good is not None
    fine = LivenessEvidence(good, 99.0, 60.0, Reflection(0.97, 1 / 401, 120, 0.03))
    assert confidence_pct(fine) >= 90
    stays = approach(looks([110.0] * 24), OVAL, 6000)
    jumps = approach(looks(CLOSER, jump=300), OVAL, 6000)
    two = approach(looks(CLOSER, faces=2), OVAL, 6000)
    assert all(found is not None for found in (stays, jumps, two))
    for found in (stays, jumps, two, None):
        assert confidence_pct(replace(fine, approach=found)) < 10
    assert approach(looks(CLOSER)[:3], OVAL, 6000) is None
    assert confidence_pct(replace(fine, same_pct=20.0)) < 10


def test_colours_and_depth_cannot_stand_in_for_each_other() -> None:
    found = approach(looks(CLOSER), OVAL, 6000)
    assert found is not None
    fine = LivenessEvidence(found, 99.0, 60.0, Reflection(0.97, 1 / 401, 120, 0.03))
    flat = replace(fine, approach=replace(found, parallax=NO_PARALLAX))
    dark = replace(
        fine, approach=replace(found, parallax=Parallax(0.9, 99.0, 30)), reflection=Reflection(0.4, 0.3, 120, 0.001)
    )
    assert confidence_pct(flat) < 30
    assert confidence_pct(dark) < 30
    assert FeedbackCode.HIGH_LIGHTING_DETECTED in feedback(dark)
    assert feedback(fine) == ()


def test_feedback_says_what_was_wrong() -> None:
    found = Approach(2.0, 0.9, 1.0, 0.1, Parallax(0.3, 20.0, 20), 3.0)
    fine = LivenessEvidence(found, 99.0, 60.0)
    assert feedback(fine) == ()
    for worse, code in (
        (replace(fine, approach=None), FeedbackCode.FACE_NOT_VISIBLE),
        (replace(fine, approach=replace(found, seconds=1.0)), FeedbackCode.FACE_NOT_VISIBLE),
        (replace(fine, covered=0.8), FeedbackCode.FACE_OBSTRUCTION_DETECTED),
        (replace(fine, sharpness_pct=3.0), FeedbackCode.LOW_VIDEO_QUALITY_DETECTED),
        (replace(fine, frames_per_s=5.0), FeedbackCode.LOW_VIDEO_QUALITY_DETECTED),
        (replace(fine, approach=replace(found, overlap=0.1)), FeedbackCode.FACE_NOT_ALIGNED),
        (replace(fine, eyes_closed=0.9), FeedbackCode.EYES_CLOSED_DETECTED),
        (replace(fine, brightness_pct=5.0), FeedbackCode.LOW_LIGHTING_DETECTED),
        (replace(fine, brightness_pct=95.0), FeedbackCode.HIGH_LIGHTING_DETECTED),
        (replace(fine, reflection=Reflection(0.3, 0.5, 100, 0.001)), FeedbackCode.HIGH_LIGHTING_DETECTED),
    ):
        assert feedback(worse) == (code,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Challenge", "FaceMovementChallenge", "ColorDisplayed", "VideoChunk", "SequenceNumber", "x"]
            ),
            inside,
            max_size=3,
        )
    ),
    max_leaves=8,
)
FRAMES = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda kind, payload: pack(text_header(":message-type", "event") + text_header(":event-type", kind), payload),
        st.sampled_from(["VideoEvent", "ClientSessionInformationEvent", "X"]),
        st.binary(max_size=60),
    ),
    st.builds(
        lambda kind, body: inner(kind, {"Challenge": body, "VideoChunk": body}),
        st.sampled_from(["VideoEvent", "ClientSessionInformationEvent"]),
        JSON,
    ),
)


@given(FRAMES)
@settings(max_examples=5_000, deadline=None)
def test_five_thousand_fuzzed_frames_get_modelled_errors_only(frame: bytes) -> None:
    try:
        client_event(decode(frame))
    except EventStreamError:
        return
    except ApiError as error:
        told = exception(error)
        assert isinstance(told, EventMessage)
        assert told.headers[":exception-type"] in MODELLED
