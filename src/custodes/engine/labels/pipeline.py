"""The label engine: find objects, classify the whole, name both, measure looks; here is only their order.

In: a slot, a picture and what is wanted. Out: ``LabelsFound``. It opens no files; ``assembly`` builds it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from custodes.core.box import BoxPx
from custodes.core.slot import Slot
from custodes.engine.labels.boxes import Boxes
from custodes.engine.labels.colours import dominant_colours
from custodes.engine.labels.letterbox import RgbArray
from custodes.engine.labels.looks import image_properties, region_pixels
from custodes.engine.labels.objects import ObjectDetector
from custodes.engine.labels.scenes import SceneClassifier
from custodes.engine.labels.surroundings import Surroundings, signs_of
from custodes.engine.labels.taxonomy import Taxonomy
from custodes.engine.results.face import FloatArray
from custodes.engine.results.label import DominantColour, Instance, Label, LabelsFound, LabelsWanted
from custodes.imaging.image import Image

MODEL_VERSION = "3.0"
"""Generation of names and members that answers follow (aliases, categories, image properties): the API's third."""

# Logistic from the fused score to the share of boxes that hold what they say: fitted by bench/labels.py on one half of
# the COCO photos, checked on the other half (BENCHMARKS.md).
_EVEN_AT, _STEEPNESS = 0.487, 12.0
_STANDS_OUT_PCT = 50.0


def confidence_pct(score: float) -> float:
    """Fused detector score (0 to 1) as the percentage shown to clients."""
    return 100.0 / (1.0 + math.exp(-_STEEPNESS * (score - _EVEN_AT)))


@dataclass(frozen=True, slots=True)
class LabelSteps:
    """The opened steps and the names of what they find."""

    objects: ObjectDetector
    scenes: SceneClassifier
    taxonomy: Taxonomy
    surroundings: Surroundings


class LabelPipeline:
    """Implements the ``LabelEngine`` port over ONNX networks."""

    def __init__(self, steps: LabelSteps, model_version: str = MODEL_VERSION) -> None:
        """Keep the steps, and the version that answers name."""
        self.model_version = model_version
        self._steps = steps

    def labels(self, slot: Slot, image: Image, wanted: LabelsWanted) -> LabelsFound:
        """Labels of ``image``, surest first, and its looks, as far as ``wanted``."""
        slot.require_open()
        rgb = image.rgb
        shares: FloatArray | None = None
        with self._steps.objects.looking(rgb) as found:
            if wanted.labels:
                shares = self._steps.scenes.probabilities(rgb)
            boxes = found()
        labels = () if shares is None else self._labels(rgb, boxes, shares, wanted)
        properties = None
        if wanted.properties:
            sure = [
                _place(boxes, i) for i in range(len(boxes)) if confidence_pct(float(boxes.scores[i])) >= _STANDS_OUT_PCT
            ]
            properties = image_properties(rgb, sure, wanted.max_colours)
        return LabelsFound(image.size, labels, properties)

    def _labels(self, rgb: RgbArray, boxes: Boxes, shares: FloatArray, wanted: LabelsWanted) -> tuple[Label, ...]:
        taxonomy = self._steps.taxonomy
        instances: dict[str, list[Instance]] = {}
        for i in range(len(boxes)):
            sure = confidence_pct(float(boxes.scores[i]))
            if sure >= wanted.min_confidence_pct:
                place = _place(boxes, i)
                colours = _colours(rgb, place, wanted)
                name = taxonomy.objects[int(boxes.classes[i])]
                instances.setdefault(name, []).append(Instance(place, sure, colours))
        found = taxonomy.raised({name: max(i.confidence_pct for i in there) for name, there in instances.items()})
        for name, share in taxonomy.scene_confidences(shares, wanted.min_confidence_pct / 100).items():
            found[name] = max(found.get(name, 0.0), 100.0 * share)
        around = self._steps.surroundings.confidences_pct(signs_of(rgb, shares, boxes))
        for name, sure in taxonomy.raised(around).items():
            found[name] = max(found.get(name, 0.0), sure)
        kept = [item for item in found.items() if item[1] >= wanted.min_confidence_pct]
        kept.sort(key=lambda item: (-item[1], len(taxonomy.terms[item[0]].parents), item[0]))
        return tuple(self._label(name, sure, instances.get(name, ())) for name, sure in kept)

    def _label(self, name: str, sure: float, there: Sequence[Instance]) -> Label:
        term = self._steps.taxonomy.terms[name]
        ranked = tuple(sorted(there, key=lambda instance: -instance.confidence_pct))
        return Label(name, sure, ranked, term.parents, term.aliases, term.categories)


def _place(boxes: Boxes, i: int) -> BoxPx:
    x1, y1, x2, y2 = (float(v) for v in boxes.places[i])
    return BoxPx(x1, y1, x2, y2)


def _colours(rgb: RgbArray, place: BoxPx, wanted: LabelsWanted) -> tuple[DominantColour, ...]:
    return dominant_colours(region_pixels(rgb, place), wanted.max_colours) if wanted.properties else ()
