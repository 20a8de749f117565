"""The equipment engine: find persons, find faces, give each face to a person, judge its cover.

In: a slot and a picture. Out: ``PersonsFound``. Only faces are told of: no network here can say whether a hand or a
head is covered, so these parts do not appear. It opens no files; ``assembly`` builds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custodes.core.box import BoxPx
from custodes.core.slot import Slot
from custodes.engine.equipment.masks import MaskHeads
from custodes.engine.faces.portrait import PortraitReader
from custodes.engine.labels.objects import ObjectDetector
from custodes.engine.labels.pipeline import confidence_pct
from custodes.engine.ports import FaceEngine
from custodes.engine.results.equipment import MAX_PERSONS, BodyPart, Equipment, EquippedPerson, Part, PersonsFound, Worn
from custodes.engine.results.face import DetectedFace, Judgement
from custodes.imaging.image import Image

MODEL_VERSION = "1.0"
_PERSON_CLASS = 0
"""Of COCO."""
_LEAST_PCT = 50.0
"""The API tells of nothing below."""
_MASK_TOP = 0.35
"""Where a mask begins between eyes and mouth."""
_SLACK = 0.15
"""By how much of its own size a face may stick out of its person's box."""


@dataclass(frozen=True, slots=True)
class EquipmentSteps:
    """The opened steps in the order in which they run."""

    objects: ObjectDetector
    faces: FaceEngine
    portraits: PortraitReader
    masks: MaskHeads


class EquipmentPipeline:
    """Implements the ``EquipmentEngine`` port."""

    model_version = MODEL_VERSION

    def __init__(self, steps: EquipmentSteps) -> None:
        """Keep the steps."""
        self._steps = steps

    def persons(self, slot: Slot, image: Image) -> PersonsFound:
        """Persons of ``image``, surest first, with what covers their faces."""
        slot.require_open()
        found = self._steps.objects.detect(image.rgb)
        sure = [confidence_pct(float(score)) for score in found.scores]
        chosen = [i for i in range(len(found)) if found.classes[i] == _PERSON_CLASS and sure[i] >= _LEAST_PCT]
        places = [BoxPx(*(float(v) for v in found.places[i])) for i in chosen[:MAX_PERSONS]]
        if not places:
            return PersonsFound(image.size, ())
        faces = [face for face in self._steps.faces.detect(slot, image).faces if face.confidence_pct >= _LEAST_PCT]
        owners = owned(faces, places)
        shown = [faces[at] for at in owners.values()]
        parts = dict(zip(owners, self._face_parts(image, shown), strict=True))
        persons = tuple(
            EquippedPerson(place, sure[i], (parts[k],) if k in parts else ())
            for k, (place, i) in enumerate(zip(places, chosen, strict=False))
        )
        return PersonsFound(image.size, persons)

    def _face_parts(self, image: Image, faces: Sequence[DetectedFace]) -> list[BodyPart]:
        if not faces:
            return []
        judged = self._steps.masks.judge(self._steps.portraits.read(image.rgb, faces))
        return [_face_part(face, *both) for face, both in zip(faces, judged, strict=True)]


def owned(faces: Sequence[DetectedFace], persons: Sequence[BoxPx]) -> Mapping[int, int]:
    """Face by person, as indexes: each face goes to the tightest box around it, each person keeps the largest face."""
    taken: dict[int, int] = {}
    for at, face in enumerate(faces):
        box = face.box_px
        around = [k for k, person in enumerate(persons) if _holds(person, box)]
        if not around:
            continue
        # The higher a face is in a box and the smaller the box, the likelier it is this person's own.
        k = min(around, key=lambda k: persons[k].area * (0.3 + (box.y1 - persons[k].y1) / max(persons[k].height, 1.0)))
        if k not in taken or box.area > faces[taken[k]].box_px.area:
            taken[k] = at
    return taken


def _holds(person: BoxPx, face: BoxPx) -> bool:
    slack_x, slack_y = _SLACK * face.width, _SLACK * face.height
    return (
        person.x1 - slack_x <= face.x1
        and face.x2 <= person.x2 + slack_x
        and person.y1 - slack_y <= face.y1
        and face.y2 <= person.y2 + slack_y
    )


def _face_part(face: DetectedFace, worn: Judgement, covering: Judgement) -> BodyPart:
    if not worn.value:
        return BodyPart(Part.FACE, face.confidence_pct, ())
    cover = Worn(Equipment.FACE_COVER, mask_place(face), worn.confidence_pct, covering)
    return BodyPart(Part.FACE, face.confidence_pct, (cover,))


def mask_place(face: DetectedFace) -> BoxPx:
    """Roughly where a mask is: from between eyes and mouth to the chin, as wide as the face."""
    eyes_y = float(face.points_px[:2, 1].mean())
    mouth_y = float(face.points_px[3:, 1].mean())
    box = face.box_px
    top = min(max(eyes_y + _MASK_TOP * (mouth_y - eyes_y), box.y1), box.y2 - 1.0)
    return BoxPx(box.x1, top, box.x2, box.y2)
