"""Whether a frame shows lines of light text on a dark ground, as credits do.

In: brightness of a small frame. Out: yes or no. It reads nothing: a night scene with rows of lights looks alike to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DARK, _BRIGHT, _STEP = 70, 140, 50
"""Levels of brightness of 255, and how much brighter or darker a pixel is than the one beside it at a letter's edge."""
_MIN_DARK = 0.6
_BRIGHT_SHARES = (0.002, 0.25)
_MIN_EDGES = 0.02
"""Share of a row's pixels that are edges of letters, in a row that runs through text."""
_MAX_LINE = 0.3
"""Height of a line, as a share of the frame's."""
_MIN_WIDTH = 0.08
_MIN_THIN = 0.35
"""Edges for each bright pixel: strokes of letters are a few pixels wide, shapes of things are not."""


def shows_text_lines(luma: NDArray[np.uint8]) -> bool:
    """Whether ``luma``, (H, W) uint8, is dark but for one line of light text or several."""
    bright = luma >= _BRIGHT
    least, most = _BRIGHT_SHARES
    if not least <= bright.mean() <= most or (luma <= _DARK).mean() < _MIN_DARK:
        return False
    edges = np.abs(np.diff(luma.astype(np.int16), axis=1)) >= _STEP
    if edges.sum() < _MIN_THIN * bright.sum():
        return False
    rows = edges.mean(axis=1) >= _MIN_EDGES
    begins = np.flatnonzero(np.diff(np.concatenate([[False], rows, [False]]).astype(np.int8)))
    lines = list(zip(begins[::2], begins[1::2], strict=True))
    height, width = luma.shape
    if not lines or any(end - begin > _MAX_LINE * height for begin, end in lines):
        return False
    spans = [np.flatnonzero(edges[begin:end].any(axis=0)) for begin, end in lines]
    in_lines = sum(int(edges[begin:end].sum()) for begin, end in lines)
    return bool(max(span[-1] - span[0] for span in spans) >= _MIN_WIDTH * width and in_lines >= 0.7 * edges.sum())
