"""A frozen network that turns pictures into features, and the views of a picture that training looks at.

In: upright RGB pictures. Out: (n, d) float32. The network is a card's; nothing in it is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.engine.labels.letterbox import RgbArray, stretched
from custodes.engine.results.face import FloatArray

Run = Callable[[NDArray[np.generic]], FloatArray]
_MIDDLE = 0.8
"""Share of each side that the closer views keep."""
MAX_VIEWS = 7


@dataclass(frozen=True, slots=True)
class Backbone:
    """One network.

    Attributes:
        name: of its card.
        side_px: of its square input.
        run: maps (n, 3, side, side) to (n, d).
    """

    name: str
    side_px: int
    run: Run

    def features(self, pictures: Sequence[RgbArray]) -> FloatArray:
        """(n, d) features, one row a picture."""
        squares = [stretched(picture, self.side_px) for picture in pictures]
        return np.concatenate([self.run(square) for square in squares])


def views(rgb: RgbArray, count: int) -> list[RgbArray]:
    """``count`` views, 1 to 7: as it is, mirrored, its middle, and its corners, every other one mirrored."""
    height, width = rgb.shape[:2]
    tall, wide = max(1, round(height * _MIDDLE)), max(1, round(width * _MIDDLE))
    places = [
        ((height - tall) // 2, (width - wide) // 2),
        (0, 0),
        (height - tall, width - wide),
        (0, width - wide),
        (height - tall, 0),
    ]
    cut = [rgb[y : y + tall, x : x + wide] for y, x in places]
    found = [rgb, rgb[:, ::-1], *(view[:, ::-1] if i % 2 else view for i, view in enumerate(cut))]
    return [np.ascontiguousarray(view) for view in found[:count]]
