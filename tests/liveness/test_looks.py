"""What is kept of a long video while it is looked at: a few pictures, spread over it, the best among them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np

from custodes.core.box import Size
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.liveness.challenge import ChallengeType, draw
from custodes.operations.liveness.analysis import CLOSE_LOOK_MS, MAX_KEPT, VideoLook
from custodes.video.formats.facts import VideoFacts
from custodes.video.frames import DecodingPlan, VideoFrame
from tests.fakes.engine import Square, SquareEngine, colour

SECONDS, FPS = 30, 10


class Grows:
    """A square that grows for half a minute."""

    @contextmanager
    def frames(self, path: Path, plan: DecodingPlan) -> Iterator[Iterator[VideoFrame]]:
        yield (VideoFrame(n, n * 1000 // FPS, rgb=self._frame(n)) for n in range(SECONDS * FPS))

    def _frame(self, number: int) -> np.ndarray:
        rgb = np.zeros((480, 640, 3), np.uint8)
        side = 100 + number // 2
        top, left = 240 - side // 2, 320 - side // 2
        rgb[top : top + side, left : left + side] = colour(Square(1))
        return rgb


def structure(data: bytes) -> VideoFacts:
    return VideoFacts("vp8", "WebM", SECONDS * 1000, Fraction(FPS), None, Size(640, 480))


def test_pictures_of_a_long_video_are_few_spread_and_begin_with_the_best() -> None:
    look, slot = VideoLook(SquareEngine(), structure, Grows()), Slot(0, RequestId("looks"))
    seen = look.watch(slot, Path("none"), look_ms=CLOSE_LOOK_MS)
    assert seen.frames == SECONDS * FPS and len(seen.sightings) >= 150
    assert len(seen.pictures) <= MAX_KEPT
    times = [ts_ms for _, ts_ms, _ in seen.pictures]
    assert times == sorted(times) and times[0] < 5_000 and times[-1] > 25_000
    challenge = draw(ChallengeType.MOVEMENT, Size(640, 480), random.Random(1).randbytes)
    found = look.findings(slot, seen, challenge, ())
    assert len(found.pictures) == 5
    assert found.pictures[0] is max(seen.pictures, key=lambda one: one[0])[2]
    assert found.evidence.frames_per_s > 9
