"""Adapters of accounts, as moderation asks them. In: an ARN, and what the networks say. Out: what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from custodes.core.errors import InvalidParameterError, NotUsableError
from custodes.engine.ports import CustomLabelEngine
from custodes.engine.results.moderation import ConcernsFound
from custodes.imaging.image import Image
from custodes.operations.projects.arns import version_key
from custodes.operations.projects.records import ProjectRecords
from custodes.operations.projects.versions import OpenModels
from custodes.operations.requests.context import Caller
from custodes.operations.requests.gate import Permit
from custodes.projects.entities import ProjectFeature, Version, VersionStatus


@dataclass(frozen=True, slots=True)
class VersionAdapters:
    """Implements ``Adapters`` over versions."""

    records: ProjectRecords
    models: OpenModels
    engine: Callable[[], CustomLabelEngine]

    def version(self, caller: Caller, arn: str) -> Version:
        """The adapter.

        Raises:
            NotFoundError: the account has no such version.
            NotUsableError: it is not trained.
            InvalidParameterError: it is not an adapter.
        """
        version = cast("Version", self.records.version(version_key(caller, arn)).value)
        if version.feature is not ProjectFeature.CONTENT_MODERATION:
            raise InvalidParameterError("The project version is not an adapter")
        if version.status is not VersionStatus.TRAINING_COMPLETED:
            raise NotUsableError(f"The project version is {version.status}.")
        return version

    def adapted(self, permit: Permit, image: Image, base: ConcernsFound, arn: str, least_pct: float) -> ConcernsFound:
        """See Adapters."""
        version = self.version(permit.context.caller, arn)
        return self.engine().adapt(permit.slot, image, self.models.model(version.key), base, least_pct)
