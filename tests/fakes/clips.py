"""Small videos for tests, written with the encoder that OpenCV brings (MPEG-4 in MP4, no H.264).

In: frames, RGB. Out: a file. Lossy: flat areas come back within a few levels, so fakes that read colours exactly need
frames from ``ScriptedFrames`` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from custodes.video.frames import DecodingPlan, VideoFrame, first_sample, sample_index
from custodes.video.segments.signature import SignatureReader

Draw = Callable[[int], np.ndarray]


def write_clip(path: Path, frames: int, draw: Draw, fps: float = 25.0, codec: str = "mp4v") -> Path:
    """``draw(n)`` gives frame n as (H, W, 3) uint8 RGB."""
    height, width = draw(0).shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (width, height))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.ascontiguousarray(draw(number)[..., ::-1]))
    writer.release()
    return path


def counted(number: int, width: int = 320, height: int = 240) -> np.ndarray:
    """A grey frame whose brightness tells its number: eight levels for each."""
    return np.full((height, width, 3), number * 8 % 256, np.uint8)


class ScriptedFrames:
    """Implements FrameSource without decoding: ``draw(n)`` is frame n, whatever the file holds."""

    def __init__(self, frames: int, draw: Draw) -> None:
        self._count = frames
        self._draw = draw

    @contextmanager
    def frames(self, path: Path, plan: DecodingPlan) -> Iterator[Iterator[VideoFrame]]:
        yield self._frames(plan)

    def _frames(self, plan: DecodingPlan) -> Iterator[VideoFrame]:
        rate, wanted = plan.frame_rate, plan.samples_per_second
        number = first_sample(plan.from_frame, rate, wanted) if wanted else 0
        signatures = SignatureReader()
        for index in range(self._count):
            rgb = self._draw(index)
            ts_ms = int(Fraction(index * 1000) / rate)
            if plan.every_frame:
                signature = signatures.read(np.ascontiguousarray(rgb[..., ::-1]))
                if index >= plan.from_frame:
                    yield VideoFrame(index, ts_ms, signature=signature)
            if wanted and index == sample_index(number, rate, wanted):
                number += 1
                yield VideoFrame(index, ts_ms, rgb=rgb)


def lossless(path: Path, pictures: list[np.ndarray]) -> Path:
    """A MOV of PNG frames at 25 a second: pixels come back as they were."""
    return write_clip(path, len(pictures), lambda n: pictures[n], codec="png ")


def with_sound(path: Path, track: bytes) -> Path:
    """Put a sound track's structure into a file whose ``moov`` is its last box, as OpenCV writes it."""
    data = bytearray(path.read_bytes())
    at = data.rindex(b"moov") - 4
    assert at + int.from_bytes(data[at : at + 4], "big") == len(data)
    data += track
    data[at : at + 4] = (len(data) - at).to_bytes(4, "big")
    path.write_bytes(data)
    return path
