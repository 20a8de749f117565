"""Engines for tests that look at pictures: they see what they were told, whatever the picture shows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from custodes.core.box import BoxPx
from custodes.core.slot import Slot
from custodes.engine.results.equipment import BodyPart, Equipment, EquippedPerson, Part, PersonsFound, Worn
from custodes.engine.results.face import Judgement
from custodes.engine.results.label import (
    Appearance,
    DominantColour,
    ImageProperties,
    Instance,
    Label,
    LabelsFound,
    LabelsWanted,
)
from custodes.engine.results.moderation import Concern, ConcernsFound, ContentKind
from custodes.engine.results.person import PersonsSeen, SeenPerson
from custodes.imaging.image import Image
from custodes.operations.images.engines import ImageEngines
from tests.fakes.custom import colour_engine
from tests.fakes.engine import SquareEngine

RED = DominantColour(200, 10, 20, "crimson", "red", 60.0)
BLUE = DominantColour(0, 0, 250, "blue", "blue", 40.0)
CAR = Instance(BoxPx(40, 30, 120, 90), 91.0, (RED,))
LABELS = (
    Label("Transportation", 97.0, (), (), (), ("Vehicles and Automotive",)),
    Label("Vehicle", 96.0, (), ("Transportation",), (), ("Vehicles and Automotive",)),
    Label("Car", 95.0, (CAR,), ("Vehicle", "Transportation"), ("Automobile",), ("Vehicles and Automotive",)),
    Label("Person", 80.0, (Instance(BoxPx(0, 0, 20, 40), 80.0),), (), ("Human",), ("Person Description",)),
    Label("Beach", 30.0, (), ("Nature",), (), ("Nature and Outdoors",)),
)
LOOKS = Appearance(brightness_pct=50.0, sharpness_pct=70.0, contrast_pct=30.0, colours=(RED, BLUE))


@dataclass
class ScriptedLabels:
    """Implements LabelEngine; ``asked`` lists what was wanted."""

    found: tuple[Label, ...] = LABELS
    foreground: Appearance | None = LOOKS
    model_version: str = "3.0"
    asked: list[LabelsWanted] = field(default_factory=list)

    def labels(self, slot: Slot, image: Image, wanted: LabelsWanted) -> LabelsFound:
        slot.require_open()
        self.asked.append(wanted)
        rows = tuple(label for label in self.found if label.confidence_pct >= wanted.min_confidence_pct)
        cut = replace(LOOKS, colours=LOOKS.colours[: wanted.max_colours])
        looks = ImageProperties(cut, self.foreground, cut)
        return LabelsFound(image.size, rows if wanted.labels else (), looks if wanted.properties else None)


CONCERNS = (
    Concern("Explicit", "", 1, 90.0),
    Concern("Explicit Nudity", "Explicit", 2, 90.0),
    Concern("Alcohol", "", 1, 40.0),
)


@dataclass
class ScriptedModeration:
    """Implements ModerationEngine."""

    model_version: str = "7.0"

    def concerns(self, slot: Slot, image: Image, min_confidence_pct: float) -> ConcernsFound:
        slot.require_open()
        kinds = (ContentKind("Illustrated", 60.0),)
        rows = tuple(concern for concern in CONCERNS if concern.confidence_pct >= min_confidence_pct)
        return ConcernsFound(rows, kinds if min_confidence_pct <= 60 else ())


def worn(covers: bool = True, sure: float = 95.0, sure_of_cover: float = 90.0) -> Worn:
    return Worn(Equipment.FACE_COVER, BoxPx(20, 30, 60, 60), sure, Judgement(covers, sure_of_cover))


def person(*covers: Worn, face_pct: float = 98.0, person_pct: float = 99.0) -> EquippedPerson:
    """A person whose face was seen."""
    return EquippedPerson(BoxPx(0, 0, 80, 240), person_pct, (BodyPart(Part.FACE, face_pct, covers),))


@dataclass
class ScriptedEquipment:
    """Implements EquipmentEngine: one with a mask, one without, one seen from behind."""

    seen: tuple[EquippedPerson, ...] = (person(worn()), person(), EquippedPerson(BoxPx(200, 0, 280, 240), 97.0, ()))
    model_version: str = "1.0"

    def persons(self, slot: Slot, image: Image) -> PersonsFound:
        slot.require_open()
        return PersonsFound(image.size, self.seen)

    def bodies(self, slot: Slot, image: Image, at_most: int) -> PersonsSeen:
        slot.require_open()
        seen = [SeenPerson(one.box_px, one.confidence_pct, (RED, BLUE), (BLUE,)) for one in self.seen]
        return PersonsSeen(image.size, len(seen), tuple(seen[:at_most]))


def sight(labels: ScriptedLabels | None = None) -> ImageEngines:
    """Predictable engines."""
    finder, moderator, protector = labels or ScriptedLabels(), ScriptedModeration(), ScriptedEquipment()
    trainer = colour_engine()
    return ImageEngines(lambda: finder, lambda: moderator, lambda: protector, lambda: trainer, SquareEngine)
