"""Inputs of golden vectors, made by code from a picture that a test dependency carries: integers, exact anywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from custodes.engine.card import ModelCard

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
    _, _, height, width = card.input.shape
    assert isinstance(height, int)
    assert isinstance(width, int)
    face = face_picture(height, width)
    return np.stack([face, face[:, :, ::-1]])
