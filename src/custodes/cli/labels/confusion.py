"""A confusion matrix as a picture: which label was said where which one is true. In: shares. Out: a PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import PIL.Image
import PIL.ImageDraw

from custodes.cli.pictures.typeface import Typeface

_CELL_PX, _TEXT_PX, _EDGE_PX = 48, 16, 24
_PAPER, _INK, _FULL = (255, 255, 255), (30, 30, 30), (20, 90, 160)


def draw_confusion(shares: Mapping[tuple[str, str], float], names: Sequence[str], out: Path) -> None:
    """Rows are what is true, columns what was said; darker is more. ``shares`` are 0 to 1, by true and said label."""
    face = Typeface.load()
    columns = [*names, *([""] if any(said == "" for _, said in shares) else [])]
    rows = [*names, *([""] if any(true == "" for true, _ in shares) else [])]
    wide = max(int(face.length_px(_named(name), _TEXT_PX)) for name in (*rows, *columns)) + _EDGE_PX
    size = (wide + _CELL_PX * len(columns) + _EDGE_PX, wide + _CELL_PX * len(rows) + _EDGE_PX)
    image = PIL.Image.new("RGB", size, _PAPER)
    draw = PIL.ImageDraw.Draw(image)
    for row, true in enumerate(rows):
        top = wide + row * _CELL_PX
        face.draw(draw, (_EDGE_PX // 2, top + (_CELL_PX - _TEXT_PX) // 2), _named(true), _TEXT_PX, _INK)
        for column, said in enumerate(columns):
            _cell(draw, face, (wide + column * _CELL_PX, top), shares.get((true, said), 0.0))
    for column, said in enumerate(columns):
        upright = PIL.Image.new("RGB", (wide, _CELL_PX), _PAPER)
        face.draw(
            PIL.ImageDraw.Draw(upright), (_EDGE_PX // 2, (_CELL_PX - _TEXT_PX) // 2), _named(said), _TEXT_PX, _INK
        )
        image.paste(upright.rotate(90, expand=True), (wide + column * _CELL_PX, 0))
    image.save(out, "PNG")


def _named(name: str) -> str:
    return name or "nothing"


def _cell(draw: PIL.ImageDraw.ImageDraw, face: Typeface, place: tuple[int, int], share: float) -> None:
    left, top = place
    colour = tuple(round(white + (full - white) * share) for white, full in zip(_PAPER, _FULL, strict=True))
    draw.rectangle((left, top, left + _CELL_PX - 2, top + _CELL_PX - 2), colour)
    if share > 0:
        text = f"{100 * share:.0f}"
        ink = _PAPER if share > 0.5 else _INK
        x = left + (_CELL_PX - int(face.length_px(text, _TEXT_PX))) // 2
        face.draw(draw, (x, top + (_CELL_PX - _TEXT_PX) // 2), text, _TEXT_PX, ink)
