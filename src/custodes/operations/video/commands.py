"""The sixteen commands of stored video. A Start command is also what a job keeps and what its parts are decided by.

Options are plain JSON values, checked by the edge against the service model: a job's input is them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import CollectionId
from custodes.gallery.entities import CollectionKey
from custodes.jobs.job import JobId
from custodes.operations.images.ports import S3Object
from custodes.operations.requests.arn import collection_arn
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Caller
from custodes.operations.requests.properties import Properties, Reveals, Unit

DEFAULT_MATCH_PCT = 80.0
MAX_CORNERS = 10
C = TypeVar("C", bound=Command)


@dataclass(frozen=True, slots=True)
class Channel:
    """Where a client wants to be told: a topic, and the role that it lets us publish as."""

    topic_arn: str
    role_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartVideo(Command):
    """Begin to look at a stored video.

    Attributes:
        video: where it is.
        options: of the operation, by their API names, without those that all share.
        token: ClientRequestToken.
        tag: JobTag, told back.
        channel: NotificationChannel.
        job_id, part: of a part of a running job; None for the request itself.
    """

    video: S3Object
    options: Mapping[str, Any] = field(default_factory=dict)
    token: str | None = None
    tag: str | None = None
    channel: Channel | None = None
    job_id: JobId | None = None
    part: int | None = None

    def facts(self) -> Mapping[str, object]:
        """Which part of which job, if it is one."""
        return {} if self.part is None else {"job": self.job_id, "part": self.part}

    def check(self) -> None:
        """The video has a bucket and a name."""
        if not (self.video.bucket and self.video.name):
            raise InvalidParameterError("Request has invalid parameters")


def _starts(reveals: Reveals) -> Properties:
    return Properties(reveals, changes=True, unit=Unit.MINUTE, searches=reveals is Reveals.IDENTITY)


class StartFaceDetection(StartVideo):
    """Faces with their attributes."""

    operation: ClassVar[str] = "StartFaceDetection"
    properties: ClassVar[Properties] = _starts(Reveals.ATTRIBUTES)

    def facts(self) -> Mapping[str, object]:
        """Whether emotions are asked for."""
        return {**StartVideo.facts(self), "emotions": self.options.get("FaceAttributes") == "ALL"}


class StartFaceSearch(StartVideo):
    """Who of a collection is seen."""

    operation: ClassVar[str] = "StartFaceSearch"
    properties: ClassVar[Properties] = _starts(Reveals.IDENTITY)

    @property
    def collection_id(self) -> CollectionId:
        """The collection."""
        return CollectionId(self.options["CollectionId"])

    @property
    def threshold_pct(self) -> float:
        """Least similarity of a match."""
        return float(self.options.get("FaceMatchThreshold", DEFAULT_MATCH_PCT))

    def resource(self, caller: Caller) -> str:
        """ARN of the collection."""
        return collection_arn(caller, self.collection_id)

    def key(self, caller: Caller) -> CollectionKey:
        """The collection in the gallery."""
        return CollectionKey(caller.account_id, self.collection_id)

    def facts(self) -> Mapping[str, object]:
        """The threshold."""
        return {**StartVideo.facts(self), "threshold_pct": self.threshold_pct}


class StartTextDetection(StartVideo):
    """Words."""

    operation: ClassVar[str] = "StartTextDetection"
    properties: ClassVar[Properties] = _starts(Reveals.NOTHING)

    def check(self) -> None:
        """Every region is an area."""
        StartVideo.check(self)
        if not all(3 <= len(region) <= MAX_CORNERS for region in self.options.get("regions", ())):
            raise InvalidParameterError("Request has invalid parameters")


# Those that need nothing of their own: what each reveals is all that tells them apart. An index that comes back from
# person tracking says that two faces are alike.
_PLAIN_STARTS: Mapping[str, Reveals] = MappingProxyType(
    {
        "StartPersonTracking": Reveals.SIMILARITY,
        "StartLabelDetection": Reveals.NOTHING,
        "StartContentModeration": Reveals.NOTHING,
        "StartCelebrityRecognition": Reveals.IDENTITY,
        "StartSegmentDetection": Reveals.NOTHING,
    }
)


def _kind(base: type[C], operation: str, properties: Properties) -> type[C]:
    """The command of ``operation``, which adds nothing to ``base``."""
    members = {
        "operation": operation,
        "properties": properties,
        "__doc__": f"{operation}: see {base.__name__}.",
        "__module__": __name__,
        "__slots__": (),
    }
    return type(operation, (base,), members)


START_COMMANDS: Mapping[str, type[StartVideo]] = MappingProxyType(
    {command.operation: command for command in (StartFaceDetection, StartFaceSearch, StartTextDetection)}
    | {name: _kind(StartVideo, name, _starts(reveals)) for name, reveals in _PLAIN_STARTS.items()}
)
"""By operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetVideo(Command):
    """Read results of a job that was started by the operation of the same name.

    Attributes:
        job_id: which.
        max_results: of a page; more than 1,000 is 1,000.
        next_token: of the page before.
        sort_by, aggregate_by: API values; None for the operation's default.
        threshold_pct: that faces were searched with, for rules about it; None where none were searched.
    """

    job_id: JobId
    max_results: int | None = None
    next_token: str | None = None
    sort_by: str | None = None
    aggregate_by: str | None = None
    threshold_pct: float | None = None

    def facts(self) -> Mapping[str, object]:
        """The threshold of the search whose results are read."""
        return {} if self.threshold_pct is None else {"threshold_pct": self.threshold_pct}

    @property
    def started_by(self) -> str:
        """The Start operation whose jobs these are."""
        return self.operation.replace("Get", "Start", 1)


_READ: Mapping[str, Reveals] = MappingProxyType(
    {
        "GetFaceDetection": Reveals.ATTRIBUTES,
        "GetFaceSearch": Reveals.IDENTITY,
        "GetPersonTracking": Reveals.SIMILARITY,
        "GetLabelDetection": Reveals.NOTHING,
        "GetContentModeration": Reveals.NOTHING,
        "GetTextDetection": Reveals.NOTHING,
        "GetCelebrityRecognition": Reveals.IDENTITY,
        "GetSegmentDetection": Reveals.NOTHING,
    }
)
GET_COMMANDS: Mapping[str, type[GetVideo]] = MappingProxyType(
    {name: _kind(GetVideo, name, Properties(reveals, changes=False)) for name, reveals in _READ.items()}
)
"""By operation."""
