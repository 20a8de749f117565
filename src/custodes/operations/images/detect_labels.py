"""DetectLabels: what a picture shows, under which names, and how it looks. Nothing is kept.

Which of the labels found are told is decided here: confidence, filters, number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.engine.ports import LabelEngine
from custodes.engine.results.label import Label, LabelsFound, LabelsWanted
from custodes.operations.images.sources import LABEL_RULES, ImageInput, Pictures
from custodes.operations.requests.command import Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit

DEFAULT_CONFIDENCE_PCT = 55.0
MAX_LABELS = 1000
DEFAULT_COLOURS = 10


class Feature(StrEnum):
    """What a request may ask about a picture (API enum ``DetectLabelsFeatureName``)."""

    GENERAL_LABELS = "GENERAL_LABELS"
    IMAGE_PROPERTIES = "IMAGE_PROPERTIES"


@dataclass(frozen=True, slots=True)
class LabelFilters:
    """Exact names; empty inclusion filters include everything, exclusion wins over inclusion."""

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    include_categories: frozenset[str] = frozenset()
    exclude_categories: frozenset[str] = frozenset()

    def keep(self, label: Label) -> bool:
        """Whether an answer has ``label``."""
        categories = set(label.categories)
        if label.name in self.exclude or categories & self.exclude_categories:
            return False
        if not self.include and not self.include_categories:
            return True
        return label.name in self.include or bool(categories & self.include_categories)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectLabels(Command):
    """Name what one picture shows.

    ``max_labels`` and ``min_confidence_pct`` are None where the request does not say.
    """

    operation: ClassVar[str] = "DetectLabels"
    properties: ClassVar[Properties] = Properties(Reveals.NOTHING, changes=False, unit=Unit.IMAGE)
    image: ImageInput
    features: frozenset[Feature] = frozenset({Feature.GENERAL_LABELS})
    max_labels: int | None = None
    min_confidence_pct: float | None = None
    filters: LabelFilters = LabelFilters()
    max_colours: int = DEFAULT_COLOURS

    def facts(self) -> Mapping[str, object]:
        """The features, which are charged apart."""
        return {"features": sorted(self.features)}

    def check(self) -> None:
        """One source; limits on labels only where labels are asked for."""
        self.image.check()
        limited = self.max_labels is not None or self.min_confidence_pct is not None
        if limited and Feature.GENERAL_LABELS not in self.features:
            raise InvalidParameterError("MaxLabels and MinConfidence need the feature GENERAL_LABELS")


@dataclass(frozen=True, slots=True)
class LabelsDetected:
    """The labels that are told, looks where asked for, and the version of the engine."""

    found: LabelsFound
    model_version: str


class LabelDetection:
    """Handles DetectLabels."""

    def __init__(self, engine: Callable[[], LabelEngine], pictures: Pictures) -> None:
        """Look at what ``pictures`` loads with what ``engine`` opens."""
        self._engine = engine
        self._pictures = pictures

    def detect_labels(self, permit: Permit, command: DetectLabels) -> LabelsDetected:
        """Labels surest first, at most ``max_labels``; none is an empty answer."""
        image = self._pictures.load(command.image, LABEL_RULES)
        permit.tally.images += 1
        least = DEFAULT_CONFIDENCE_PCT if command.min_confidence_pct is None else command.min_confidence_pct
        wanted = LabelsWanted(
            labels=Feature.GENERAL_LABELS in command.features,
            properties=Feature.IMAGE_PROPERTIES in command.features,
            min_confidence_pct=least,
            max_colours=command.max_colours,
        )
        engine = self._engine()
        found = engine.labels(permit.slot, image, wanted)
        most = MAX_LABELS if command.max_labels is None else min(command.max_labels, MAX_LABELS)
        rows = tuple(label for label in found.labels if command.filters.keep(label))[:most]
        permit.tally.add(labels_detected=len(rows))
        return LabelsDetected(LabelsFound(found.size, rows, found.properties), engine.model_version)
