"""What the engine says about a face: plain values with units. No arrays of pixels, no model names.

Angles are degrees in Rekognition's sign convention, see ``Pose``. A member that no model measured is None and is left
out of answers: what cannot be told is not told.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from custodes.core.box import BoxPx, Size

FloatArray = NDArray[np.float32]


MAX_FACES = 100
"""The API looks at no more faces of a picture: the largest."""


class VectorUse(StrEnum):
    """Why a face is embedded. Both give vectors of the same model version, comparable with each other."""

    ENROL = "enrol"
    """Stored once, or compared with one other: seen as closely as the networks allow."""
    QUERY = "query"
    """Searched for and forgotten: seen in less detail, so that searches are fast."""


class Detail(StrEnum):
    """How much ``FaceEngine.detect`` finds out about each face."""

    BOX = "box"
    """Box, confidence, five points, pose and quality only: what search and comparison need."""
    FULL = "full"
    """Adds the 30 landmarks, eyes open, mouth open and gaze."""


@dataclass(frozen=True, slots=True)
class Landmark:
    """A named point; ``name`` is the API's LandmarkType, ``x_px``/``y_px`` pixels of the upright picture."""

    name: str
    x_px: float
    y_px: float


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees, -180 to 180: yaw > 0 faces the picture's right, pitch > 0 up, roll > 0 tilts clockwise."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Brightness and sharpness of the face, 0 to 100; ``shadow_share`` of its middle lies in the dark, 0 to 1."""

    brightness_pct: float
    sharpness_pct: float
    shadow_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """A yes/no statement; ``confidence_pct`` (50 to 100) is the confidence in the stated value."""

    value: bool
    confidence_pct: float

    @property
    def chance_pct(self) -> float:
        """How likely yes is, 0 to 100."""
        return self.confidence_pct if self.value else 100.0 - self.confidence_pct


@dataclass(frozen=True, slots=True)
class Gaze:
    """Eye direction in degrees relative to the camera axis, signs as in Pose, with confidence 0 to 100."""

    yaw_deg: float
    pitch_deg: float
    confidence_pct: float


class Trait(StrEnum):
    """What ``FaceEngine.describe`` can tell of a face's appearance. Values are the API's ``Attribute`` tokens."""

    AGE_RANGE = "AGE_RANGE"
    GENDER = "GENDER"
    EMOTIONS = "EMOTIONS"
    SMILE = "SMILE"
    EYEGLASSES = "EYEGLASSES"
    SUNGLASSES = "SUNGLASSES"
    BEARD = "BEARD"
    MUSTACHE = "MUSTACHE"
    FACE_OCCLUDED = "FACE_OCCLUDED"


@dataclass(frozen=True, slots=True)
class AgeRange:
    """Whole years, both ends included; ``low_years`` at most ``high_years``. Coverage: docs/faces.md."""

    low_years: int
    high_years: int


@dataclass(frozen=True, slots=True)
class Emotion:
    """How an expression looks to people who label pictures, not what anybody feels; ``confidence_pct`` 0 to 100."""

    name: str
    confidence_pct: float


@dataclass(frozen=True, slots=True)
class Traits:
    """What was asked for by ``Trait`` and measured; all else is None.

    Attributes:
        male: how a stranger would read the face, man (True) or woman; not the person's own gender.
        emotions: the seven expressions that the networks tell apart, most likely first; confidences sum to 100.
    """

    age: AgeRange | None = None
    male: Judgement | None = None
    emotions: tuple[Emotion, ...] | None = None
    smile: Judgement | None = None
    eyeglasses: Judgement | None = None
    sunglasses: Judgement | None = None
    beard: Judgement | None = None
    mustache: Judgement | None = None
    occluded: Judgement | None = None


NOTHING_TOLD = Traits()


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """One face in one picture.

    Attributes:
        box_px: the face from brow to chin.
        confidence_pct: 0 to 100, that the box holds a face.
        points_px: (5, 2) float32, pixels: left eye, right eye, nose tip, left and right mouth corner, where left is
            the smaller x of an upright face.
        landmarks: the API's named points; five for Detail.BOX, thirty for Detail.FULL.
        traits: what ``FaceEngine.describe`` told.
    """

    box_px: BoxPx
    confidence_pct: float
    points_px: FloatArray
    landmarks: tuple[Landmark, ...]
    pose: Pose
    quality: Quality
    eyes_open: Judgement | None = None
    mouth_open: Judgement | None = None
    gaze: Gaze | None = None
    traits: Traits = NOTHING_TOLD


@dataclass(frozen=True, slots=True)
class FacesFound:
    """All faces of a picture, largest box first, and the size the boxes refer to."""

    size: Size
    faces: tuple[DetectedFace, ...]


class QualityFilter(StrEnum):
    """How strict to be about which faces are worth a vector (API enum)."""

    NONE = "NONE"
    AUTO = "AUTO"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class PoorReason(StrEnum):
    """Why a face is not worth a vector (API enum ``Reason`` without EXCEEDS_MAX_FACES)."""

    EXTREME_POSE = "EXTREME_POSE"
    LOW_BRIGHTNESS = "LOW_BRIGHTNESS"
    LOW_SHARPNESS = "LOW_SHARPNESS"
    LOW_CONFIDENCE = "LOW_CONFIDENCE"
    SMALL_BOUNDING_BOX = "SMALL_BOUNDING_BOX"
    LOW_FACE_QUALITY = "LOW_FACE_QUALITY"
