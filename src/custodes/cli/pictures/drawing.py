"""Pictures for people: two faces side by side, and a contact sheet of matches.

In: upright pictures, boxes as ratios, captions. Out: an RGB picture. It reads no files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import PIL.ImageOps

Box: TypeAlias = Mapping[str, float]
"""A BoundingBox of the API: Left, Top, Width, Height as ratios."""

_PAPER, _INK, _FRAME = (255, 255, 255), (30, 30, 30), (0, 150, 90)
_SIDE_PX, _TILE_PX, _GAP_PX, _TEXT_PX = 640, 220, 16, 20
_COLUMNS = 5
# How much around a face a tile shows, in widths of the face.
_MARGIN = 0.6


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture on a sheet: ``picture`` None is a grey field, ``box`` None shows the whole picture."""

    picture: PIL.Image.Image | None
    box: Box | None
    caption: str


def side_by_side(left: Tile, right: Tile, title: str) -> PIL.Image.Image:
    """Both pictures whole, the faces framed, ``title`` below."""
    pictures = [_framed(tile) for tile in (left, right)]
    height = max(picture.height for picture in pictures) + 2 * _TEXT_PX + 3 * _GAP_PX
    sheet = PIL.Image.new("RGB", (2 * _SIDE_PX + 3 * _GAP_PX, height), _PAPER)
    for column, (picture, tile) in enumerate(zip(pictures, (left, right), strict=True)):
        x = _GAP_PX + column * (_SIDE_PX + _GAP_PX)
        sheet.paste(picture, (x + (_SIDE_PX - picture.width) // 2, _GAP_PX))
        _write(sheet, x, height - 2 * _TEXT_PX - 2 * _GAP_PX, tile.caption, _SIDE_PX)
    _write(sheet, _GAP_PX, height - _TEXT_PX - _GAP_PX, title, 2 * _SIDE_PX)
    return sheet


def contact_sheet(query: Tile, matches: Sequence[Tile]) -> PIL.Image.Image:
    """The face asked for first, then its matches, best first, each cut out with its caption."""
    tiles = [query, *matches]
    rows = -(-len(tiles) // _COLUMNS)
    cell_height = _TILE_PX + _TEXT_PX + _GAP_PX
    width = _COLUMNS * (_TILE_PX + _GAP_PX) + _GAP_PX
    sheet = PIL.Image.new("RGB", (width, rows * cell_height + _GAP_PX), _PAPER)
    for number, tile in enumerate(tiles):
        x = _GAP_PX + (number % _COLUMNS) * (_TILE_PX + _GAP_PX)
        y = _GAP_PX + (number // _COLUMNS) * cell_height
        sheet.paste(_cut(tile), (x, y))
        _write(sheet, x, y + _TILE_PX + 2, tile.caption, _TILE_PX)
    return sheet


def _framed(tile: Tile) -> PIL.Image.Image:
    picture = tile.picture if tile.picture else PIL.Image.new("RGB", (_SIDE_PX, _SIDE_PX), (210, 210, 210))
    picture = PIL.ImageOps.contain(picture, (_SIDE_PX, _SIDE_PX), PIL.Image.Resampling.LANCZOS)
    if tile.box is not None:
        PIL.ImageDraw.Draw(picture).rectangle(_corners(tile.box, picture.size), outline=_FRAME, width=4)
    return picture


def _cut(tile: Tile) -> PIL.Image.Image:
    if tile.picture is None:
        return PIL.Image.new("RGB", (_TILE_PX, _TILE_PX), (210, 210, 210))
    if tile.box is None:
        return _fit(tile.picture)
    x1, y1, x2, y2 = _corners(tile.box, tile.picture.size)
    half = max(x2 - x1, y2 - y1) * (0.5 + _MARGIN / 2)
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
    # Outside the picture crop() gives black, which a face near the edge may show.
    area = (int(middle_x - half), int(middle_y - half), int(middle_x + half) + 1, int(middle_y + half) + 1)
    return tile.picture.crop(area).resize((_TILE_PX, _TILE_PX), PIL.Image.Resampling.LANCZOS)


def _fit(picture: PIL.Image.Image) -> PIL.Image.Image:
    small = picture.copy()
    small.thumbnail((_TILE_PX, _TILE_PX))
    tile = PIL.Image.new("RGB", (_TILE_PX, _TILE_PX), _PAPER)
    tile.paste(small, ((_TILE_PX - small.width) // 2, (_TILE_PX - small.height) // 2))
    return tile


def _corners(box: Box, size: tuple[int, int]) -> tuple[float, float, float, float]:
    x, y = box["Left"] * size[0], box["Top"] * size[1]
    return x, y, x + box["Width"] * size[0], y + box["Height"] * size[1]


def _write(sheet: PIL.Image.Image, x: int, y: int, text: str, width_px: int) -> None:
    """``text`` on one line, cut where it does not fit."""
    draw = PIL.ImageDraw.Draw(sheet)
    font = PIL.ImageFont.load_default(_TEXT_PX * 0.75)
    shown = text
    while len(shown) > 1 and draw.textlength(shown, font=font) > width_px:
        shown = f"{shown[:-2]}…"
    draw.text((x, y), shown, fill=_INK, font=font)
