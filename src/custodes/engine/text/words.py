"""Symbols of a line to words with places and confidences.

In: a reading and where its line is. Out: words. A word ends at a space, or where the gap to the next symbol is far
wider than the line's symbols are.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from custodes.engine.results.text import TextWord
from custodes.engine.text.places import Place
from custodes.engine.text.recognise import Reading, Symbol

# Logistic from the logit of the weakest symbol's probability to how often words were right: bench/text.py --fit.
_SLOPE, _OFFSET = 0.728, -0.684
_APART, _DOUBT = 0.75, 0.5
"""Heights of the line from one digit's middle to the next in one word, and what is left of the confidence beyond."""


def words_of(reading: Reading, place: Place) -> tuple[TextWord, ...]:
    """The words of a line in their order; none when there are only spaces."""
    parts = _parts(reading.symbols)
    spans = [_span(part) for part in parts]
    heights = place.aspect
    found = []
    for number, (part, (start, end)) in enumerate(zip(parts, spans, strict=True)):
        # Neighbours meet in the middle of the gap at most; a line begins with its first word and ends with its last.
        low = 0.0 if number == 0 else max(start, (spans[number - 1][1] + start) / 2)
        high = 1.0 if number == len(parts) - 1 else min(end, (end + spans[number + 1][0]) / 2)
        text = unicodedata.normalize("NFKC", "".join(symbol.text for symbol in part))
        confidence = confidence_pct(part) * (_DOUBT if digits_apart(part, heights) else 1.0)
        found.append(TextWord(text, confidence, place.slice(min(low, high), max(low, high))))
    return tuple(found)


def digits_apart(part: Sequence[Symbol], heights: float, apart: float = _APART) -> bool:
    """Whether middles of digits side by side, in a line ``heights`` long, are more than ``apart`` heights apart."""
    return any(
        first.text.isdigit() and second.text.isdigit() and (second.at - first.at) * heights > apart
        for first, second in pairwise(part)
    )


def confidence_pct(symbols: Sequence[Symbol]) -> float:
    """How likely every one of ``symbols`` is right, 0 to 100."""
    weakest = min(max(min(symbol.probability for symbol in symbols), 1e-6), 1 - 1e-6)
    return 100 / (1 + math.exp(-(_SLOPE * math.log(weakest / (1 - weakest)) + _OFFSET)))


def _parts(symbols: Sequence[Symbol]) -> list[list[Symbol]]:
    """Runs of symbols between spaces."""
    parts: list[list[Symbol]] = [[]]
    for symbol in symbols:
        if symbol.text.isspace():
            parts.append([])
        else:
            parts[-1].append(symbol)
    return [part for part in parts if part]


def _span(part: Sequence[Symbol]) -> tuple[float, float]:
    """From where to where a word reaches: half a symbol beyond the middles of its ends."""
    half = (part[-1].at - part[0].at) / (len(part) - 1) / 2 if len(part) > 1 else 0.0
    return max(0.0, part[0].at - half), min(1.0, part[-1].at + half)
