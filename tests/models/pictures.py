"""Inputs of golden vectors, made by code from a picture that a test dependency carries: integers, exact anywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from custodes.models.card import ModelCard

_OPEN_SIDE = 224
FACE_TOP, FACE_LEFT, FACE_SIDE = 40, 145, 150


def face_picture(height: int, width: int) -> NDArray[np.float32]:
    """The astronaut's face, nearest-neighbour resampled: (3, height, width) float32, RGB 0..255."""
    from skimage.data import astronaut

    rows = FACE_TOP + (np.arange(height) * FACE_SIDE) // height
    columns = FACE_LEFT + (np.arange(width) * FACE_SIDE) // width
    return astronaut()[rows][:, columns].transpose(2, 0, 1).astype(np.float32)


def golden_input(card: ModelCard) -> NDArray[np.float32]:
    """What the card's golden vectors were computed from: (batch, 3, height, width)."""
    if card.importer == "centerface":
        # The shipped file takes exactly ten pictures of 32 x 32: a row of tiles.
        whole = face_picture(64, 160)
        tiles = [whole[:, 32 * (i // 5) : 32 * (i // 5) + 32, 32 * (i % 5) : 32 * (i % 5) + 32] for i in range(10)]
        return np.stack(tiles)
    if card.importer == "paddle":
        return _printed_line(card)
    _, _, height, width = (size if isinstance(size, int) else _OPEN_SIDE for size in card.input.shape)
    face = face_picture(height, width)
    return np.stack([face, face[:, :, ::-1]])


def _printed_line(card: ModelCard) -> NDArray[np.float32]:
    """Printed words, black on white and inverted, in the size that the network takes; 64 x 320 where that is free."""
    from skimage.data import page

    line = page()[8:36, 2:210]
    _, _, height, width = card.input.shape
    rows = np.arange(height if isinstance(height, int) else 64)
    columns = np.arange(width if isinstance(width, int) else 320)
    picture = line[rows * line.shape[0] // len(rows)][:, columns * line.shape[1] // len(columns)]
    rgb = np.repeat(picture[None], 3, axis=0).astype(np.float32)
    return np.stack([rgb, 255 - rgb])
