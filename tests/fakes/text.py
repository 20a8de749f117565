"""A text engine for tests: it reads what it was told, whatever the picture shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from custodes.core.slot import Slot
from custodes.engine.results.text import Quad, TextFound, TextLine, TextWord, spanning
from custodes.imaging.image import Image


def word(text: str, left: float, top: float, width: float = 40, height: float = 20, confidence: float = 99) -> TextWord:
    """A word in an upright box in pixels."""
    right, bottom = left + width, top + height
    return TextWord(text, confidence, Quad(((left, top), (right, top), (right, bottom), (left, bottom))))


def line(*words: TextWord) -> TextLine:
    return spanning(words)


TWO_LINES = (line(word("HELLO", 10, 10), word("WORLD", 60, 10, confidence=85)), line(word("again", 10, 40)))


@dataclass
class ScriptedText:
    """Implements TextEngine."""

    lines: tuple[TextLine, ...] = field(default=TWO_LINES)
    model_version: str = "3.0"

    def read(self, slot: Slot, image: Image) -> TextFound:
        slot.require_open()
        return TextFound(image.size, self.lines)
