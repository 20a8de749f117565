"""The typeface of everything drawn: Noto Sans, with the letters of Latin, Greek, Cyrillic, Chinese, Japanese, Korean.

In: text, a place, a height in pixels. Out: the text drawn there; letters of other scripts are written in Latin ones.
The files below ``fonts`` are made by scripts/subset_font.py; their licence lies with them.
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

_FOLDER = "fonts"
_FILES = ("european.woff2", "korean.woff2", "han_1.woff2", "han_2.woff2")
"""Where a letter is looked for, in this order."""
# Not a letter in any typeface: it gets the sign that stands for missing ones.
_NO_LETTER = "\uffff"
_PROBE_PX = 16
_DESCENT_SHARE = 0.27
"""How far letters reach below the line they stand on, in heights."""

_Font = PIL.ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Typeface:
    """All files, read once, at any height."""

    contents: tuple[bytes, ...]
    _fonts: dict[tuple[int, int], _Font] = field(default_factory=dict, repr=False)
    _file_of: dict[str, int | None] = field(default_factory=dict, repr=False)

    @classmethod
    @cache
    def load(cls) -> Typeface:
        """The typeface that comes with the program, read at the first call."""
        folder = files(__package__) / _FOLDER
        return cls(tuple((folder / name).read_bytes() for name in _FILES))

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

        return "".join(letter if self._file(letter) is not None else anyascii(letter) for letter in plain)

    def _runs(self, text: str, height_px: int) -> Iterator[tuple[_Font, str]]:
        """``text`` in pieces, each with the file that has its letters."""
        for file, letters in itertools.groupby(text, self._file):
            yield self._font(file or 0, height_px), "".join(letters)

    def _file(self, letter: str) -> int | None:
        """Which file has ``letter``; None for none."""
        if letter.isascii():
            return 0
        if letter not in self._file_of:
            files_with = (file for file in range(len(self.contents)) if self._has(letter, file))
            self._file_of[letter] = next(files_with, None)
        return self._file_of[letter]

    def _has(self, letter: str, file: int) -> bool:
        font = self._font(file, _PROBE_PX)
        shape, missing = font.getmask(letter), font.getmask(_NO_LETTER)
        return shape.size != missing.size or bytes(shape) != bytes(missing)

    def _font(self, file: int, height_px: int) -> _Font:
        if (file, height_px) not in self._fonts:
            # The plain layout is the same on every machine; what needs another is written in Latin letters anyway.
            self._fonts[file, height_px] = PIL.ImageFont.truetype(
                io.BytesIO(self.contents[file]), height_px, layout_engine=PIL.ImageFont.Layout.BASIC
            )
        return self._fonts[file, height_px]
