"""Pictures of a video on this machine: an annotated copy, and the frames in which persons are seen best.

In: a file, findings. Out: a video, or single pictures. Frames come from the locked decoder, at most 1,280 pixels wide;
the copy has no sound, and frames of even length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw

from custodes.cli.pictures.annotate import Pen
from custodes.cli.pictures.typeface import Typeface
from custodes.cli.video.findings import Appearing, Row, VideoFindings
from custodes.cli.video.timeline import TimelineLayout, TimelinePicture, timeline
from custodes.core.errors import UnavailableError
from custodes.storage.media.decoder import LockedDecoder
from custodes.storage.media.files import StructureProbe
from custodes.video.formats.facts import VideoFacts, VideoLimits
from custodes.video.frames import DecodingPlan

CODECS: Mapping[str, str] = {".mp4": "mp4v", ".webm": "VP80"}
"""By suffix. OpenCV's builds have no encoder for H.264, so MP4 is MPEG-4 Part 2, which browsers do not play; they play
WebM. VP9 in MP4 would play there, but takes 3.5 times as long to write as VP8 and some players refuse it."""
_ROWS_BELOW = 8
_STILL_SIDE_PX = 360

Watch = Callable[[float], None]
"""Told the share of the work that is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Film:
    """A video file and its facts."""

    path: Path
    facts: VideoFacts

    @classmethod
    def of(cls, path: Path) -> Film:
        """Raises VideoFormatError or VideoTooLargeError for what is not decoded."""
        return cls(path, StructureProbe(VideoLimits()).facts(path))

    def frames(self, samples_per_second: Fraction) -> Iterator[tuple[int, PIL.Image.Image]]:
        """Times in milliseconds and pictures."""
        plan = DecodingPlan(self.facts.frame_rate, samples_per_second, duration_ms=self.facts.duration_ms)
        with LockedDecoder().frames(self.path, plan) as frames:
            for frame in frames:
                if frame.rgb is not None:
                    yield frame.ts_ms, PIL.Image.fromarray(frame.rgb)


def annotate_video(film: Film, findings: VideoFindings, out: Path, watch: Watch) -> None:
    """Write a copy of ``film`` with boxes and, below the picture, a time line with a moving cursor.

    Raises:
        UnavailableError: ``out`` cannot be written.
    """
    writer: _EvenWriter | None = None
    below: TimelinePicture | None = None
    for ts_ms, picture in film.frames(film.facts.frame_rate):
        if below is None:
            layout = TimelineLayout(picture.width, max(14, picture.width // 50), _ROWS_BELOW)
            below = timeline(findings.rows, findings.duration_ms, layout)
        page = _page(drawn(picture, list(findings.at(ts_ms))), below.with_cursor(ts_ms))
        if writer is None:
            writer = _EvenWriter(out, float(film.facts.frame_rate), page.size)
        writer.write(ts_ms, page)
        watch(ts_ms / max(1, film.facts.duration_ms))
    if writer is not None:
        writer.close()


def stills(film: Film, rows: Sequence[Row], samples_per_second: Fraction, watch: Watch) -> dict[str, PIL.Image.Image]:
    """For each row with a best sighting, the part of its frame that shows it."""
    wanted: dict[int, list[Row]] = {}
    for row in rows:
        if row.best is not None:
            wanted.setdefault(row.best.ts_ms, []).append(row)
    found: dict[str, PIL.Image.Image] = {}
    late = float(1000 / samples_per_second) / 2
    for ts_ms, picture in film.frames(samples_per_second):
        for asked in [one for one in wanted if abs(one - ts_ms) <= late]:
            for row in wanted.pop(asked):
                if row.best is not None:
                    found[row.name] = _still(picture, row.best)
        watch(ts_ms / max(1, film.facts.duration_ms))
        if not wanted:
            break
    return found


def drawn(picture: PIL.Image.Image, sightings: Sequence[Appearing]) -> PIL.Image.Image:
    """``picture`` itself, with outlines and captions."""
    pen = Pen(PIL.ImageDraw.Draw(picture), picture.width, picture.height, Typeface.load())
    for one in sightings:
        if one.corners:
            pen.outline(one.corners, one.colour, one.caption)
    pen.write_captions()
    return picture


def _still(picture: PIL.Image.Image, best: Appearing) -> PIL.Image.Image:
    """The sighting with as much around it again, or the whole picture."""
    if not best.corners:
        return _small(picture)
    xs, ys = [x * picture.width for x, _ in best.corners], [y * picture.height for _, y in best.corners]
    wide, tall = max(xs) - min(xs), max(ys) - min(ys)
    around = max(wide, tall, 48) / 2
    framed = drawn(picture.copy(), [replace(best, caption="")])
    box = (min(xs) - around, min(ys) - around, max(xs) + around, max(ys) + around)
    return _small(
        framed.crop((max(0, box[0]), max(0, box[1]), min(picture.width, box[2]), min(picture.height, box[3])))
    )


def _small(picture: PIL.Image.Image) -> PIL.Image.Image:
    copy = picture.copy()
    copy.thumbnail((_STILL_SIDE_PX, _STILL_SIDE_PX), PIL.Image.Resampling.LANCZOS)
    return copy


def _page(picture: PIL.Image.Image, below: PIL.Image.Image) -> PIL.Image.Image:
    """Both, one above the other, in even sizes."""
    page = PIL.Image.new("RGB", ((picture.width + 1) // 2 * 2, (picture.height + 1) // 2 * 2 + below.height))
    page.paste(picture, (0, 0))
    page.paste(below, (0, page.height - below.height))
    return page


class _EvenWriter:
    """Writes frames of any times as a video of even ones: repeats a frame that lasts, leaves out what is too close."""

    def __init__(self, out: Path, frame_rate: float, size: tuple[int, int]) -> None:
        self._rate = frame_rate
        self._writer = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*CODECS[out.suffix.lower()]), frame_rate, size)
        if not self._writer.isOpened():
            raise UnavailableError(f"{out} cannot be written")
        self._written = 0

    def write(self, ts_ms: int, page: PIL.Image.Image) -> None:
        bgr = np.ascontiguousarray(np.asarray(page)[..., ::-1])
        while self._written <= round(ts_ms * self._rate / 1000):
            self._writer.write(bgr)
            self._written += 1

    def close(self) -> None:
        self._writer.release()
