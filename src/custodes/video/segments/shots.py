"""Shots: stretches filmed without interruption, found in what changes from frame to frame.

In: curves of all frames. Out: shots with the frames they begin and end at. A cut separates two shots exactly. A blend
or a fade belongs to neither: the shot before ends where it begins, the next one begins where it is over; black between
two fades belongs to no shot.

A cut is a change that is large in itself and against its surroundings (after Zabih, Miller and Mai, 1995, and the twin
comparison of Zhang, Kankanhalli and Smoliar, 1993). A blend is seen by its straightness: half way through, each pixel
is the mean of what it was and what it becomes, which moving things are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from custodes.video.segments.curves import Curves
from custodes.video.segments.signature import SPAN_FRAMES, Float

_MIN_CUT = 12.0
"""Smallest change that can be a cut."""
_TIMES_SURROUNDINGS, _ABOVE_SURROUNDINGS = 3.0, 6.0
_AROUND = 8
"""Frames on each side that are a change's surroundings."""
_FLASH_FRAMES = 4
_MIN_DRIFT = 9.0
_MAX_BEND = 0.18
"""Of the drift. Straight blends measure about .1 and less, things that move .5, a panning camera .2."""
_MIN_BLEND_FRAMES = 4
_LEAD_FRAMES = 4
"""A span already is straight when so few of its frames lie outside of the blend."""
_BLACK_LUMA = 6.0
_MIN_SHOT_FRAMES = 6


@dataclass(frozen=True, slots=True)
class Shot:
    """From its first to its last frame. Confidence 50 to 100: how clear its less clear end is."""

    index: int
    start_frame: int
    end_frame: int
    confidence_pct: float


@dataclass(frozen=True, slots=True)
class _Break:
    """Frames from ``first`` to before ``last`` belong to no shot; for a cut there are none. ``margin`` 0 to 1."""

    first: int
    last: int
    margin: float


def find_shots(curves: Curves) -> tuple[Shot, ...]:
    """Shots in order of time."""
    count = len(curves)
    if count == 0:
        return ()
    breaks = _merged([*_blacks(curves), *_blends(curves), *_cuts(curves)])
    shots: list[Shot] = []
    at, margin = 0, 1.0
    for one in (*breaks, _Break(count, count, 1.0)):
        if one.first - at >= min(_MIN_SHOT_FRAMES, count):
            confidence = 50.0 + 50.0 * min(margin, one.margin)
            shots.append(Shot(len(shots), at, one.first - 1, confidence))
        at, margin = max(at, one.last), one.margin
    return tuple(shots)


def surroundings(values: Float, around: int = _AROUND) -> Float:
    """(N,) median of the values within ``around`` frames on both sides of each, itself not counted."""
    padded = np.pad(values, around, mode="reflect" if len(values) > around else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * around + 1)
    others = np.delete(windows, around, axis=1)
    return np.asarray(np.median(others, axis=1), np.float32)


def _cuts(curves: Curves) -> list[_Break]:
    if len(curves) < 2:
        return []
    change = curves.change
    needed = np.maximum(_MIN_CUT, _TIMES_SURROUNDINGS * surroundings(change) + _ABOVE_SURROUNDINGS)
    found = [
        _Break(int(at), int(at), min(1.0, float(change[at] / needed[at]) - 1.0))
        for at in np.flatnonzero(change >= needed)
    ]
    kept = _without_flashes(found, curves)
    # Of changes side by side, as of a cut within a blended frame, the largest is the cut.
    return [one for one in kept if change[one.first] == change[max(0, one.first - 2) : one.first + 3].max()]


def _without_flashes(cuts: list[_Break], curves: Curves) -> list[_Break]:
    """``cuts`` without pairs a few frames apart between which there was a flash: the picture before is back after."""
    kept: list[_Break] = []
    for one in cuts:
        if kept and one.first - kept[-1].first <= _FLASH_FRAMES:
            # The span that ends here began with the last frame before the flash.
            after = kept[-1].first - 1 + SPAN_FRAMES
            if after < len(curves) and curves.drift[after] < _MIN_DRIFT:
                kept.pop()
                continue
        kept.append(one)
    return kept


def _blends(curves: Curves) -> list[_Break]:
    """Runs of frames whose last ``SPAN_FRAMES`` went straight from one picture to another."""
    straight = (curves.drift >= _MIN_DRIFT) & (curves.bend <= _MAX_BEND * curves.drift)
    # A span that holds a cut is no blend: most of its drift happened in one step.
    step = _running_max(curves.change, SPAN_FRAMES)
    straight &= step < 0.5 * np.maximum(curves.drift, _MIN_CUT)
    found = []
    for first, last in _runs(straight, _MIN_BLEND_FRAMES):
        begin = max(0, first - SPAN_FRAMES + 1 + _LEAD_FRAMES)
        end = max(begin, last + 1 - _LEAD_FRAMES)
        found.append(_Break(begin, end, min(1.0, float(curves.drift[first : last + 1].max()) / _MIN_DRIFT - 1)))
    return found


def _blacks(curves: Curves) -> list[_Break]:
    return [_Break(first, last + 1, 1.0) for first, last in _runs(curves.luma <= _BLACK_LUMA, 2)]


def _runs(where: np.ndarray[tuple[int], np.dtype[np.bool_]], least: int) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= least]


def _running_max(values: Float, span: int) -> Float:
    """(N,) largest of each value and the ``span`` - 1 before it."""
    padded = np.concatenate([np.zeros(span - 1, np.float32), values])
    windows = np.lib.stride_tricks.sliding_window_view(padded, span)
    return np.asarray(windows.max(axis=1), np.float32)


def _merged(breaks: list[_Break]) -> list[_Break]:
    """In order; those that overlap or touch become one."""
    merged: list[_Break] = []
    for one in sorted(breaks, key=lambda one: (one.first, one.last)):
        if merged and one.first <= merged[-1].last:
            before = merged.pop()
            merged.append(_Break(before.first, max(before.last, one.last), max(before.margin, one.margin)))
        else:
            merged.append(one)
    return merged
