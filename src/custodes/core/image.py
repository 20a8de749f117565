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
        rgb: (H, W, 3) uint8, C-contiguous, EXIF orientation applied. May be smaller than the file says when a large
            JPEG was decoded at a reduced scale; boxes in pixels refer to these pixels, ratios to any scale.
        sha256: digest of the bytes as received.
    """

    rgb: NDArray[np.uint8]
    sha256: bytes

    @property
    def size(self) -> Size:
        """Width and height of ``rgb``."""
        return Size(self.rgb.shape[1], self.rgb.shape[0])
