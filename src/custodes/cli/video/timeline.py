"""A time line as a picture: one row for each person, label or text, with a bar where it is seen.

In: rows with stretches of time. Out: an RGB picture. It reads no files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from custodes.cli.video.findings import Row, clock

_PAPER, _INK, _PALE, _CURSOR = (255, 255, 255), (30, 30, 30), (226, 226, 226), (220, 30, 30)
_LABEL_SHARE = 0.24
_TICKS_MS = (500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000)
_MOST_TICKS = 9


@dataclass(frozen=True, slots=True)
class TimelineLayout:
    """How large a time line is: its width, the height of a row, and how many rows at most."""

    width_px: int = 1200
    row_px: int = 24
    max_rows: int = 40


@dataclass(frozen=True, slots=True)
class TimelinePicture:
    """A drawn time line, and where its times are."""

    picture: PIL.Image.Image
    left_px: int
    right_px: int
    duration_ms: int

    def with_cursor(self, ts_ms: int) -> PIL.Image.Image:
        """A copy with a line at ``ts_ms``."""
        copy = self.picture.copy()
        x = self.left_px + (self.right_px - self.left_px) * min(1.0, ts_ms / max(1, self.duration_ms))
        PIL.ImageDraw.Draw(copy).line((x, 0, x, copy.height), fill=_CURSOR, width=2)
        return copy


def timeline(rows: Sequence[Row], duration_ms: int, layout: TimelineLayout) -> TimelinePicture:
    """``rows`` over ``duration_ms``; rows beyond the most are counted in the last line."""
    shown = list(rows[: layout.max_rows])
    left_out = len(rows) - len(shown)
    lines = len(shown) + 1 + bool(left_out)
    # Encoders of videos want even sizes.
    height = (lines * layout.row_px + layout.row_px // 2 + 1) // 2 * 2
    picture = PIL.Image.new("RGB", (layout.width_px, height), _PAPER)
    draw = PIL.ImageDraw.Draw(picture)
    text_px = round(layout.row_px * 0.6)
    font = PIL.ImageFont.load_default(text_px)
    left, right = round(layout.width_px * _LABEL_SHARE), layout.width_px - 2 * text_px

    def at(ts_ms: int) -> float:
        return left + (right - left) * min(1.0, ts_ms / max(1, duration_ms))

    for ts_ms in ticks(duration_ms):
        draw.line((at(ts_ms), 0, at(ts_ms), height), fill=_PALE)
        draw.text((at(ts_ms) + 3, 2), clock(ts_ms), fill=_INK, font=font)
    for number, row in enumerate(shown, 1):
        top = number * layout.row_px
        draw.text((text_px // 2, top + 2), _fitting(draw, font, row.name, left - text_px), fill=_INK, font=font)
        for start, end in row.spans:
            # A gap between shots that follow each other, and at least a dot for what is seen once.
            x1, x2 = at(start), max(at(start) + 2, at(end) - 1)
            draw.rectangle((x1, top + 3, x2, top + layout.row_px - 4), fill=row.colour)
    if left_out:
        draw.text((text_px // 2, (len(shown) + 1) * layout.row_px + 2), f"and {left_out} more", fill=_INK, font=font)
    return TimelinePicture(picture, left, right, duration_ms)


def ticks(duration_ms: int) -> range:
    """Times that are marked: round ones, not too many."""
    step = next((step for step in _TICKS_MS if duration_ms / step <= _MOST_TICKS), _TICKS_MS[-1])
    return range(0, max(1, duration_ms), step)


def _fitting(
    draw: PIL.ImageDraw.ImageDraw,
    font: PIL.ImageFont.ImageFont | PIL.ImageFont.FreeTypeFont,
    text: str,
    width_px: float,
) -> str:
    shown = text
    while len(shown) > 1 and draw.textlength(shown, font=font) > width_px:
        shown = f"{shown[:-2]}…"
    return shown
