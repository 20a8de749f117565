"""Shots and cues in made pictures, and against hand labels of real ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from custodes.operations.video.pages import read_pages
from custodes.storage.media.decoder import LockedDecoder
from custodes.video.frames import DecodingPlan
from custodes.video.segments.cues import CueType, find_cues
from custodes.video.segments.curves import Curves, curves_from, curves_of
from custodes.video.segments.shots import find_shots
from custodes.video.segments.signature import FrameSignature, SignatureReader
from tests.fakes.clips import Draw, ScriptedFrames

VIDEOS = Path(__file__).parents[3] / "shared" / "data" / "videos"
RATE = Fraction(25)
# Looked at frame by frame; ends of fades where the mean brightness stands still. Each entry is the frames between two
# shots, from the first that is not of the one before to the first of the next.
BREAKS = {
    "counter": [(10, 10), (20, 20)],
    "shot_change": [(96, 96)],
    "several-people": [],
    "one-by-one-person-detection": [],
    "testvideo": [(30, 30), (180, 240), (331, 423), (529, 558), (664, 719)],
}


def noise(seed: int) -> np.ndarray:
    """A picture unlike those of other seeds: large blocks of colour."""
    blocks = np.random.default_rng(seed).integers(30, 255, (5, 8, 3), dtype=np.uint8)
    return np.kron(blocks, np.ones((36, 40, 1), np.uint8))


def curves(frames: int, draw, rate: Fraction = RATE) -> Curves:
    plan = DecodingPlan(rate, Fraction(0), every_frame=True)
    with ScriptedFrames(frames, draw).frames(Path(), plan) as found:
        return curves_of([(one.ts_ms, one.signature) for one in found if one.signature is not None], 0.2)


def bounds(found: Curves) -> list[tuple[int, int]]:
    return [(shot.start_frame, shot.end_frame) for shot in find_shots(found)]


def test_cuts_are_exact() -> None:
    assert bounds(curves(90, lambda n: noise(n // 30))) == [(0, 29), (30, 59), (60, 89)]


def test_a_blend_belongs_to_no_shot() -> None:
    def draw(n: int) -> np.ndarray:
        share = min(1.0, max(0.0, (n - 39) / 20))
        return np.asarray(noise(1) * (1 - share) + noise(2) * share, np.uint8)

    (first, second) = bounds(curves(100, draw))
    assert first[0] == 0 and abs(first[1] - 39) <= 3
    assert abs(second[0] - 59) <= 3 and second[1] == 99


def test_a_fade_through_black_belongs_to_no_shot() -> None:
    def draw(n: int) -> np.ndarray:
        brightness = min(1.0, max(0.0, (60 - n) / 20)) + min(1.0, max(0.0, (n - 80) / 20))
        return np.asarray(noise(1 if n < 70 else 2) * brightness, np.uint8)

    (first, second) = bounds(curves(160, draw))
    assert abs(first[1] - 40) <= 4 and abs(second[0] - 100) <= 4


def test_a_flash_and_a_moving_thing_are_no_cuts() -> None:
    def draw(n: int) -> np.ndarray:
        rgb = noise(3).copy()
        rgb[40:100, (n * 3) % 200 : (n * 3) % 200 + 60] = 250
        return np.full_like(rgb, 255) if n == 50 else rgb

    assert bounds(curves(100, draw)) == [(0, 99)]


def test_a_video_of_five_frames_is_a_shot() -> None:
    assert bounds(curves(5, lambda n: noise(1))) == [(0, 4)]
    assert find_shots(curves_from([])) == ()


def bars(level: int = 191) -> np.ndarray:
    colours = [(1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1)]
    stripes = np.repeat(np.array(colours, np.uint8) * level, 46, axis=0)[:320]
    return np.tile(stripes[None], (180, 1, 1))


def test_cues_touch_and_cover_the_video() -> None:
    def draw(n: int) -> np.ndarray:
        if n < 50:
            return bars()
        return np.zeros((180, 320, 3), np.uint8) if 100 <= n < 120 else noise(4)

    found = curves(150, draw)
    cues = find_cues(found, 0.99, silent=True)
    assert [(cue.kind, cue.start_frame, cue.end_frame) for cue in cues] == [
        (CueType.COLOUR_BARS, 0, 50),
        (CueType.CONTENT, 50, 100),
        (CueType.BLACK_FRAMES, 100, 120),
        (CueType.CONTENT, 120, 150),
    ]
    assert all(50 <= cue.confidence_pct <= 100 for cue in cues)
    loud = find_cues(found, 0.99, silent=False)
    assert CueType.BLACK_FRAMES not in {cue.kind for cue in loud}


def test_black_is_what_the_request_says() -> None:
    def grey(level: int):
        return lambda n: np.full((180, 320, 3), level, np.uint8)

    def dark(level: int, max_pixel: float) -> float:
        plan = DecodingPlan(RATE, Fraction(0), every_frame=True)
        with ScriptedFrames(1, grey(level)).frames(Path(), plan) as found:
            return float(curves_of([(0, one.signature) for one in found if one.signature], max_pixel).dark[0])

    assert dark(50, 0.2) == 1 and dark(53, 0.2) == 0 and dark(53, 0.21) == 1


def test_signatures_and_curves_go_round_as_bytes() -> None:
    reader = SignatureReader()
    for seed in range(15):
        signature = reader.read(noise(seed))
        again = FrameSignature.from_bytes(signature.to_bytes())
        assert again.to_bytes() == signature.to_bytes()
        assert again.change == pytest.approx(signature.change) and again.bend == pytest.approx(signature.bend)
    whole = curves(30, noise)
    parts = [Curves(*(getattr(whole, name)[a:b] for name in Curves.__slots__)) for a, b in ((0, 7), (7, 7), (7, 30))]
    assert curves_from([part.to_bytes() for part in parts]).to_bytes() == whole.to_bytes()
    with pytest.raises(ValueError, match="length"):
        FrameSignature.from_bytes(b"short")


@pytest.mark.data
@pytest.mark.parametrize("name", sorted(BREAKS))
def test_real_videos_break_where_eyes_see_it(name: str) -> None:
    path = VIDEOS / f"{name}.mp4"
    if not path.is_file():
        pytest.skip("no ../shared/data/videos")
    rate = Fraction(30000, 1001) if name in ("testvideo", "shot_change") else Fraction(25)
    plan = DecodingPlan(rate, Fraction(0), every_frame=True, duration_ms=140_000)
    with LockedDecoder().frames(path, plan) as frames:
        found = curves_of([(one.ts_ms, one.signature) for one in frames if one.signature is not None], 0.2)
    shots = find_shots(found)
    starts = [last for _, last in BREAKS[name] if last < len(found) - 1]
    ends = [first - 1 for first, _ in BREAKS[name]]
    # testvideo begins and ends with black, which is no shot.
    assert [shot.start_frame for shot in shots if shot.start_frame > 0] == pytest.approx(starts, abs=3)
    wanted = ends[1:] if name == "testvideo" else ends
    assert [shot.end_frame for shot in shots if shot.end_frame < len(found) - 1] == pytest.approx(wanted, abs=3)


def card(*lines: str) -> np.ndarray:
    """Light text on black, centred, (180, 320, 3)."""
    rgb = np.zeros((180, 320, 3), np.uint8)
    for at, text in enumerate(lines):
        (across, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
        place = ((320 - across) // 2, 90 + 26 * (at - len(lines) // 2))
        cv2.putText(rgb, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (230, 230, 230), 1, cv2.LINE_AA)
    return rgb


TITLES = (card("A film by", "Ann Example"), card("THE CLOCK"))
ROLL = card("Ann ..... Ann Example", "Ben ..... Ben Sample", "Music ..... Cem Other")


def film_with_credits(n: int) -> np.ndarray:
    """At 2 frames a second: two title cards, a film, credits that roll, black."""
    if n < 12:
        return TITLES[0] if n < 5 else card() if n < 7 else TITLES[1]
    if n < 80:
        return noise(n // 8)
    return np.roll(ROLL, 40 - 4 * (n - 80), axis=0) if n < 96 else card()


def test_credits_are_told_at_the_begin_and_at_the_end() -> None:
    cues = find_cues(curves(100, film_with_credits, Fraction(2)), 0.99, silent=True)
    assert [(one.kind, one.start_frame, one.end_frame) for one in cues] == [
        (CueType.OPENING_CREDITS, 0, 12),
        (CueType.CONTENT, 12, 80),
        (CueType.END_CREDITS, 80, 96),
        (CueType.BLACK_FRAMES, 96, 100),
    ]
    assert all(50 <= one.confidence_pct < 80 for one in cues if "Credits" in one.kind)


def dark_room(n: int) -> np.ndarray:
    return np.asarray(np.clip(np.random.default_rng(n).normal(20, 12, (180, 320, 3)), 0, 255), np.uint8)


@pytest.mark.parametrize(
    ("frames", "draw"),
    [
        pytest.param(range(40, 60), lambda n: card("Ten years later"), id="a title in the middle"),
        pytest.param(range(3), lambda n: card("A film"), id="one second of it"),
        pytest.param(range(20), lambda n: cv2.circle(card(), (150, 75), 30, (250, 240, 200), -1), id="a lamp"),
        pytest.param(range(20), lambda n: np.asarray(255 - card("Chapter one"), np.uint8), id="a bright page"),
        pytest.param(range(20), dark_room, id="a dark room"),
    ],
)
def test_what_is_no_credits(frames: range, draw: Draw) -> None:
    found = curves(100, lambda n: draw(n) if n in frames else noise(n // 8), Fraction(2))
    assert [one.kind for one in find_cues(found, 0.99, silent=False)] == [CueType.CONTENT]


def test_curves_of_jobs_begun_before_text_was_looked_for_are_read() -> None:
    found = curves(20, lambda n: noise(n // 10))
    old = b"C" + found.to_bytes()[: -4 * len(found)]
    [page] = read_pages([old]).curves
    assert curves_from([page]).text.tolist() == [0.0] * 20
    assert curves_from([page]).bars.tolist() == found.bars.tolist()
