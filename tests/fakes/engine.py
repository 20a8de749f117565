"""A face engine for tests: faces are coloured squares on black, their vectors follow from the colour.

In: pictures made by ``picture``. Out: what a real engine would say, exactly predictable. A square's red says who it is,
its green how far this shot is from the person's best one, its blue how good the shot is.
"""

from __future__ import annotations

import io
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import PIL.Image

from custodes.core.box import BoxPx, Size
from custodes.core.ids import ModelVersion
from custodes.core.slot import Slot
from custodes.engine.results.face import (
    MAX_FACES,
    NOTHING_TOLD,
    AgeRange,
    Detail,
    DetectedFace,
    Emotion,
    FacesFound,
    FloatArray,
    Gaze,
    Judgement,
    Landmark,
    PoorReason,
    Pose,
    Quality,
    QualityFilter,
    Trait,
    VectorUse,
)
from custodes.engine.results.liveness import Liveness, LivenessFound
from custodes.engine.results.portrait import Check, Inspection, Inspections
from custodes.imaging.image import Image

DIMENSION = 16
VERSION = ModelVersion("1.0")
GOOD, MEDIOCRE, BLURRED, DARK_AND_BLURRED = 200, 120, 40, 20
FIVE_NAMES = ("eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight")


_TRAITS: Mapping[Trait, tuple[str, object]] = {
    Trait.AGE_RANGE: ("age", AgeRange(25, 35)),
    Trait.GENDER: ("male", Judgement(value=False, confidence_pct=97.0)),
    Trait.EMOTIONS: ("emotions", (Emotion("HAPPY", 90.0), Emotion("CALM", 10.0))),
    Trait.SMILE: ("smile", Judgement(value=True, confidence_pct=96.0)),
    Trait.EYEGLASSES: ("eyeglasses", Judgement(value=False, confidence_pct=95.0)),
    Trait.SUNGLASSES: ("sunglasses", Judgement(value=False, confidence_pct=94.0)),
    Trait.BEARD: ("beard", Judgement(value=False, confidence_pct=93.0)),
    Trait.MUSTACHE: ("mustache", Judgement(value=False, confidence_pct=92.0)),
    Trait.FACE_OCCLUDED: ("occluded", Judgement(value=False, confidence_pct=91.0)),
}


@dataclass(frozen=True)
class Square:
    """A face to draw: who (1 to 8), how far from the best shot (degrees of angle, 0 to 90), where, how good."""

    who: int
    angle_deg: float = 0.0
    left: int = 10
    top: int = 10
    side: int = 60
    blue: int = GOOD


def colour(square: Square) -> tuple[int, int, int]:
    """The colour that stands for this face. Green has steps of 90/255 degrees."""
    return square.who, round(square.angle_deg / 90 * 255), square.blue


def picture(*squares: Square, width: int = 400, height: int = 300) -> bytes:
    """A PNG with the squares on black."""
    rgb = np.zeros((height, width, 3), dtype=np.uint8)
    for square in squares:
        rgb[square.top : square.top + square.side, square.left : square.left + square.side] = colour(square)
    out = io.BytesIO()
    PIL.Image.fromarray(rgb).save(out, "PNG")
    return out.getvalue()


def vector(who: int, green: int) -> FloatArray:
    """Unit vector in the plane of person ``who``: shots of one person differ by their angle, people are orthogonal."""
    angle = green / 255 * math.pi / 2
    unit = np.zeros(DIMENSION, dtype=np.float32)
    unit[(who - 1) % 8], unit[8 + (who - 1) % 8] = math.cos(angle), math.sin(angle)
    return unit


class LinearScale:
    """Implements SimilarityScale: -1 is 0, 1 is 100."""

    def similarity_pct(self, cosine: float) -> float:
        """Linear."""
        return (cosine + 1) * 50

    def cosine(self, similarity_pct: float) -> float:
        """Linear."""
        return similarity_pct / 50 - 1


@dataclass
class SquareEngine:
    """Implements FaceEngine. ``uses`` lists why faces were embedded, ``details`` how they were detected,
    ``traits`` what was described."""

    model_version: ModelVersion = VERSION
    dimension: int = DIMENSION
    uses: list[VectorUse] = field(default_factory=list)
    details: list[Detail] = field(default_factory=list)
    traits: list[frozenset[Trait]] = field(default_factory=list)

    def for_video(self) -> SquareEngine:
        return self

    def detect(self, slot: Slot, image: Image, detail: Detail = Detail.BOX, at_most: int = MAX_FACES) -> FacesFound:
        """Every colour but black is a face."""
        slot.require_open()
        self.details.append(detail)
        packed = image.rgb.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.int32)
        colours = np.unique(packed[packed > 0])
        faces = [_face(packed == shade, int(shade) & 255, detail) for shade in colours]
        return FacesFound(image.size, tuple(sorted(faces, key=lambda face: -face.box_px.area)[:at_most]))

    def describe(
        self, slot: Slot, image: Image, faces: Sequence[DetectedFace], traits: Collection[Trait]
    ) -> tuple[DetectedFace, ...]:
        """Everybody is a smiling woman of thirty without glasses, as far as asked for."""
        slot.require_open()
        self.traits.append(frozenset(traits))
        members = {member: value for trait, (member, value) in _TRAITS.items() if trait in traits}
        return tuple(replace(face, traits=replace(NOTHING_TOLD, **members)) for face in faces)

    def inspect(self, slot: Slot, image: Image, at_most: int = MAX_FACES) -> Inspections:
        """One check that good squares pass, one that could not be measured."""
        found = self.detect(slot, image, at_most=at_most)
        return Inspections(
            found.size,
            tuple(
                Inspection(
                    face,
                    (Check("sharpness_pct", face.quality.sharpness_pct, 50.0), Check("background_deviation_pct", None)),
                )
                for face in found.faces
            ),
        )

    def liveness(self, slot: Slot, image: Image, at_most: int = MAX_FACES) -> LivenessFound:
        """Everybody lives, by a network alone."""
        found = self.detect(slot, image, at_most=at_most)
        faces = tuple(Liveness(face.box_px, face.confidence_pct, 90.0, 95.0, None, 0.5) for face in found.faces)
        return LivenessFound(found.size, faces)

    def embed(self, slot: Slot, image: Image, faces: Sequence[DetectedFace], use: VectorUse) -> FloatArray:
        """The vectors that the colours stand for."""
        slot.require_open()
        self.uses.extend([use] * len(faces))
        found = [vector(int(shade[0]), int(shade[1])) for shade in (_shade(image, face) for face in faces)]
        return np.stack(found) if found else np.empty((0, self.dimension), dtype=np.float32)

    def poor_reasons(self, face: DetectedFace, size: Size, level: QualityFilter) -> tuple[PoorReason, ...]:
        """AUTO refuses blurred squares, HIGH mediocre ones, too."""
        if level is QualityFilter.NONE:
            return ()
        sharpness, reasons = face.quality.sharpness_pct, []
        if face.quality.brightness_pct < 10:
            reasons.append(PoorReason.LOW_BRIGHTNESS)
        if sharpness < (60 if level is QualityFilter.HIGH else 30):
            reasons.append(PoorReason.LOW_SHARPNESS)
        return tuple(reasons)

    def scale(self, *vectors: FloatArray) -> LinearScale:
        """The same for everybody."""
        return LinearScale()


def _shade(image: Image, face: DetectedFace) -> Iterable[int]:
    box = face.box_px
    return image.rgb[int((box.y1 + box.y2) / 2), int((box.x1 + box.x2) / 2)].tolist()


def _face(where: np.ndarray, blue: int, detail: Detail) -> DetectedFace:
    ys, xs = np.nonzero(where)
    box = BoxPx(float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
    full = detail is Detail.FULL
    names = (*FIVE_NAMES, "chinBottom", "leftPupil") if full else FIVE_NAMES
    return DetectedFace(
        box_px=box,
        confidence_pct=99.5,
        points_px=np.full((5, 2), box.x1, dtype=np.float32),
        landmarks=tuple(Landmark(name, box.x1 + i, box.y1) for i, name in enumerate(names)),
        pose=Pose(yaw_deg=1.0, pitch_deg=-2.0, roll_deg=3.0),
        quality=Quality(brightness_pct=blue / 2.55 if blue != DARK_AND_BLURRED else 5.0, sharpness_pct=blue / 2.55),
        eyes_open=Judgement(value=True, confidence_pct=90.0) if full else None,
        mouth_open=Judgement(value=False, confidence_pct=80.0) if full else None,
        gaze=Gaze(4.0, 5.0, 70.0) if full else None,
    )
