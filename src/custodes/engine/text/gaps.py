"""Where a line of text has wide gaps: a second witness of spaces, which the reading network overlooks in short lines.

In: a strip. Out: the spans of columns that have ink, parted where none has for long; a reading put together from those
of the parts. It reads nothing.

Source of the threshold: Otsu, A Threshold Selection Method from Gray-Level Histograms, IEEE SMC 9(1), 1979.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np

from custodes.engine.text.recognise import Reading, Symbol
from custodes.engine.text.strip import STRIP_PX, RgbArray

Span = tuple[int, int]

_GAP_PX = round(0.23 * STRIP_PX)
"""Gaps between letters of a word are a tenth of the line's height, spaces 0.3 and more of it."""
_EDGE_PX, _LEAST_INK_PX = 4, 2
"""Rows at the rim that do not count, and what of a column has to be ink."""
_AROUND_PX = 6
"""Shown of what is beside a part."""
MOST_PARTS = 12


def spans(strip: RgbArray) -> tuple[Span, ...]:
    """(first, behind the last) column of each part of (48, W, 3) ``strip``, from left to right."""
    luma = cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY)
    _, ink = cv2.threshold(luma, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    if float(np.mean(ink)) > 0.5:
        ink = 1 - ink  # letters are the smaller share, light or dark
    columns = np.flatnonzero(ink[_EDGE_PX:-_EDGE_PX].sum(axis=0) >= _LEAST_INK_PX)
    if not len(columns):
        return ()
    wide = np.flatnonzero(np.diff(columns) > _GAP_PX)
    starts, ends = [columns[0], *columns[wide + 1]], [*columns[wide], columns[-1]]
    return tuple((int(start), int(end) + 1) for start, end in zip(starts, ends, strict=True))


def part(strip: RgbArray, span: Span) -> RgbArray:
    """The part of ``strip`` in ``span``, with a little beside it."""
    return np.ascontiguousarray(strip[:, max(0, span[0] - _AROUND_PX) : span[1] + _AROUND_PX])


def joined(width_px: int, parts: Sequence[tuple[Span, Reading]]) -> Reading:
    """The reading of a strip of ``width_px`` from those of its parts, with spaces between them."""
    symbols: list[Symbol] = []
    for (start, end), reading in parts:
        low, high = max(0, start - _AROUND_PX), min(width_px, end + _AROUND_PX)
        if symbols:
            symbols.append(Symbol(" ", (symbols[-1].at + low / width_px) / 2, 1.0))
        symbols += [
            Symbol(one.text, (low + one.at * (high - low)) / width_px, one.probability) for one in reading.symbols
        ]
    return Reading(tuple(symbols))


def letters(reading: Reading) -> str:
    """What it says without spaces, forms of width made one."""
    return "".join(unicodedata.normalize("NFKC", reading.text).split())


def words(reading: Reading) -> int:
    """How many there are between its spaces."""
    return len(reading.text.split())
