"""Checks of a portrait in the spirit of ISO/IEC 19794-5: where the head is, how it is held, lit, and what is behind it.

In: an upright RGB picture, a detected face with its traits, its mesh and its eyes. Out: the checks of one
``Inspection``. Places are measured on the mesh, light and colour on an aligned crop. It says whether a picture suits a
document; for recognition a far worse one will do.

Source of limits: ISO/IEC 19794-5:2005 and its Amendment 1 (pose, head size, eye distance, margins, dynamic range), the
ICAO technical report *Portrait Quality* (2018) for the four zones of even light; the others are our own and marked so
in docs/quality.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.core.box import Size
from custodes.engine.faces.capture import block_edge_ratio, frame_share, native_luma, noise_levels, skin_hue_deg
from custodes.engine.faces.geometry.align import FIVE_SHAPE, ChipFrame, RgbArray, similarity, warp
from custodes.engine.faces.traits.eyes import Eye, mouth_gap
from custodes.engine.results.face import DetectedFace, FloatArray, Judgement, Trait
from custodes.engine.results.portrait import Check, check

_FRAME = ChipFrame(256, looseness=1.9)
"""Shows the head with hair, and something of what is behind it."""
_TOP, _CHIN, _LEFT_EAR, _RIGHT_EAR = 10, 152, 234, 454
_CROWN = 1.28
"""Crown to chin over hair line to chin, in adults about this; hair hides the crown, so it is estimated."""
# Zones of even light in the unit square of the mean face shape: forehead, both cheeks, chin.
_ZONES = ((0.49, 0.00), (0.20, 0.52), (0.78, 0.52), (0.49, 1.02))
_ZONE_PX = 9
_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""Vertices of the face oval in order. Source: MediaPipe's FACEMESH_FACE_OVAL."""

INSPECTED = frozenset({Trait.SMILE, Trait.EYEGLASSES, Trait.SUNGLASSES, Trait.FACE_OCCLUDED})
"""Traits that checks look at; nobody's age or gender is asked for."""

Luma = NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class InspectedFace:
    """What the checks look at: the picture, one face of it, how many there are."""

    rgb: RgbArray
    size: Size
    face: DetectedFace
    vertices_px: FloatArray
    eyes: Mapping[str, Eye]
    faces: int


def checks(seen: InspectedFace) -> tuple[Check, ...]:
    """All checks of one face, in the order of docs/quality.md."""
    crop = _Crop.of(seen)
    return (*_placement(seen), *_bearing(seen), *_light(crop), *_capture(crop))


def _placement(seen: InspectedFace) -> tuple[Check, ...]:
    xy, size = seen.vertices_px[:, :2], seen.size
    pupils = np.array([eye.pupil_px for eye in seen.eyes.values()])
    eyes = pupils.mean(axis=0)
    height = _CROWN * float(np.hypot(*(xy[_TOP] - xy[_CHIN])))
    width = float(np.hypot(*(xy[_LEFT_EAR] - xy[_RIGHT_EAR])))
    return (
        check("faces_in_picture", float(seen.faces)),
        check("eye_distance_px", float(np.hypot(*(pupils[1] - pupils[0])))),
        check("head_height_share", height / size.height),
        check("head_width_share", width / size.width),
        check("eyes_from_left_share", float(eyes[0]) / size.width),
        check("eyes_from_top_share", float(eyes[1]) / size.height),
        check("width_to_height", size.width / size.height),
    )


def _bearing(seen: InspectedFace) -> tuple[Check, ...]:
    face, traits = seen.face, seen.face.traits
    gaze = face.gaze
    turned = None if gaze is None else math.hypot(gaze.yaw_deg, gaze.pitch_deg)
    return (
        check("yaw_deg", face.pose.yaw_deg),
        check("pitch_deg", face.pose.pitch_deg),
        check("roll_deg", face.pose.roll_deg),
        check("gaze_off_camera_deg", turned),
        check("eye_opening_ratio", min(eye.opening for eye in seen.eyes.values())),
        check("mouth_opening_ratio", mouth_gap(seen.vertices_px)),
        check("smile_chance_pct", _chance_pct(traits.smile)),
        check("eyeglasses_chance_pct", _chance_pct(traits.eyeglasses)),
        check("sunglasses_chance_pct", _chance_pct(traits.sunglasses)),
        check("occlusion_chance_pct", _chance_pct(traits.occluded)),
    )


def _chance_pct(judgement: Judgement | None) -> float | None:
    return None if judgement is None else judgement.chance_pct


@dataclass(frozen=True, slots=True, eq=False)
class _Crop:
    """The aligned crop and its parts: masks are True on the face, in the eyes, and on what is behind the head."""

    seen: InspectedFace
    rgb: RgbArray
    luma: Luma
    face: NDArray[np.bool_]
    irises: NDArray[np.bool_]
    background: NDArray[np.bool_]

    @classmethod
    def of(cls, seen: InspectedFace) -> _Crop:
        matrix = similarity(seen.face.points_px, _FRAME.place(FIVE_SHAPE))
        side = _FRAME.size_px
        rgb = warp(seen.rgb, matrix, (side, side))
        inside = warp(np.full_like(seen.rgb, 255), matrix, (side, side))[..., 0] == 255
        place = seen.vertices_px[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        face = _filled(place[list(_OVAL)], side) & inside
        head = _filled(_head(place), side)
        irises = np.zeros((side, side), np.uint8)
        for eye in seen.eyes.values():
            x, y = (round(float(v)) for v in matrix[:, :2] @ eye.pupil_px + matrix[:, 2])
            cv2.circle(irises, (x, y), 3, 1, -1)
        above_chin = np.arange(side)[:, None] < place[_CHIN, 1]
        luma = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)
        return cls(seen, rgb, luma, face, irises.astype(bool) & inside, inside & ~head & above_chin)


def _filled(points: NDArray[np.floating], side: int) -> NDArray[np.bool_]:
    canvas = np.zeros((side, side), np.uint8)
    cv2.fillPoly(canvas, [np.round(points).astype(np.int32)], 1)
    return canvas.astype(bool)


def _head(place: NDArray[np.floating]) -> NDArray[np.float64]:
    """An ellipse around head and hair: half as wide again as the face, reaching above the crown."""
    middle = (place[_TOP] + place[_CHIN]) / 2
    tall, wide = np.hypot(*(place[_TOP] - place[_CHIN])), np.hypot(*(place[_LEFT_EAR] - place[_RIGHT_EAR]))
    turn = np.linspace(0, 2 * np.pi, 64)
    ring = np.stack([0.80 * wide * np.cos(turn), 0.92 * tall * np.sin(turn) - 0.20 * tall], axis=1)
    return np.asarray(middle + ring, np.float64)


def _light(crop: _Crop) -> tuple[Check, ...]:
    skin, rgb = crop.luma[crop.face], crop.rgb.astype(np.float32)
    measured = len(skin) > 0
    low, high = np.percentile(skin, (1, 99)) if measured else (0.0, 0.0)
    spread = rgb.max(axis=2) - rgb.min(axis=2)
    glare = float(((skin > 0.9) & (spread[crop.face] < 25)).mean()) if measured else None
    behind = crop.luma[crop.background]
    enough = len(behind) >= 0.02 * crop.luma.size
    quality = crop.seen.face.quality
    return (
        check("sharpness_pct", quality.sharpness_pct),
        check("brightness_pct", quality.brightness_pct),
        check("dynamic_range_levels", 255 * float(high - low)),
        check("overexposed_share", float((skin > 0.97).mean()) if measured else None),
        check("underexposed_share", float((skin < 0.06).mean()) if measured else None),
        check("even_light_ratio", _evenness(crop)),
        check("highlight_share", glare),
        check("colour_spread_levels", float(spread[crop.face].mean()) if measured else None),
        check("red_eye_share", _redness(rgb[crop.irises], rgb[crop.face])),
        check("background_deviation_pct", 100 * float(behind.std()) if enough else None),
        check("background_lightness_pct", 100 * float(behind.mean()) if enough else None),
    )


def _capture(crop: _Crop) -> tuple[Check, ...]:
    seen = crop.seen
    luma = native_luma(seen.rgb, seen.face.box_px)
    return (
        check("skin_hue_deg", skin_hue_deg(crop.rgb, crop.face)),
        check("noise_levels", None if luma is None else noise_levels(luma)),
        check("block_edge_ratio", None if luma is None else block_edge_ratio(luma)),
        check("frame_share", frame_share(seen.rgb)),
    )


def _evenness(crop: _Crop) -> float | None:
    """Darkest over brightest of four zones of the face; None when one lies outside the picture."""
    zones = np.round(_FRAME.place(np.array(_ZONES))).astype(int)
    means = []
    for x, y in zones:
        part = slice(y - _ZONE_PX, y + _ZONE_PX + 1), slice(x - _ZONE_PX, x + _ZONE_PX + 1)
        if not crop.face[part].mean() > 0.5:
            return None
        means.append(float(crop.luma[part].mean()))
    return min(means) / max(1e-3, *means)


def _redness(irises: NDArray[np.float32], skin: NDArray[np.float32]) -> float | None:
    """Share of pixels in the irises as red as a flash makes a pupil: far redder than the skin in the same light."""
    if len(irises) == 0 or len(skin) == 0:
        return None
    red, others = irises[:, 0], irises[:, 1:].max(axis=1)
    usual = float(np.median(skin[:, 0] / np.maximum(1.0, skin[:, 1:].max(axis=1))))
    return float(((red > 70) & (red > max(1.7, 1.5 * usual) * others)).mean())
