"""The face engine: detect, mesh, measure, embed, each step a file of its own; here is only their order.

In: a slot, a picture and what is wanted. Out: frozen values of ``engine.face`` and unit vectors. It opens no files and
knows no collections; ``engine.faces.assembly`` builds it from the model pack.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from custodes.core.box import BoxPx, Size
from custodes.core.ids import ModelVersion
from custodes.core.slot import Slot
from custodes.engine.calibrate import Calibration, LocalScale
from custodes.engine.faces import quality
from custodes.engine.faces.detection.candidates import Candidates
from custodes.engine.faces.detection.turned import FaceFinder, FacesSeen
from custodes.engine.faces.embedding.embed import Embedder
from custodes.engine.faces.embedding.lookalikes import level_of
from custodes.engine.faces.geometry.align import RgbArray
from custodes.engine.faces.geometry.landmarks import default_set, five_points, full_set
from custodes.engine.faces.geometry.mesh import Mesh
from custodes.engine.faces.geometry.turned_pose import TurnedPoseNetwork
from custodes.engine.faces.inspect import INSPECTED, InspectedFace, checks
from custodes.engine.faces.traits import eyes as eye_measures
from custodes.engine.faces.traits.eyes import Eye, EyeReader
from custodes.engine.faces.traits.spoof import SpoofReader
from custodes.engine.faces.traits.traits import TraitReader
from custodes.engine.results.face import (
    MAX_FACES,
    Detail,
    DetectedFace,
    FacesFound,
    FloatArray,
    PoorReason,
    QualityFilter,
    Trait,
    VectorUse,
)
from custodes.engine.results.liveness import Liveness, LivenessFound
from custodes.engine.results.portrait import Inspection, Inspections
from custodes.imaging.image import Image

_MESH_PRESENT = 0.1
"""Below, the mesh network saw no face and its vertices are not trusted for alignment (profiles, heavy occlusion)."""

# Logistic from CenterFace's score to the share of boxes that hold a face, laid by hand through 425 boxes of
# LFW, COCO and other photos (docs/scores.md, detection confidence).
_CONFIDENCE_EVEN_AT, _CONFIDENCE_STEEPNESS = 0.52, 17.5


def confidence_pct(score: float) -> float:
    """Detector score (0 to 1) as the percentage shown to clients."""
    return 100.0 / (1.0 + math.exp(-_CONFIDENCE_STEEPNESS * (score - _CONFIDENCE_EVEN_AT)))


@dataclass(frozen=True, slots=True)
class FaceSteps:
    """The opened steps in the order in which they run."""

    finder: FaceFinder
    eyes: EyeReader
    embedder: Embedder
    traits: TraitReader
    spoof: SpoofReader
    pose: TurnedPoseNetwork


class FacePipeline:
    """Implements the ``FaceEngine`` port over ONNX networks."""

    def __init__(self, steps: FaceSteps) -> None:
        """Keep the steps and draw the calibration curve of their recipe."""
        self.steps = steps
        self._curve = Calibration(steps.embedder.recipe.knots)

    @property
    def model_version(self) -> ModelVersion:
        """The recipe of the vectors that ``embed`` returns."""
        return self.steps.embedder.recipe.version

    @property
    def dimension(self) -> int:
        """Length of the vectors that ``embed`` returns."""
        return self.steps.embedder.recipe.dimension

    def for_video(self) -> FacePipeline:
        """See FaceEngine."""
        return FacePipeline(replace(self.steps, finder=self.steps.finder.for_video()))

    def detect(self, slot: Slot, image: Image, detail: Detail = Detail.BOX, at_most: int = MAX_FACES) -> FacesFound:
        """Find the ``at_most`` largest faces of ``image``, largest first."""
        slot.require_open()
        seen = self.steps.finder.find(image.rgb, at_most)
        return FacesFound(image.size, self._faces(image.rgb, seen, detail))

    def describe(
        self, slot: Slot, image: Image, faces: Sequence[DetectedFace], traits: Collection[Trait]
    ) -> tuple[DetectedFace, ...]:
        """``faces`` of ``image`` with ``traits`` told as far as networks can."""
        slot.require_open()
        return self.steps.traits.read(image.rgb, faces, traits)

    def inspect(self, slot: Slot, image: Image, at_most: int = MAX_FACES) -> Inspections:
        """Portrait checks of the ``at_most`` largest faces of ``image``."""
        slot.require_open()
        rgb = image.rgb
        every = self.steps.finder.find(rgb, MAX_FACES)
        seen = every.take(np.arange(min(at_most, len(every.meshes))))
        eyes = self.steps.eyes.read(rgb, [mesh.vertices_px for mesh in seen.meshes])
        value = self.steps.traits.read(rgb, _with_details(self._plain(seen), seen, eyes), INSPECTED)
        inspected = [
            InspectedFace(rgb, image.size, face, mesh.vertices_px, e, len(every.meshes))
            for face, mesh, e in zip(value, seen.meshes, eyes, strict=True)
        ]
        return Inspections(
            image.size,
            tuple(Inspection(one.face, checks(one)) for one in inspected),
        )

    def liveness(self, slot: Slot, image: Image, at_most: int = MAX_FACES) -> LivenessFound:
        """How much the ``at_most`` largest faces of ``image`` look like faces and not like pictures of faces."""
        slot.require_open()
        found = self.steps.finder.find(image.rgb, at_most).found
        boxes = [BoxPx(*(float(v) for v in box)) for box in found.boxes]
        said = self.steps.spoof.read(image.rgb, boxes)
        faces = tuple(
            Liveness(
                box, confidence_pct(float(score)), w.score_pct, 100.0 * w.network, w.brightness_peak, w.colour_peak
            )
            for box, score, w in zip(boxes, found.scores, said, strict=True)
        )
        return LivenessFound(image.size, faces)

    def embed(self, slot: Slot, image: Image, faces: Sequence[DetectedFace], use: VectorUse) -> FloatArray:
        """Vectors of ``faces``: (N, dimension) float32, unit length."""
        slot.require_open()
        return self.steps.embedder.embed(image.rgb, faces, use)

    def poor_reasons(self, face: DetectedFace, size: Size, level: QualityFilter) -> tuple[PoorReason, ...]:
        """Why ``face`` of a picture of ``size`` fails the filter ``level``; empty when it passes."""
        return quality.poor_reasons(face, size, level)

    def scale(self, *vectors: FloatArray) -> LocalScale:
        """Cosines with ``vectors`` on the published scale: the most alike surroundings of any of them count."""
        recipe = self.steps.embedder.recipe
        if recipe.lookalikes is None:
            return LocalScale(self._curve)
        level = max(level_of(vector) for vector in vectors)
        top_pct = recipe.children_cap_pct if level > recipe.children_from else 100.0
        return LocalScale(self._curve, level, top_pct)

    def _faces(self, rgb: RgbArray, seen: FacesSeen, detail: Detail) -> tuple[DetectedFace, ...]:
        plain = self._plain(seen)
        if detail is not Detail.FULL or not plain:
            return plain
        return _with_details(plain, seen, self.steps.eyes.read(rgb, [mesh.vertices_px for mesh in seen.meshes]))

    def _plain(self, seen: FacesSeen) -> tuple[DetectedFace, ...]:
        """Faces by detector and mesh alone."""
        return tuple(self._face(seen.found, at, mesh) for at, mesh in enumerate(seen.meshes))

    def _face(self, found: Candidates, at: int, mesh: Mesh) -> DetectedFace:
        present = mesh.presence >= _MESH_PRESENT
        vertices = mesh.vertices_px
        points = np.asarray(five_points(vertices) if present else found.points[at], np.float32)
        x1, y1, x2, y2 = (float(v) for v in found.boxes[at])
        return DetectedFace(
            box_px=BoxPx(x1, y1, x2, y2),
            confidence_pct=confidence_pct(float(found.scores[at])),
            points_px=points,
            landmarks=default_set(points),
            pose=self.steps.pose.pose(vertices, found.points[at], mesh.presence),
            quality=quality.measure(mesh.crop),
        )


def _with_details(
    plain: Sequence[DetectedFace], seen: FacesSeen, eyes: Sequence[Mapping[str, Eye]]
) -> tuple[DetectedFace, ...]:
    return tuple(
        _detailed(face, mesh.vertices_px, of_face) for face, mesh, of_face in zip(plain, seen.meshes, eyes, strict=True)
    )


def _detailed(face: DetectedFace, vertices: FloatArray, eyes: Mapping[str, Eye]) -> DetectedFace:
    lids = eye_measures.eyes_open(eyes)
    return replace(
        face,
        landmarks=full_set(vertices, {name: eye.pupil_px for name, eye in eyes.items()}),
        eyes_open=lids,
        mouth_open=eye_measures.mouth_open(vertices),
        gaze=eye_measures.gaze(eyes, face.pose, lids),
    )
