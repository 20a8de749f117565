"""Pictures for people: two faces side by side, and a contact sheet of matches.

In: upright pictures, boxes as ratios, captions, verdicts. Out: an RGB picture. It reads no files. A frame has the
colour of its verdict, and the caption says the verdict in words: colour alone tells nobody who cannot see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import PIL.Image
import PIL.ImageDraw
import PIL.ImageOps

from custodes.cli.pictures.likeness import LikenessVerdict
from custodes.cli.pictures.typeface import Typeface

Box: TypeAlias = Mapping[str, float]
"""A BoundingBox of the API: Left, Top, Width, Height as ratios."""
Colour: TypeAlias = tuple[int, int, int]

_PAPER, _INK, _PALE, _EMPTY = (255, 255, 255), (30, 30, 30), (110, 110, 110), (225, 225, 225)
_NEUTRAL: Colour = (90, 90, 90)
COLOURS: Mapping[LikenessVerdict, Colour] = MappingProxyType(
    {
        LikenessVerdict.LIKELY: (0, 135, 80),
        LikenessVerdict.POSSIBLE: (205, 120, 0),
        LikenessVerdict.UNLIKELY: (190, 40, 40),
    }
)
"""Colour of a frame by what the similarity allows to say; only a likely match is green."""
_SIDE_PX, _TILE_PX, _GAP_PX = 640, 240, 20
_TITLE_PX, _TEXT_PX, _LINE_PX = 26, 17, 23
_FRAME_SHARE = 100
"""A frame's width is this part of the picture's longer side."""
_COLUMNS = 4
# How much around a face a tile shows, in widths of the face.
_MARGIN = 0.6


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture on a sheet.

    Attributes:
        picture: None is a grey field that says so.
        box: the face; None shows the whole picture.
        lines: caption, line by line.
        verdict: decides the colour; None for a picture that nothing is said of.
    """

    picture: PIL.Image.Image | None
    box: Box | None
    lines: tuple[str, ...]
    verdict: LikenessVerdict | None = None

    @property
    def colour(self) -> Colour:
        """Colour of its frame."""
        return _NEUTRAL if self.verdict is None else COLOURS[self.verdict]


@dataclass(frozen=True, slots=True)
class MatchSheet:
    """Matches in a collection, best first."""

    collection: str
    matches: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes lines of text on one sheet."""

    sheet: PIL.Image.Image
    typeface: Typeface

    def line(
        self, at: tuple[int, int], text: str, width_px: int, *, height_px: int = _TEXT_PX, ink: Colour = _INK
    ) -> None:
        """``text`` on one line of at most ``width_px``, cut where it does not fit."""
        shown = self.typeface.fitted(text, height_px, width_px)
        self.typeface.draw(PIL.ImageDraw.Draw(self.sheet), at, shown, height_px, ink)


def side_by_side(left: Tile, right: Tile, title: tuple[str, str]) -> PIL.Image.Image:
    """Both pictures whole, the faces framed; above them a headline in the verdict's colour and what explains it."""
    pictures = [_framed(tile) for tile in (left, right)]
    tallest = max(picture.height for picture in pictures)
    head = _TITLE_PX + _LINE_PX + 2 * _GAP_PX
    sheet = PIL.Image.new("RGB", (2 * _SIDE_PX + 3 * _GAP_PX, head + tallest + _LINE_PX + 2 * _GAP_PX), _PAPER)
    writer = _Writer(sheet, Typeface.load())
    width = sheet.width - 2 * _GAP_PX
    writer.line((_GAP_PX, _GAP_PX // 2), title[0], width, height_px=_TITLE_PX, ink=left.colour)
    writer.line((_GAP_PX, _GAP_PX + _TITLE_PX), title[1], width)
    for column, (picture, tile) in enumerate(zip(pictures, (left, right), strict=True)):
        x = _GAP_PX + column * (_SIDE_PX + _GAP_PX) + (_SIDE_PX - picture.width) // 2
        sheet.paste(picture, (x, head))
        for number, line in enumerate(tile.lines):
            writer.line((x, head + tallest + _GAP_PX // 2 + number * _LINE_PX), line, _SIDE_PX)
    return sheet


def contact_sheet(query: Tile, found: MatchSheet) -> PIL.Image.Image:
    """The face asked for, apart on the left; to the right of a line its matches, each cut out with its caption."""
    lines = max([len(tile.lines) for tile in (query, *found.matches)])
    cell = (_TILE_PX + _GAP_PX, _TILE_PX + lines * _LINE_PX + 2 * _GAP_PX)
    columns = min(_COLUMNS, max(2, len(found.matches)))
    rows = max(1, -(-len(found.matches) // columns))
    head, aside = _TITLE_PX + 2 * _GAP_PX, _TILE_PX + 3 * _GAP_PX
    sheet = PIL.Image.new("RGB", (aside + columns * cell[0] + _GAP_PX, head + rows * cell[1]), _PAPER)
    writer = _Writer(sheet, Typeface.load())
    writer.line((_GAP_PX, _GAP_PX), "Searched for", _TILE_PX, height_px=_TITLE_PX)
    count = len(found.matches)
    told = (
        f"{count} match{'' if count == 1 else 'es'} in {found.collection}" if count else f"Nobody in {found.collection}"
    )
    writer.line((aside + _GAP_PX, _GAP_PX), told, columns * cell[0], height_px=_TITLE_PX)
    PIL.ImageDraw.Draw(sheet).line((aside, _GAP_PX, aside, sheet.height - _GAP_PX), fill=_EMPTY, width=3)
    _place(writer, query, (_GAP_PX, head))
    for number, tile in enumerate(found.matches):
        x, y = aside + _GAP_PX + (number % columns) * cell[0], head + (number // columns) * cell[1]
        _place(writer, tile, (x, y))
    return sheet


def _place(writer: _Writer, tile: Tile, at: tuple[int, int]) -> None:
    """A tile with its frame and caption; the first line of the caption is the one that counts."""
    writer.sheet.paste(_cut(tile), at)
    if tile.picture is None:
        middle = at[1] + _TILE_PX // 2 - _LINE_PX // 2
        writer.line((at[0] + _GAP_PX, middle), "no photo here", _TILE_PX - 2 * _GAP_PX, ink=_PALE)
    frame = (at[0], at[1], at[0] + _TILE_PX - 1, at[1] + _TILE_PX - 1)
    PIL.ImageDraw.Draw(writer.sheet).rectangle(frame, outline=tile.colour, width=_frame_px(_TILE_PX))
    for number, line in enumerate(tile.lines):
        ink = tile.colour if number == 0 and tile.verdict is not None else _INK
        writer.line((at[0], at[1] + _TILE_PX + 4 + number * _LINE_PX), line, _TILE_PX, ink=ink)


def _framed(tile: Tile) -> PIL.Image.Image:
    picture = tile.picture if tile.picture else PIL.Image.new("RGB", (_SIDE_PX, _SIDE_PX), _EMPTY)
    picture = PIL.ImageOps.contain(picture, (_SIDE_PX, _SIDE_PX), PIL.Image.Resampling.LANCZOS)
    if tile.box is not None:
        corners = _corners(tile.box, picture.size)
        PIL.ImageDraw.Draw(picture).rectangle(corners, outline=tile.colour, width=_frame_px(max(picture.size)))
    return picture


def _frame_px(side_px: int) -> int:
    return max(2, round(side_px / _FRAME_SHARE))


def _cut(tile: Tile) -> PIL.Image.Image:
    if tile.picture is None:
        return PIL.Image.new("RGB", (_TILE_PX, _TILE_PX), _EMPTY)
    if tile.box is None:
        return PIL.ImageOps.pad(tile.picture, (_TILE_PX, _TILE_PX), PIL.Image.Resampling.LANCZOS, color=_PAPER)
    x1, y1, x2, y2 = _corners(tile.box, tile.picture.size)
    half = max(x2 - x1, y2 - y1) * (0.5 + _MARGIN / 2)
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
    area = (int(middle_x - half), int(middle_y - half), int(middle_x + half) + 1, int(middle_y + half) + 1)
    # Outside the picture crop() gives black, which a face near the edge may show.
    return tile.picture.crop(area).resize((_TILE_PX, _TILE_PX), PIL.Image.Resampling.LANCZOS)


def _corners(box: Box, size: tuple[int, int]) -> tuple[float, float, float, float]:
    x, y = box["Left"] * size[0], box["Top"] * size[1]
    return x, y, x + box["Width"] * size[0], y + box["Height"] * size[1]
