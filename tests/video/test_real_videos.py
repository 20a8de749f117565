"""Cuts of real videos against labels made by eye and against PySceneDetect, and what is known of their structure."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from custodes.storage.media.decoder import LockedDecoder
from custodes.storage.media.files import StructureProbe
from custodes.video.formats.facts import VideoLimits
from custodes.video.frames import DecodingPlan
from custodes.video.segments.curves import curves_of
from custodes.video.segments.shots import Shot, find_shots

VIDEOS = Path(__file__).parents[3] / "shared" / "data" / "videos"
LABELS = json.loads(Path(__file__).with_name("hand_labels.json").read_text(encoding="utf-8"))
AT_ONCE = 12.0
"""Change from one frame to the next that no blend or fade has."""
# The longest one shows no cuts, and takes as long as all others together.
QUICK = ("counter.mp4", "fades.mp4", "several-people.mp4", "shot_change.mp4", "testvideo.mp4")


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[tuple[Shot, ...], list[int]]]:
    """Shots of each video, and the ends of shots at which the picture changes at once."""
    if not VIDEOS.is_dir():
        pytest.skip(f"there are no videos in {VIDEOS}")
    return {name: _found(VIDEOS / name) for name in QUICK}


@pytest.fixture
def shots(found: dict[str, tuple[tuple[Shot, ...], list[int]]]) -> dict[str, tuple[Shot, ...]]:
    return {name: some for name, (some, _) in found.items()}


def _found(path: Path) -> tuple[tuple[Shot, ...], list[int]]:
    facts = StructureProbe(VideoLimits()).facts(path)
    plan = DecodingPlan(facts.frame_rate, Fraction(0), every_frame=True, duration_ms=facts.duration_ms)
    with LockedDecoder().frames(path, plan) as frames:
        curves = curves_of([(one.ts_ms, one.signature) for one in frames if one.signature is not None], 0.2)
    shots = find_shots(curves)
    ends = {shot.start_frame for shot in shots} | {shot.end_frame + 1 for shot in shots}
    return shots, sorted(frame for frame in ends if 0 < frame < len(curves) and curves.change[frame] >= AT_ONCE)


def f1(told: list[tuple[str, int]], wanted: list[tuple[str, int]], within: int) -> float:
    left, hits = list(wanted), 0
    for name, frame in told:
        near = [one for one in left if one[0] == name and abs(one[1] - frame) <= within]
        if near:
            left.remove(near[0])
            hits += 1
    return 2 * hits / (len(told) + len(wanted))


def flat(by_name: dict[str, list[int]]) -> list[tuple[str, int]]:
    return [(name, frame) for name in QUICK for frame in by_name[name]]


def test_hard_cuts_are_exact(shots: dict[str, tuple[Shot, ...]]) -> None:
    assert [(one.start_frame, one.end_frame) for one in shots["shot_change.mp4"]] == [(0, 95), (96, 147)]
    assert [(one.start_frame, one.end_frame) for one in shots["counter.mp4"]] == [(0, 9), (10, 19), (20, 29)]
    # From black at once, to black at once.
    assert (shots["testvideo.mp4"][0].start_frame, shots["testvideo.mp4"][0].end_frame) == (30, 179)
    assert len(shots["several-people.mp4"]) == 1


def test_blends_and_fades_belong_to_no_shot(shots: dict[str, tuple[Shot, ...]]) -> None:
    soft = [(one.start_frame, one.end_frame) for one in shots["testvideo.mp4"][1:]]
    assert len(soft) == 3
    # By eye: full pictures from 238, 421, 558 to 333, 530, 666, give or take a few frames.
    for (start, end), (first, last) in zip(soft, [(238, 333), (421, 530), (558, 666)], strict=True):
        assert abs(start - first) <= 5 and abs(end - last) <= 5


def test_f1_against_labels_and_against_pyscenedetect(found: dict[str, tuple[tuple[Shot, ...], list[int]]]) -> None:
    hard = {name: cuts for name, (_, cuts) in found.items()}
    assert f1(flat(hard), flat(LABELS["cuts"]), within=0) == 1.0
    # PySceneDetect misses the two cuts between plain colours and takes one fade for a cut; the rest is the same.
    assert f1(flat(hard), flat(LABELS["pyscenedetect_content"]), within=1) >= 0.66
    assert f1(flat(LABELS["pyscenedetect_content"]), flat(LABELS["cuts"]), within=1) < 0.7
