"""Engines for tests that look at pictures: they see what they were told, whatever the picture shows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from custodes.core.box import BoxPx
from custodes.core.image import Image
from custodes.core.slot import Slot
from custodes.engine.label import (
    Appearance,
    DominantColour,
    ImageProperties,
    Instance,
    Label,
    LabelsFound,
    LabelsWanted,
)
from custodes.operations.sight import Sight

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
        told = tuple(label for label in self.found if label.confidence_pct >= wanted.min_confidence_pct)
        cut = replace(LOOKS, colours=LOOKS.colours[: wanted.max_colours])
        looks = ImageProperties(cut, self.foreground, cut)
        return LabelsFound(image.size, told if wanted.labels else (), looks if wanted.properties else None)


def sight(labels: ScriptedLabels | None = None) -> Sight:
    """Predictable engines."""
    finder = labels or ScriptedLabels()
    return Sight(labels=lambda: finder)
