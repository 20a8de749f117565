"""The engine of custom labels: studies training pictures, fits heads, and tells what a trained model sees.

In: a slot and pictures, or what was kept of them. Out: bytes of features, bytes of a model, labels. It opens no files
and stores nothing; ``assembly`` builds it. The same examples and plan give the same model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from custodes.core.box import BoxPx
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.core.slot import Slot
from custodes.engine.custom.adapter import adapted, base_shares, train_adapter, with_names_above
from custodes.engine.custom.backbone import Backbone, views
from custodes.engine.custom.cells import Run
from custodes.engine.custom.classify import train_classifier
from custodes.engine.custom.detector import DetectorHeads, PictureOfBoxes, detect, study, train_detector
from custodes.engine.custom.head import TrainedHead, head_arrays, head_of, packed, unit, unpacked
from custodes.engine.moderation.taxonomy import load_moderation_taxonomy
from custodes.engine.results.custom import CustomLabel, Example, Lesson, TrainedModel, TrainingPlan
from custodes.engine.results.moderation import ConcernsFound
from custodes.imaging.image import Image

FORMAT = 1


@dataclass(frozen=True, slots=True)
class CustomModel:
    """An opened model.

    Attributes:
        names: its labels.
        backbone: which network its features come from.
        heads: of whole pictures, or of boxes.
    """

    names: tuple[str, ...]
    backbone: str
    heads: TrainedHead | DetectorHeads

    @property
    def boxes(self) -> bool:
        """Whether its labels have places."""
        return isinstance(self.heads, DetectorHeads)


class CustomLabelPipeline:
    """Implements the ``CustomLabelEngine`` port over ONNX networks."""

    def __init__(self, backbones: Mapping[str, Backbone], cells: Run) -> None:
        """Features of ``backbones`` by name, the first of them by default; boxes by the detector behind ``cells``."""
        self._backbones = backbones
        self._cells = cells
        self._taxonomy = load_moderation_taxonomy()

    @property
    def backbones(self) -> tuple[str, ...]:
        """Names of what features can come from, the default first."""
        return tuple(self._backbones)

    @property
    def moderation_names(self) -> tuple[str, ...]:
        """Names that an adapter can be about."""
        return tuple(self._taxonomy.above)

    def require_backbone(self, name: str) -> None:
        """See CustomLabelEngine."""
        self._backbone(name)

    def study(self, slot: Slot, image: Image, lesson: Lesson, plan: TrainingPlan) -> Example:
        """Features of a training picture."""
        slot.require_open()
        backbone = self._backbone(plan.backbone)
        if not plan.boxes:
            arrays: dict[str, NDArray[np.generic]] = {
                "views": backbone.features(views(image.rgb, plan.views)).astype(np.float16)
            }
            if lesson.base is not None:
                arrays["base"] = base_shares(lesson.base, plan.names)
            return Example(lesson, packed({}, arrays))
        boxes = [(plan.names.index(name), box) for name, box in lesson.boxes]
        seed = int.from_bytes(image.sha256[:4], "big") ^ plan.seed if image.sha256 else plan.seed
        found = study(self._cells, backbone.features, image.rgb, boxes, seed)
        return Example(lesson, packed({}, found.arrays()))

    def fit(self, slot: Slot, examples: Sequence[Example], plan: TrainingPlan) -> bytes:
        """A model. Raises InvalidParameterError where there is nothing to fit."""
        slot.require_open()
        if not examples or not plan.names:
            raise InvalidParameterError("There is nothing to train on.")
        stored = [unpacked(example.features)[1] for example in examples]
        if plan.boxes:
            heads = train_detector([PictureOfBoxes.of(arrays) for arrays in stored], len(plan.names))
            return _model_bytes(plan, heads.arrays())
        if plan.adapter:
            return _model_bytes(plan, head_arrays("labels", self._adapter(examples, stored, plan)))
        targets = np.array([[float(name in e.lesson.names) for name in plan.names] for e in examples])
        head = train_classifier([arrays["views"] for arrays in stored], targets, several=plan.several)
        return _model_bytes(plan, head_arrays("labels", head))

    def _adapter(
        self, examples: Sequence[Example], stored: Sequence[Mapping[str, NDArray[np.generic]]], plan: TrainingPlan
    ) -> TrainedHead:
        true = [with_names_above(example.lesson.names, self._taxonomy) for example in examples]
        truth = np.array([[float(name in names) for name in plan.names] for names in true])
        base = np.array([arrays["base"] for arrays in stored], np.float64)
        return train_adapter([arrays["views"] for arrays in stored], base, truth)

    def adapt(
        self, slot: Slot, image: Image, model: TrainedModel, base: ConcernsFound, least_pct: float
    ) -> ConcernsFound:
        """What an adapter makes of ``base``, which has everything that the networks say, however unsure."""
        slot.require_open()
        if not isinstance(model, CustomModel) or not isinstance(model.heads, TrainedHead):
            raise TypeError("this is not an adapter")
        features = self._backbone(model.backbone).features([image.rgb])
        return adapted(model.heads, features, base, model.names, least_pct, self._taxonomy)

    def open(self, model: bytes) -> CustomModel:
        """The model in ``model``. Raises UnavailableError when it is damaged, or its backbone is not here."""
        facts, arrays = unpacked(model)
        try:
            names, boxes, backbone = tuple(facts["names"]), bool(facts["boxes"]), str(facts["backbone"])
            heads = DetectorHeads.of(arrays) if boxes else head_of("labels", arrays)
        except (KeyError, TypeError) as error:
            raise UnavailableError("a trained model is damaged") from error
        self._backbone(backbone)
        return CustomModel(names, backbone, heads)

    def detect(self, slot: Slot, image: Image, model: TrainedModel) -> tuple[CustomLabel, ...]:
        """Everything that ``model`` says about a picture, surest first."""
        slot.require_open()
        if not isinstance(model, CustomModel):
            raise TypeError("this model was opened elsewhere")
        backbone = self._backbone(model.backbone)
        if isinstance(model.heads, DetectorHeads):
            found = detect(self._cells, backbone.features, image.rgb, model.heads)
            return tuple(
                CustomLabel(model.names[int(kind)], 100.0 * float(share), _box(place))
                for place, kind, share in zip(found.places, found.classes, found.scores, strict=True)
            )
        shares = model.heads.shares(unit(backbone.features([image.rgb])))[0]
        return _ranked(model.names, shares)

    def _backbone(self, name: str) -> Backbone:
        found = self._backbones.get(name)
        if found is None:
            raise UnavailableError(f"the network {name} is not here")
        return found


def _ranked(names: Sequence[str], shares: NDArray[np.float64]) -> tuple[CustomLabel, ...]:
    order = np.argsort(-shares, kind="stable")
    return tuple(CustomLabel(names[i], 100.0 * float(shares[i])) for i in order)


def _box(place: NDArray[np.floating]) -> BoxPx:
    x1, y1, x2, y2 = (float(value) for value in place)
    return BoxPx(x1, y1, x2, y2)


def _model_bytes(plan: TrainingPlan, arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    facts: dict[str, Any] = {
        "format": FORMAT,
        "names": list(plan.names),
        "boxes": plan.boxes,
        "several": plan.several,
        "backbone": plan.backbone,
    }
    return packed(facts, arrays)
