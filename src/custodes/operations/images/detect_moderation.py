"""DetectModerationLabels: what a platform may not want in a picture. Nothing is kept.

Neither human reviews nor adapters exist here; a request for one is refused, never answered as if it had been met.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.errors import HumanLoopError, NotFoundError
from custodes.engine.ports import ModerationEngine
from custodes.engine.results.moderation import ConcernsFound
from custodes.operations.images.sources import LABEL_RULES, ImageInput, Pictures
from custodes.operations.requests.command import Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit

DEFAULT_CONFIDENCE_PCT = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectModerationLabels(Command):
    """Look at one picture; ``human_loop`` says that a review by people is asked for."""

    operation: ClassVar[str] = "DetectModerationLabels"
    properties: ClassVar[Properties] = Properties(Reveals.NOTHING, changes=False, unit=Unit.IMAGE)
    image: ImageInput
    min_confidence_pct: float = DEFAULT_CONFIDENCE_PCT
    human_loop: bool = False
    project_version: str | None = None

    def check(self) -> None:
        """One source, no adapter, no review."""
        self.image.check()
        if self.project_version is not None:
            raise NotFoundError("The project version does not exist: this server has no adapters.")
        if self.human_loop:
            raise HumanLoopError("No human loop can be started: this server sends no pictures to reviewers.")


@dataclass(frozen=True, slots=True)
class ConcernsDetected:
    """What was found, and the version of the taxonomy."""

    found: ConcernsFound
    model_version: str


class Moderation:
    """Handles DetectModerationLabels."""

    def __init__(self, engine: Callable[[], ModerationEngine], pictures: Pictures) -> None:
        """Look at what ``pictures`` loads with what ``engine`` opens."""
        self._engine = engine
        self._pictures = pictures

    def detect(self, permit: Permit, command: DetectModerationLabels) -> ConcernsDetected:
        """Concerns surest first; none is an empty answer."""
        image = self._pictures.load(command.image, LABEL_RULES)
        permit.tally.images += 1
        engine = self._engine()
        found = engine.concerns(permit.slot, image, command.min_confidence_pct)
        permit.tally.add(moderation_labels_detected=len(found.concerns))
        return ConcernsDetected(found, engine.model_version)
