"""DetectModerationLabels: what a platform may not want in a picture. Nothing is kept.

There are no human reviews here; a request for one is refused, never answered as if it had been met. An adapter of the
account shifts what the networks say, within the taxonomy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from custodes.core.errors import HumanLoopError, NotFoundError
from custodes.engine.ports import ModerationEngine
from custodes.engine.results.moderation import ConcernsFound
from custodes.imaging.image import Image
from custodes.operations.images.sources import LABEL_RULES, ImageInput, Pictures
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Caller
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

    def resource(self, caller: Caller) -> str:  # noqa: ARG002 - the ARN names its account itself
        """The adapter, where one is named."""
        return self.project_version or "*"

    def check(self) -> None:
        """One source, no review."""
        self.image.check()
        if self.human_loop:
            raise HumanLoopError("No human loop can be started: this server sends no pictures to reviewers.")


@dataclass(frozen=True, slots=True)
class ConcernsDetected:
    """What was found, the version of the taxonomy, and the adapter that was asked, if any."""

    found: ConcernsFound
    model_version: str
    project_version: str | None = None


class Adapters(Protocol):
    """Adapters of accounts."""

    def adapted(self, permit: Permit, image: Image, base: ConcernsFound, arn: str, least_pct: float) -> ConcernsFound:
        """What an adapter makes of ``base``, all that the networks say however unsure.

        Raises:
            NotFoundError: the account has no such version.
            NotUsableError: it is not trained.
            InvalidParameterError: it is not an adapter.
        """
        ...


class NoAdapters:
    """Stands where this server was put together without adapters."""

    def adapted(self, permit: Permit, image: Image, base: ConcernsFound, arn: str, least_pct: float) -> ConcernsFound:  # noqa: ARG002 - the port's signature
        """Refuse."""
        raise NotFoundError("The project version does not exist: this server has no adapters.")


class Moderation:
    """Handles DetectModerationLabels."""

    def __init__(
        self, engine: Callable[[], ModerationEngine], pictures: Pictures, adapters: Adapters | None = None
    ) -> None:
        """Look at what ``pictures`` loads with what ``engine`` opens; ``adapters`` of accounts may shift it."""
        self._engine = engine
        self._pictures = pictures
        self._adapters = adapters or NoAdapters()

    def detect(self, permit: Permit, command: DetectModerationLabels) -> ConcernsDetected:
        """Concerns surest first; none is an empty answer."""
        return self.look(permit, command.image, command.min_confidence_pct, command.project_version)

    def look(self, permit: Permit, source: ImageInput, least_pct: float, adapter: str | None) -> ConcernsDetected:
        """The same for a picture alone."""
        image = self._pictures.load(source, LABEL_RULES)
        permit.tally.images += 1
        engine = self._engine()
        if adapter is None:
            found = engine.concerns(permit.slot, image, least_pct)
        else:
            found = self._adapters.adapted(permit, image, engine.concerns(permit.slot, image, 0.0), adapter, least_pct)
        permit.tally.add(moderation_labels_detected=len(found.concerns))
        return ConcernsDetected(found, engine.model_version, adapter)
