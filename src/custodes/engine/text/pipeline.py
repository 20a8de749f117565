"""The text engine: find lines, decide which way up they are, read them, part them into words; here is only their order.

In: a slot and a picture. Out: frozen values of ``engine.text``. It opens no files; ``engine.reading.assembly`` builds
it from the model pack.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from custodes.core.slot import Slot
from custodes.engine.results.text import TextFound, TextLine
from custodes.engine.text.detect import LineDetector, Spot
from custodes.engine.text.gaps import MOST_PARTS, joined, letters, part, spans, words
from custodes.engine.text.orient import Orienter
from custodes.engine.text.places import Place, Straight
from custodes.engine.text.recognise import Reading, Recogniser
from custodes.engine.text.strip import RgbArray
from custodes.engine.text.words import digits_apart, words_of
from custodes.imaging.image import Image

MODEL_VERSION = "3.1"
"""Version of this recipe. It begins where clients of the service expect it."""

_TALL = 1.5
"""A rectangle this much taller than wide is a line that reads up or down; one in between may read any way."""
_SURE = 0.95
"""A reading below is held against the other ways to read the line. On 214 lines drawn by bench/scenes.py at eight
angles, every line turned the wrong way scored less, and no line turned the right way lost to another."""
_APART = 0.55
"""Heights of a line from one digit's middle to the next beyond which a space may be between them."""
_MIN_SCORES = {1: 0.99, 2: 0.88}
_MIN_SCORE, _MIN_SCORE_LONG, _LONG = 0.7, 0.8, 12
"""Readings below are no text: faces, shadows, ornaments, alphabets that the network does not know. One symbol alone is
what it makes of a face: of 70 portraits 27 had such a "line", up to 0.98. A foreign alphabet gives long lines of
middling score."""
_MOST_OF_PICTURE = 0.25
"""One symbol that fills more of the picture is no text."""
_MIN_DENSITY = 0.35
"""Visible symbols per height of the line; fewer are stray marks in a foreign alphabet. Latin text has two."""


@dataclass(frozen=True, slots=True)
class TextSteps:
    """The opened steps in the order in which they run."""

    detector: LineDetector
    orienter: Orienter
    recogniser: Recogniser


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to read one line: where it stands and in which direction, and what came of it."""

    reading: Reading
    place: Place

    def is_text(self, picture_px: float) -> bool:
        """Whether the reading is worth returning, of a picture of so many pixels."""
        symbols = [symbol for symbol in self.reading.symbols if not symbol.text.isspace()]
        count = len(symbols)
        if (
            not any(symbol.text.isalnum() for symbol in symbols)
            or count * self.place.height_px < _MIN_DENSITY * self.place.width_px
        ):
            return False
        if count == 1 and self.place.width_px * self.place.height_px > _MOST_OF_PICTURE * picture_px:
            return False
        score = sum(symbol.probability for symbol in symbols) / count
        return score >= _MIN_SCORES.get(count, _MIN_SCORE_LONG if count >= _LONG else _MIN_SCORE)


class TextPipeline:
    """Implements the ``TextEngine`` port over ONNX networks."""

    def __init__(self, steps: TextSteps, at_a_time: int = 1, model_version: str = MODEL_VERSION) -> None:
        """Keep the steps; at most ``at_a_time`` pictures are read at a time, since each takes hundreds of MB."""
        self._steps = steps
        self.model_version = model_version
        self._turn = threading.BoundedSemaphore(at_a_time)

    def read(self, slot: Slot, image: Image) -> TextFound:
        """All lines of ``image``."""
        slot.require_open()
        with self._turn:
            spots = self._steps.detector.detect(image.rgb)
            best = self._first(image.rgb, spots)
            self._part(image.rgb, best)
            self._reconsider(image.rgb, best)
        picture_px = float(image.rgb.shape[0] * image.rgb.shape[1])
        lines = [_line(attempt) for attempt in best if attempt.is_text(picture_px)]
        return TextFound(image.size, tuple(line for line in lines if line is not None))

    def _first(self, rgb: RgbArray, spots: Sequence[Spot]) -> list[Attempt]:
        """Every line the way that its shape and the angle classifier suggest."""
        ways = [_suggested(spot) for spot in spots]
        strips = [way.strip(rgb) for way in ways]
        for i, chance in enumerate(self._steps.orienter.upside_down(strips)):
            if chance > 0.5:
                ways[i], strips[i] = ways[i].turned(2), np.ascontiguousarray(strips[i][::-1, ::-1])
        return [Attempt(reading, way) for reading, way in zip(self._steps.recogniser.read(strips), ways, strict=True)]

    def _part(self, rgb: RgbArray, best: list[Attempt]) -> None:
        """Read lines that are not sure, or with digits apart, part by part where they have more gaps than spaces.

        What comes of it counts where it has the same letters: gaps tell of spaces, not of text.
        """
        strips = {
            number: attempt.place.strip(rgb)
            for number, attempt in enumerate(best)
            if attempt.reading.weakest < _SURE or digits_apart(attempt.reading.symbols, attempt.place.aspect, _APART)
        }
        parts = {
            number: found
            for number, strip in strips.items()
            if words(best[number].reading) < len(found := spans(strip)) <= MOST_PARTS
        }
        readings = iter(
            self._steps.recogniser.read([part(strips[number], span) for number in parts for span in parts[number]])
        )
        for number, found in parts.items():
            together = joined(strips[number].shape[1], [(span, next(readings)) for span in found])
            before = best[number].reading
            if letters(together) == letters(before) and together.weakest > min(before.weakest, _SURE):
                best[number] = Attempt(together, best[number].place)

    def _reconsider(self, rgb: RgbArray, best: list[Attempt]) -> None:
        """Replace attempts that are not sure by a better one."""
        others = [
            (number, attempt.place.turned(quarters))
            for number, attempt in enumerate(best)
            if attempt.reading.score < _SURE
            for quarters in ((2,) if attempt.place.width_px >= _TALL * attempt.place.height_px else (1, 2, 3))
        ]
        readings = self._steps.recogniser.read([place.strip(rgb) for _, place in others])
        for (number, place), reading in zip(others, readings, strict=True):
            if reading.score > best[number].reading.score:
                best[number] = Attempt(reading, place)


def _suggested(spot: Spot) -> Place:
    """How the spot's shape says that it is read."""
    if spot.arc is not None:
        return spot.arc
    straight = Straight(spot.corners)
    return straight.turned(1) if spot.height_px >= _TALL * spot.width_px else straight


def _line(attempt: Attempt) -> TextLine | None:
    words = words_of(attempt.reading, attempt.place)
    return TextLine(words, attempt.place.quad) if words else None
