"""Which of the faces in a picture are taken, and why the others are not. Pure rules over what the engine found.

In: faces (largest first), a quality filter, a maximum. Out: those taken and those refused with their reasons, each
keeping the order largest first.

Source: API guide on filtering faces: the lowest quality is dropped first, then the smallest boxes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import DetectedFace, FacesFound, QualityFilter

EXCEEDS_MAX_FACES = "EXCEEDS_MAX_FACES"
FACE_NOT_LARGEST = "FACE_NOT_LARGEST"


@dataclass(frozen=True, slots=True)
class FaceRefused:
    """A face that was found and not taken, with the API's reasons."""

    face: DetectedFace
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Faces taken and refused, each largest first."""

    taken: tuple[DetectedFace, ...]
    refused: tuple[FaceRefused, ...]


def select(engine: FaceEngine, found: FacesFound, level: QualityFilter, max_faces: int | None = None) -> Selection:
    """Apply the filter, then the maximum.

    A face below the filter is refused with what is poor about it. Of the others, beyond ``max_faces``, those go first
    that the AUTO bar would refuse (so that a small sharp face beats a large blurred one even with the filter off), then
    the smallest.
    """

    def poor(at: QualityFilter) -> Callable[[DetectedFace], tuple[str, ...]]:
        return lambda face: tuple(str(reason) for reason in engine.poor_reasons(face, found.size, at))

    faces = sorted(found.faces, key=lambda face: -face.box_px.area)
    reasons = [poor(level)(face) for face in faces]
    if max_faces is not None and reasons.count(()) > max_faces:
        below_auto = poor(QualityFilter.AUTO)
        passing = [index for index, why in enumerate(reasons) if not why]
        for index in sorted(passing, key=lambda i: (bool(below_auto(faces[i])), i))[max_faces:]:
            reasons[index] = (EXCEEDS_MAX_FACES,)
    pairs = list(zip(faces, reasons, strict=True))
    return Selection(
        taken=tuple(face for face, why in pairs if not why),
        refused=tuple(FaceRefused(face, why) for face, why in pairs if why),
    )


def largest(
    engine: FaceEngine, found: FacesFound, level: QualityFilter
) -> tuple[DetectedFace | None, tuple[FaceRefused, ...]]:
    """The largest face that passes the filter, or None; and all others with the reason they were passed over."""
    selection = select(engine, found, level)
    if not selection.taken:
        return None, selection.refused
    others = [FaceRefused(face, (FACE_NOT_LARGEST,)) for face in selection.taken[1:]]
    passed_over = sorted([*others, *selection.refused], key=lambda refused: -refused.face.box_px.area)
    return selection.taken[0], tuple(passed_over)
