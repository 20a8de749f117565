"""A face engine for decoded video: faces are flat blobs of strong colour on black, as lossy codecs leave them.

In: frames drawn by ``scene``. Out: what a real engine would say. The colour says who it is, whatever the codec does to
it within a few levels.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import PIL.Image

from custodes.core.box import BoxPx
from custodes.core.slot import Slot
from custodes.engine.results.face import (
    MAX_FACES,
    Detail,
    DetectedFace,
    FacesFound,
    FloatArray,
    Judgement,
    Landmark,
    Pose,
    Quality,
    VectorUse,
)
from custodes.imaging.image import Image
from tests.fakes.engine import DIMENSION, FIVE_NAMES, SquareEngine

COLOURS = {"ann": (220, 30, 30), "bob": (30, 220, 30), "cas": (30, 30, 220), "dot": (220, 220, 30)}
_WHO = np.array(list(COLOURS.values()), np.float32)


@dataclass(frozen=True)
class Blob:
    """Who, and where: left, top and side in pixels."""

    who: str
    left: int
    top: int = 60
    side: int = 48


def scene(*blobs: Blob, width: int = 320, height: int = 240) -> np.ndarray:
    """(H, W, 3) uint8 RGB."""
    rgb = np.zeros((height, width, 3), np.uint8)
    for blob in blobs:
        rgb[blob.top : blob.top + blob.side, blob.left : blob.left + blob.side] = COLOURS[blob.who]
    return rgb


def portrait(who: str) -> bytes:
    """A PNG to enrol."""
    out = io.BytesIO()
    PIL.Image.fromarray(scene(Blob(who, 100))).save(out, "PNG")
    return out.getvalue()


class BlobEngine(SquareEngine):
    """Implements FaceEngine."""

    def detect(self, slot: Slot, image: Image, detail: Detail = Detail.BOX, at_most: int = MAX_FACES) -> FacesFound:
        slot.require_open()
        self.details.append(detail)
        bright = (image.rgb.max(axis=2) > 120).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(bright)
        faces = [_face(*(int(v) for v in stats[at, :4]), detail) for at in range(1, count) if stats[at, 4] > 400]
        return FacesFound(image.size, tuple(sorted(faces, key=lambda face: -face.box_px.area)[:at_most]))

    def embed(self, slot: Slot, image: Image, faces: Sequence[DetectedFace], use: VectorUse) -> FloatArray:
        slot.require_open()
        rows = np.zeros((len(faces), DIMENSION), np.float32)
        for at, face in enumerate(faces):
            box = face.box_px
            colour = image.rgb[int((box.y1 + box.y2) / 2), int((box.x1 + box.x2) / 2)].astype(np.float32)
            rows[at, int(np.abs(_WHO - colour).sum(axis=1).argmin())] = 1
        return rows


def _face(left: int, top: int, width: int, height: int, detail: Detail) -> DetectedFace:
    full = detail is Detail.FULL
    return DetectedFace(
        box_px=BoxPx(left, top, left + width, top + height),
        confidence_pct=99.5,
        points_px=np.full((5, 2), left, dtype=np.float32),
        landmarks=tuple(Landmark(name, left + at, top) for at, name in enumerate(FIVE_NAMES)),
        pose=Pose(yaw_deg=1.0, pitch_deg=-2.0, roll_deg=3.0),
        quality=Quality(brightness_pct=80.0, sharpness_pct=80.0),
        eyes_open=Judgement(value=True, confidence_pct=90.0) if full else None,
        mouth_open=Judgement(value=False, confidence_pct=80.0) if full else None,
    )
