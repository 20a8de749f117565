"""Faces at any angle: where the upright look finds no convincing face, the picture is looked at turned by quarters.

In: an upright RGB picture. Out: candidates and their meshes in pixels of it. The detector finds faces up to about 60
degrees off the upright; beyond, it misses them or places eyes and mouth wrongly, and a vector of such points does not
match its own person. The mesh tells: it was trained on upright faces and says whether it sees one. A picture in which
one face convinces is not turned, so upside-down faces beside upright ones are still missed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from custodes.engine.faces.detection.candidates import Candidates, join, suppress_order
from custodes.engine.faces.detection.detect import VIDEO_LOOK, FaceDetector
from custodes.engine.faces.geometry.align import RgbArray
from custodes.engine.faces.geometry.mesh import Mesh, MeshReader
from custodes.engine.faces.geometry.pose import head_pose
from custodes.engine.results.face import FloatArray

_PRESENT = 0.5
"""Presence from which the mesh saw a face."""
_CONVINCING = 0.74
"""Detector score that faces turned by more than a right angle do not reach, or only with the right points."""
_TURNED_DEG = 60.0
"""Beyond this roll, a mesh that sees a face has found the right points: wrong ones look upright."""
_TURNED_SCORE = 0.7
_MAX_IOU = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class FacesSeen:
    """Candidates, largest box first, and the mesh of each."""

    found: Candidates
    meshes: tuple[Mesh, ...]

    def take(self, order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> FacesSeen:
        """Those at ``order``, in that order."""
        return FacesSeen(self.found.take(order), tuple(self.meshes[i] for i in order))


@dataclass(frozen=True, slots=True)
class FaceFinder:
    """Detection and mesh together.

    ``coarse`` looks at turned pictures, in which only faces of some size count; without it none are turned.
    """

    detector: FaceDetector
    coarse: FaceDetector | None
    mesh: MeshReader

    def for_video(self) -> FaceFinder:
        """Looks at frames of videos: less closely, and upright only."""
        return FaceFinder(self.detector.with_rules(VIDEO_LOOK), None, self.mesh)

    def find(self, rgb: RgbArray, at_most: int) -> FacesSeen:
        """The ``at_most`` largest faces of ``rgb`` at any angle; meshes of all."""
        seen = self._look(self.detector, rgb, at_most)
        if self.coarse is None:
            return seen
        if any(convinces(float(score), mesh) for score, mesh in zip(seen.found.scores, seen.meshes, strict=True)):
            return seen
        return self._with_turned(self.coarse, rgb, seen, at_most)

    def _look(self, detector: FaceDetector, rgb: RgbArray, at_most: int) -> FacesSeen:
        found = detector.detect(rgb, at_most)
        return FacesSeen(found, self.mesh.read(rgb, list(found.points)))

    def _with_turned(self, coarse: FaceDetector, rgb: RgbArray, upright: FacesSeen, at_most: int) -> FacesSeen:
        """``upright`` and what three turned looks show, each face by the look that is surest of it."""
        looks = [upright]
        for quarters in (1, 2, 3):
            seen = self._look(coarse, np.ascontiguousarray(np.rot90(rgb, quarters)), at_most)
            sure = [
                i
                for i, (score, mesh) in enumerate(zip(seen.found.scores, seen.meshes, strict=True))
                if score >= _TURNED_SCORE and mesh.presence >= _PRESENT
            ]
            looks.append(turned_back(seen.take(np.array(sure, np.intp)), quarters, rgb.shape[1], rgb.shape[0]))
        if not any(len(look.meshes) for look in looks[1:]):
            return upright
        every = FacesSeen(join([look.found for look in looks]), tuple(mesh for look in looks for mesh in look.meshes))
        # A look in which the mesh saw no face yields to one in which it did.
        trust = every.found.scores * np.array([0.5 + 0.5 * mesh.presence for mesh in every.meshes], np.float32)
        kept = every.take(suppress_order(every.found, trust, _MAX_IOU))
        return kept.take(np.argsort(-kept.found.areas, kind="stable")[:at_most])


def convinces(score: float, mesh: Mesh) -> bool:
    """Whether a face found in the upright picture was surely found with the right points."""
    if mesh.presence < _PRESENT:
        return False
    return score >= _CONVINCING or abs(head_pose(mesh.vertices_px).roll_deg) > _TURNED_DEG


def turned_back(seen: FacesSeen, quarters: int, width: int, height: int) -> FacesSeen:
    """What was seen in ``numpy.rot90(picture, quarters)`` in pixels of the picture, which is ``width`` x ``height``."""
    boxes = _back(seen.found.boxes.reshape(-1, 2), quarters, width, height).reshape(-1, 2, 2)
    ordered = np.concatenate([boxes.min(axis=1), boxes.max(axis=1)], axis=1)
    points = _back(seen.found.points.reshape(-1, 2), quarters, width, height).reshape(-1, 5, 2)
    meshes = []
    for mesh in seen.meshes:
        vertices = mesh.vertices_px.copy()
        vertices[:, :2] = _back(vertices[:, :2], quarters, width, height)
        meshes.append(replace(mesh, vertices_px=vertices))
    return FacesSeen(Candidates(ordered, seen.found.scores, points), tuple(meshes))


def _back(points: FloatArray, quarters: int, width: int, height: int) -> FloatArray:
    x, y = points[:, 0], points[:, 1]
    places = {1: (width - 1 - y, x), 2: (width - 1 - x, height - 1 - y), 3: (y, height - 1 - x)}[quarters]
    return np.stack(places, axis=1).astype(np.float32)
