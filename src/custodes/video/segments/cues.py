"""Technical cues: stretches of black frames, of colour bars and of credits, and the content between them.

In: what single frames look like. Out: stretches of frames. Credits are told by light text on a dark ground near the
begin or the end; those over moving pictures are not found. Slates and logos of studios are never told: nothing here can
tell them.

Source of the colours: SMPTE ECR 1-1978 (75 % bars), EBU bars: grey or white, yellow, cyan, green, magenta, red, blue.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from custodes.video.segments.signature import THUMB_HEIGHT, THUMB_WIDTH, Float, UInt8

# Red, green and blue of each bar: on or off.
_SEVEN = ((1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1))
_EIGHT = (*_SEVEN, (0, 0, 0))
_ON, _OFF = 0.6, 0.35
"""Shares of the brightest value: 75 % bars have nothing between a tenth and seven tenths of it."""
_MIN_BRIGHTEST = 90
_MAX_SPREAD = 14.0
_MIN_BARS_MS = 1000
_MIN_OPENING_MS, _MIN_END_MS = 2000, 3000
"""Of text altogether, in opening and end credits."""
_MAX_GAP_MS = 3000
"""Of darkness between two cards of credits."""
_DARK_GAP = 0.9
_NEAR_END = 0.2
"""Opening credits begin in the first fifth of a video, end credits in its last; both within some minutes of the end."""
_MAX_FROM_END_MS = 900_000
_CREDITS_PCT = 75.0
"""Rows of lights at night look alike, so this is never more than likely."""


class CueType(StrEnum):
    """What a stretch shows (API enum TechnicalCueType, as far as it is found)."""

    COLOUR_BARS = "ColorBars"
    BLACK_FRAMES = "BlackFrames"
    CONTENT = "Content"
    OPENING_CREDITS = "OpeningCredits"
    END_CREDITS = "EndCredits"


@dataclass(frozen=True, slots=True)
class Cue:
    """A stretch of frames: ``end_frame`` is where the next stretch begins. Confidence 50 to 100."""

    kind: CueType
    start_frame: int
    end_frame: int
    confidence_pct: float


class CueCurves(Protocol):
    """What cues are found in: (N,) times of frames, shares of black pixels, 1 where there are colour bars, or text."""

    @property
    def ts_ms(self) -> Float:
        """Milliseconds."""
        ...

    @property
    def dark(self) -> Float:
        """0 to 1."""
        ...

    @property
    def bars(self) -> Float:
        """0 or 1."""
        ...

    @property
    def text(self) -> Float:
        """0 or 1."""
        ...


def is_colour_bars(thumb: UInt8) -> bool:
    """Whether a thumbnail, (18, 32, 3) uint8 RGB, shows seven or eight bars in their order over its upper half."""
    return any(_shows(thumb, bars) for bars in (_SEVEN, _EIGHT))


def _shows(thumb: UInt8, bars: tuple[tuple[int, int, int], ...]) -> bool:
    width = THUMB_WIDTH / len(bars)
    upper = thumb[2 : THUMB_HEIGHT // 2].astype(np.float32)
    for at, wanted in enumerate(bars):
        first, last = round(at * width + 0.3 * width), round(at * width + 0.7 * width)
        stripe = upper[:, first : max(last, first + 1)].reshape(-1, 3)
        brightest = float(upper.max())
        if brightest < _MIN_BRIGHTEST or float(stripe.std(axis=0).max()) > _MAX_SPREAD:
            return False
        shares = stripe.mean(axis=0) / brightest
        if any(share < _ON if on else share > _OFF for share, on in zip(shares, wanted, strict=True)):
            return False
    return True


def find_cues(curves: CueCurves, min_coverage: float, *, silent: bool) -> tuple[Cue, ...]:
    """Cues in order of time, touching each other, from the first frame to the last.

    Args:
        curves: of all frames.
        min_coverage: share of black pixels that makes a black frame.
        silent: the video has no sound. Black frames with sound are content, and sound is not analysed here, so that
            black frames are told for silent videos only.
    """
    ts_ms, dark, bars = curves.ts_ms, curves.dark, curves.bars
    count = len(ts_ms)
    if count == 0:
        return ()
    roll = _credits(curves)
    found = roll + [
        Cue(CueType.COLOUR_BARS, first, last + 1, 99.0)
        for first, last in _runs(bars > 0)
        if ts_ms[last] - ts_ms[first] >= _MIN_BARS_MS
    ]
    if silent:
        for first, last in _runs(dark >= min_coverage):
            if any(cue.start_frame <= last and first < cue.end_frame for cue in roll):
                continue  # the darkness between two cards
            share = float(dark[first : last + 1].mean())
            margin = 1.0 if min_coverage >= 1 else (share - min_coverage) / (1 - min_coverage)
            found.append(Cue(CueType.BLACK_FRAMES, first, last + 1, 75.0 + 25.0 * margin))
    found.sort(key=lambda cue: cue.start_frame)
    return _with_content(found, count)


def _credits(curves: CueCurves) -> list[Cue]:
    """At most one stretch at the begin and one at the end."""
    ts_ms, text, dark = curves.ts_ms, curves.text, curves.dark
    stretches: list[tuple[int, int, float]] = []
    for first, last in _runs(text > 0):
        shown_ms = float(ts_ms[last] - ts_ms[first])
        if stretches:
            begin, end, before_ms = stretches[-1]
            gap = dark[end + 1 : first]
            if ts_ms[first] - ts_ms[end] <= _MAX_GAP_MS and bool((gap >= _DARK_GAP).all()):
                stretches[-1] = (begin, last, before_ms + shown_ms)
                continue
        stretches.append((first, last, shown_ms))
    total = float(ts_ms[-1])
    near = min(_NEAR_END * total, _MAX_FROM_END_MS)
    opening = [one for one in stretches if ts_ms[one[0]] <= near and one[2] >= _MIN_OPENING_MS][:1]
    ending = [one for one in stretches if ts_ms[one[0]] >= total - near and one[2] >= _MIN_END_MS][-1:]
    told = ((CueType.OPENING_CREDITS, opening), (CueType.END_CREDITS, ending))
    return [Cue(kind, first, last + 1, _CREDITS_PCT) for kind, found in told for first, last, _ in found]


def _with_content(found: list[Cue], count: int) -> tuple[Cue, ...]:
    cues, at = [], 0
    for cue in found:
        if cue.start_frame > at:
            cues.append(Cue(CueType.CONTENT, at, cue.start_frame, cue.confidence_pct))
        cues.append(cue)
        at = cue.end_frame
    if at < count:
        cues.append(Cue(CueType.CONTENT, at, count, found[-1].confidence_pct if found else 99.0))
    return tuple(cues)


def _runs(where: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """First and last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
    return [(int(first), int(last) - 1) for first, last in zip(edges[::2], edges[1::2], strict=True)]
