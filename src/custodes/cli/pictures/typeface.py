"""The typeface of everything drawn: Noto Sans, with the letters of Latin, Greek, Cyrillic, Chinese, Japanese, Korean.

In: text, a place, a height in pixels. Out: the text drawn there; letters of other scripts are written in Latin ones.
The two files below ``fonts`` are made by scripts/subset_font.py; their licence lies with them.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import PIL.ImageDraw
import PIL.ImageFont

_FOLDER, _EUROPEAN, _EAST_ASIAN = "fonts", "european.woff2", "east_asian.woff2"
# Not a letter in any typeface: it gets the sign that stands for missing ones.
_NO_LETTER = "\uffff"
_PROBE_PX = 16
_DESCENT_SHARE = 0.27
"""How far letters reach below the line they stand on, in heights."""

_Font = PIL.ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Typeface:
    """Both files, read once, at any height."""

    european: bytes
    east_asian: bytes
    _fonts: dict[tuple[bool, int], _Font] = field(default_factory=dict, repr=False)
    _known: dict[tuple[bool, str], bool] = field(default_factory=dict, repr=False)

    @classmethod
    @cache
    def load(cls) -> Typeface:
        """The typeface that comes with the program, read at the first call."""
        folder = files(__package__) / _FOLDER
        return cls((folder / _EUROPEAN).read_bytes(), (folder / _EAST_ASIAN).read_bytes())

    def draw(
        self, on: PIL.ImageDraw.ImageDraw, at: tuple[float, float], text: str, height_px: int, ink: tuple[int, int, int]
    ) -> None:
        """Draw one line of text with its upper left corner ``at``; a line is 1.35 times ``height_px`` tall."""
        x, baseline = at[0], at[1] + height_px * (1.35 - _DESCENT_SHARE)
        for font, letters in self._runs(self.legible(text), height_px):
            on.text((x, baseline), letters, fill=ink, font=font, anchor="ls")
            x += font.getlength(letters)

    def length_px(self, text: str, height_px: int) -> float:
        """How wide ``draw`` makes ``text``."""
        return sum(font.getlength(letters) for font, letters in self._runs(self.legible(text), height_px))

    def fitted(self, text: str, height_px: int, width_px: float) -> str:
        """``text``, cut with three dots where it is wider than ``width_px``."""
        shown = self.legible(text)
        if self.length_px(shown, height_px) <= width_px:
            return shown
        while len(shown) > 1 and self.length_px(f"{shown}...", height_px) > width_px:
            shown = shown[:-1]
        return f"{shown}..."

    def legible(self, text: str) -> str:
        """``text`` on one line, with each letter that the typeface lacks written in Latin ones."""
        plain = " ".join(text.split())
        if plain.isascii():
            return plain
        from anyascii import anyascii

        return "".join(
            letter if letter.isascii() or self._has(letter, False) or self._has(letter, True) else anyascii(letter)
            for letter in plain
        )

    def _runs(self, text: str, height_px: int) -> Iterator[tuple[_Font, str]]:
        """``text`` in pieces, each with the file that has its letters."""
        for east_asian, letters in itertools.groupby(text, lambda one: not one.isascii() and not self._has(one, False)):
            yield self._font(east_asian, height_px), "".join(letters)

    def _has(self, letter: str, east_asian: bool) -> bool:
        if (east_asian, letter) not in self._known:
            font = self._font(east_asian, _PROBE_PX)
            shape, missing = font.getmask(letter), font.getmask(_NO_LETTER)
            self._known[east_asian, letter] = shape.size != missing.size or bytes(shape) != bytes(missing)
        return self._known[east_asian, letter]

    def _font(self, east_asian: bool, height_px: int) -> _Font:
        if (east_asian, height_px) not in self._fonts:
            content = self.east_asian if east_asian else self.european
            # The plain layout is the same on every machine; what needs another is written in Latin letters anyway.
            self._fonts[east_asian, height_px] = PIL.ImageFont.truetype(
                io.BytesIO(content), height_px, layout_engine=PIL.ImageFont.Layout.BASIC
            )
        return self._fonts[east_asian, height_px]
