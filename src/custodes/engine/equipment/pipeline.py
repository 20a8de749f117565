"""The equipment engine: find persons and their parts, judge what covers faces and heads.

In: a slot and a picture. Out: ``PersonsFound``. Heads are told of where a face is seen, hands where a wrist is; no
network here can say what a hand wears. It opens no files; ``assembly`` builds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custodes.core.box import BoxPx
from custodes.core.slot import Slot
from custodes.engine.equipment.body_points import BodyPointReader
from custodes.engine.equipment.clothes import clothes
from custodes.engine.equipment.hands import hands
from custodes.engine.equipment.head_cover import HeadCoverReader, cover_place
from custodes.engine.equipment.masks import MaskHeads, told
from custodes.engine.faces.portrait import PortraitReader
from custodes.engine.labels.objects import ObjectDetector
from custodes.engine.labels.pipeline import confidence_pct
from custodes.engine.ports import FaceEngine
from custodes.engine.results.equipment import MAX_PERSONS, BodyPart, Equipment, EquippedPerson, Part, PersonsFound, Worn
from custodes.engine.results.face import DetectedFace, Judgement
from custodes.engine.results.person import PersonsSeen, SeenPerson
from custodes.engine.runtime.beside import ALONE, Beside
from custodes.imaging.image import Image

MODEL_VERSION = "1.1"
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
    heads: HeadCoverReader
    bodies: BodyPointReader
    beside: Beside = ALONE


class EquipmentPipeline:
    """Implements the ``EquipmentEngine`` port."""

    def __init__(self, steps: EquipmentSteps, model_version: str = MODEL_VERSION) -> None:
        """Keep the steps, and the version that answers name."""
        self.model_version = model_version
        self._steps = steps

    def persons(self, slot: Slot, image: Image) -> PersonsFound:
        """Persons of ``image``, surest first, with what covers their faces."""
        slot.require_open()
        chosen = self._found(image)[:MAX_PERSONS]
        places = [place for place, _ in chosen]
        if not places:
            return PersonsFound(image.size, ())
        with self._steps.beside.running(lambda: [self._arms(image, place) for place in places]) as arms:
            faces = [face for face in self._steps.faces.detect(slot, image).faces if face.confidence_pct >= _LEAST_PCT]
            owners = owned(faces, places)
            shown = self._of_faces(image, [faces[at] for at in owners.values()])
            parts = dict(zip(owners, shown, strict=True))
            persons = tuple(
                EquippedPerson(place, sure, _in_order(parts.get(k), hands_of))
                for k, ((place, sure), hands_of) in enumerate(zip(chosen, arms(), strict=True))
            )
        return PersonsFound(image.size, persons)

    def bodies(self, slot: Slot, image: Image, at_most: int) -> PersonsSeen:
        """All persons of ``image`` counted, and the colours of what the surest wear.

        How many there are is what to expect of all boxes: the sum of their chances, and no fewer than are sure. In a
        crowd many boxes are each unlikely and some of them right.
        """
        slot.require_open()
        found = self._every(image)
        persons = []
        for place, sure in _sure(found)[:at_most]:
            worn = clothes(image.rgb, place, self._steps.bodies.read(image.rgb, place))
            persons.append(SeenPerson(place, sure, worn.upper, worn.lower))
        expected = round(sum(sure for _, sure in found) / 100.0)
        return PersonsSeen(image.size, max(expected, len(_sure(found))), tuple(persons))

    def _found(self, image: Image) -> list[tuple[BoxPx, float]]:
        """Boxes of persons that are told, surest first, each with how sure."""
        return _sure(self._every(image))

    def _every(self, image: Image) -> list[tuple[BoxPx, float]]:
        """All boxes of persons, however unlikely, surest first, each with how sure."""
        found = self._steps.objects.detect(image.rgb)
        return [
            (BoxPx(*(float(v) for v in found.places[i])), confidence_pct(float(found.scores[i])))
            for i in range(len(found))
            if found.classes[i] == _PERSON_CLASS
        ]

    def _of_faces(self, image: Image, faces: Sequence[DetectedFace]) -> list[tuple[BodyPart, BodyPart]]:
        """Face and head of each of ``faces``."""
        if not faces:
            return []
        masks = self._steps.masks.judge(self._steps.portraits.read(image.rgb, faces))
        covers = self._steps.heads.read(image.rgb, faces)
        return [
            (_face(face, *mask), _head(face, cover)) for face, mask, cover in zip(faces, masks, covers, strict=True)
        ]

    def _arms(self, image: Image, person: BoxPx) -> tuple[BodyPart, ...]:
        seen = hands(self._steps.bodies.read(image.rgb, person), person, _LEAST_PCT)
        return tuple(BodyPart(hand.part, hand.confidence_pct, (), looked_at=False) for hand in seen)


def _sure(found: Sequence[tuple[BoxPx, float]]) -> list[tuple[BoxPx, float]]:
    """What the API would tell of."""
    return [one for one in found if one[1] >= _LEAST_PCT]


def _in_order(face: tuple[BodyPart, BodyPart] | None, arms: tuple[BodyPart, ...]) -> tuple[BodyPart, ...]:
    """As the API's own answers have them: face, hands, head."""
    return arms if face is None else (face[0], *arms, face[1])


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


def _face(face: DetectedFace, worn: Judgement, covering: Judgement) -> BodyPart:
    if not told(worn, covering):
        return BodyPart(Part.FACE, face.confidence_pct, ())
    cover = Worn(Equipment.FACE_COVER, mask_place(face), worn.confidence_pct, covering)
    return BodyPart(Part.FACE, face.confidence_pct, (cover,))


def _head(face: DetectedFace, covered: Judgement) -> BodyPart:
    if not covered.value:
        return BodyPart(Part.HEAD, face.confidence_pct, ())
    worn = Worn(Equipment.HEAD_COVER, cover_place(face), covered.confidence_pct, covered)
    return BodyPart(Part.HEAD, face.confidence_pct, (worn,))


def mask_place(face: DetectedFace) -> BoxPx:
    """Roughly where a mask is: from between eyes and mouth to the chin, as wide as the face."""
    eyes_y = float(face.points_px[:2, 1].mean())
    mouth_y = float(face.points_px[3:, 1].mean())
    box = face.box_px
    top = min(max(eyes_y + _MASK_TOP * (mouth_y - eyes_y), box.y1), box.y2 - 1.0)
    return BoxPx(box.x1, top, box.x2, box.y2)
