"""The real engine of custom labels over networks that see colours only: predictable, and quick to train.

Also pictures for it: one colour each, or squares of colours on grey.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import PIL.Image
import PIL.ImageDraw
from numpy.typing import NDArray

from custodes.engine.custom.backbone import Backbone
from custodes.engine.custom.pipeline import CustomLabelPipeline

_BINS, _REACH = 11, 2


def colours(squares: NDArray[np.generic]) -> NDArray[np.float32]:
    """(n, 12): mean and spread of each channel, of the whole and of the middle."""
    values = squares.astype(np.float32) / 255
    side = values.shape[-1]
    middle = values[:, :, side // 4 : -side // 4, side // 4 : -side // 4]
    return np.concatenate([f(part, axis=(2, 3)) for part in (values, middle) for f in (np.mean, np.std)], axis=1)


def coloured_cells(planes: NDArray[np.generic]) -> Mapping[str, NDArray[np.float32]]:
    """What a detector would give that sees a square around every cell, and as an object whatever is not grey."""
    found = {}
    for stride in (8, 16, 32):
        grid = 416 // stride
        cells = planes[0].reshape(3, grid, stride, grid, stride).mean((2, 4)) / 255
        spread = cells.max(0) - cells.min(0)
        boxes = np.full((grid * grid, 4, _BINS), -20.0, np.float32)
        boxes[:, :, _REACH] = 20.0
        features = np.zeros((1, 128, grid, grid), np.float32)
        features[0, :3] = cells
        features[0, 3] = spread
        found[f"boxes_{stride}"] = boxes.reshape(1, -1, 4 * _BINS)
        found[f"scores_{stride}"] = np.repeat(spread.reshape(1, -1, 1), 80, axis=2).astype(np.float32)
        found[f"cells_{stride}"] = features
    return found


def colour_engine() -> CustomLabelPipeline:
    """An engine that tells colours apart."""
    return CustomLabelPipeline({"colours": Backbone("colours", 32, colours)}, coloured_cells)


def plain(colour: str, seed: int = 0, size: tuple[int, int] = (120, 90)) -> bytes:
    """A PNG of one colour with a little noise, another one for each seed."""
    noise = np.random.default_rng(seed).integers(-20, 20, (size[1], size[0], 3))
    base = np.array(PIL.Image.new("RGB", size, colour), np.int64)
    return _png(PIL.Image.fromarray(np.clip(base + noise, 0, 255).astype(np.uint8)))


def squares(*placed: tuple[str, int, int, int], size: tuple[int, int] = (416, 416)) -> bytes:
    """A grey PNG with squares: colour, left, top, side."""
    image = PIL.Image.new("RGB", size, "grey")
    draw = PIL.ImageDraw.Draw(image)
    for colour, left, top, side in placed:
        draw.rectangle((left, top, left + side - 1, top + side - 1), colour)
    return _png(image)


def _png(image: PIL.Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
