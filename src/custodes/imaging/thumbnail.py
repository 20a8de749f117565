"""Small pictures of faces, for people to look at. In: a picture and a face's box. Out: a JPEG. It stores nothing."""

from __future__ import annotations

import cv2
import numpy as np

from custodes.core.box import BoxPx
from custodes.imaging.image import Image, RgbArray, encode_jpeg

SIDE_PX = 160
_AROUND = 0.25
"""Of the face's longer side, kept on each side of it."""
_QUALITY = 80


def thumbnail(image: Image, box: BoxPx) -> bytes:
    """A square JPEG of ``SIDE_PX`` pixels of the face in ``box``; what lies outside of the picture is grey."""
    half = max(box.width, box.height) * (0.5 + _AROUND)
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    scale = SIDE_PX / (2 * half)
    moved = np.array([[scale, 0, (half - x) * scale], [0, scale, (half - y) * scale]])
    reduced: RgbArray = image.rgb
    if scale < 0.5:
        # Averaged first: a warp alone would take every n-th pixel.
        step = 2 ** int(np.log2(0.5 / scale) + 1)
        height, width = (max(1, side // step) for side in reduced.shape[:2])
        reduced = np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        moved[:, :2] *= [image.rgb.shape[1] / width, image.rgb.shape[0] / height]
    flags, border = cv2.INTER_LINEAR, cv2.BORDER_CONSTANT
    made = cv2.warpAffine(reduced, moved, (SIDE_PX, SIDE_PX), flags=flags, borderMode=border, borderValue=(128,) * 3)
    return encode_jpeg(np.asarray(made, np.uint8), _QUALITY)
