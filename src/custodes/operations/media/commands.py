"""The three commands of media analysis. A Start command is also what each part of a job is decided by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.jobs.job import JobId
from custodes.operations.images.detect_moderation import DEFAULT_CONFIDENCE_PCT
from custodes.operations.images.ports import S3Object
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Caller
from custodes.operations.requests.properties import READS, Properties, Reveals, Unit

INVALID = "Request has invalid parameters"


@dataclass(frozen=True, slots=True)
class ResultPlace:
    """Where results go: a bucket, and what their names begin with."""

    bucket: str
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartMediaAnalysisJob(Command):
    """Moderate all pictures of a list.

    Attributes:
        source: the list, one JSON object a line.
        output: where results go.
        moderation: whether the request says what to do; it must.
        project_version: of an adapter.
        job, part: of a part of a running job; None for the request itself.
    """

    operation: ClassVar[str] = "StartMediaAnalysisJob"
    properties: ClassVar[Properties] = Properties(Reveals.NOTHING, changes=True, unit=Unit.IMAGE)
    source: S3Object
    output: ResultPlace
    moderation: bool = True
    min_confidence_pct: float | None = None
    project_version: str | None = None
    name: str | None = None
    kms_key: str | None = None
    token: str | None = None
    job: str | None = None
    part: int | None = None

    def resource(self, caller: Caller) -> str:  # noqa: ARG002 - the ARN names its account itself
        """The adapter, where one is named."""
        return self.project_version or "*"

    def facts(self) -> Mapping[str, object]:
        """Which part of which job, if it is one."""
        return {} if self.part is None else {"job": self.job, "part": self.part}

    def check(self) -> None:
        """Something is to be done, with a list that has a bucket and a name."""
        if not self.moderation or not (self.source.bucket and self.source.name and self.output.bucket):
            raise InvalidParameterError(INVALID)

    @property
    def least_pct(self) -> float:
        """From which confidence on labels are told."""
        return DEFAULT_CONFIDENCE_PCT if self.min_confidence_pct is None else self.min_confidence_pct


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMediaAnalysisJob(Command):
    """Where a job stands."""

    operation: ClassVar[str] = "GetMediaAnalysisJob"
    properties: ClassVar[Properties] = READS
    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMediaAnalysisJobs(Command):
    """All jobs of the account, newest first."""

    operation: ClassVar[str] = "ListMediaAnalysisJobs"
    properties: ClassVar[Properties] = READS
    max_results: int | None = None
    next_token: str | None = None
