"""Which way up a strip of text is.

In: strips. Out: for each the probability that it is upside down. It turns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from custodes.engine.faces.detection.detect import FaceNetwork
from custodes.engine.text.strip import STRIP_PX, RgbArray, batch

_WIDTH_PX = 192
_AT_ONCE = 16


class Orienter:
    """Asks PP-OCR's angle classifier."""

    def __init__(self, network: FaceNetwork) -> None:
        """Keep the opened ``network``."""
        self._network = network

    def upside_down(self, strips: Sequence[RgbArray]) -> list[float]:
        """Probability per strip, 0 to 1. A long strip is squeezed, as in training."""
        found: list[float] = []
        for start in range(0, len(strips), _AT_ONCE):
            some = [_squeezed(strip) for strip in strips[start : start + _AT_ONCE]]
            found += self._network.run({"rgb": batch(some, _WIDTH_PX)})["turned"][:, 1].tolist()
        return found


def _squeezed(strip: RgbArray) -> RgbArray:
    """The strip, no wider than the network takes."""
    if strip.shape[1] <= _WIDTH_PX:
        return strip
    return np.asarray(cv2.resize(strip, (_WIDTH_PX, STRIP_PX), interpolation=cv2.INTER_AREA), np.uint8)
