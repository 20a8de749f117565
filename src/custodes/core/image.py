"""Bytes to an upright RGB picture, with limits before allocation. (Filled in by the codec work.)"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.core.box import Size


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """An upright picture.

    Attributes:
        rgb: (H, W, 3) uint8, C-contiguous, EXIF orientation applied.
        sha256: digest of the bytes as received.
        size: width and height that boxes refer to; ``rgb`` may be smaller by libjpeg's decode scale.
    """

    rgb: NDArray[np.uint8]
    sha256: bytes
    size: Size
