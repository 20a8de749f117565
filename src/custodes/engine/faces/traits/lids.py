"""Whether the lids of an eye are apart, from how the eye looks; beside the opening that the iris network's points give.

In: crops of eyes as the iris network sees them, and the openings it tells. Out: log odds per eye. Points alone miss
closed eyes: on a closed one the network often draws the outline of an open one. It judges no faces; ``eyes.eyes_open``
joins both eyes.

Source of the features: Dalal and Triggs, Histograms of Oriented Gradients for Human Detection, CVPR 2005; here over the
whole turn, since a dark line under light skin (lashes) is not a light one under dark. Source of the numbers: our own,
fitted by scripts/fit_lids.py on eyes whose lids were drawn shut.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.engine.results.face import FloatArray

_FILE = "lids.npz"
_DIRECTIONS, _CELL_PX = 8, 6
_ROWS, _COLUMNS = slice(14, 56), slice(8, 56)
"""Of the crop of 64 px: lids, lashes and the fold above, without brow and temple."""
_BLUR_PX = 0.8
_OPENING_WEIGHT = 3.0
"""Openings spread over 0.3, the other features over 0.1 of their own."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class LidHead:
    """A linear head: ``weights`` (D,) on ``features`` (N, D), and ``bias``; positive for open lids."""

    weights: FloatArray
    bias: float

    def open_odds(self, crops: FloatArray, openings: FloatArray) -> FloatArray:
        """(N,) logarithms of the odds that the lids are apart.

        Args:
            crops: (N, 3, 64, 64) RGB 0..255, each eye with its outer corner on the left.
            openings: (N,) lid opening over eye width.
        """
        return np.asarray(features(crops, openings) @ self.weights + np.float32(self.bias), np.float32)


def features(crops: FloatArray, openings: FloatArray) -> FloatArray:
    """(N, D) float32: roots of shares of gradients by cell and direction, then the opening; arguments as above."""
    luma = np.stack([cv2.GaussianBlur(grey, (0, 0), _BLUR_PX) for grey in np.einsum("nchw,c->nhw", crops, _LUMA)])
    down, across = np.zeros_like(luma), np.zeros_like(luma)
    down[:, 1:-1] = luma[:, 2:] - luma[:, :-2]
    across[:, :, 1:-1] = luma[:, :, 2:] - luma[:, :, :-2]
    down, across = down[:, _ROWS, _COLUMNS], across[:, _ROWS, _COLUMNS]
    strength = np.hypot(across, down)
    turn = np.mod(np.arctan2(down, across), 2 * np.pi) * (_DIRECTIONS / (2 * np.pi))
    first = np.floor(turn)
    share = turn - first
    cells = [
        _in_cells(strength * ((1 - share) * (first % _DIRECTIONS == k) + share * ((first + 1) % _DIRECTIONS == k)))
        for k in range(_DIRECTIONS)
    ]
    rows = np.stack(cells, axis=1).reshape(len(crops), -1)
    rows = np.sqrt(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-3))
    return np.asarray(np.column_stack([rows, _OPENING_WEIGHT * openings]), np.float32)


def _in_cells(planes: NDArray[np.floating]) -> NDArray[np.floating]:
    count, height, width = planes.shape
    cells = planes.reshape(count, height // _CELL_PX, _CELL_PX, width // _CELL_PX, _CELL_PX)
    return np.asarray(cells.sum(axis=(2, 4)))


def load_lid_head() -> LidHead:
    """The shipped numbers, stored as float16."""
    with (files("custodes.engine.faces.traits") / _FILE).open("rb") as file, np.load(file, allow_pickle=False) as kept:
        return LidHead(np.asarray(kept["weights"], np.float32), float(kept["bias"]))
