"""The seven commands of stream processors. A start is also what each fragment of a stream is decided by.

Shapes and patterns were checked by the edge; what a schema cannot say is checked here.

Source: API reference of CreateStreamProcessor and StartStreamProcessor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import CollectionId
from custodes.operations.requests.arn import processor_arn
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Caller
from custodes.operations.requests.properties import CHANGES, READS, Properties, Reveals, Unit
from custodes.video.live.processor import FaceTask, LabelTask

LABELS = ("PERSON", "PET", "PACKAGE", "ALL")
MIN_THRESHOLD_PCT = 80.0
"""Lower thresholds are raised to it. Source: API reference of FaceSearchSettings."""
MAX_CORNERS = 10
PREPARES = Properties(Reveals.SIMILARITY, changes=True)
"""Of what sets up a search: refused to whoever may not compare, before there is anything to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCommand(Command):
    """A request on one processor."""

    name: str

    def resource(self, caller: Caller) -> str:
        """ARN of the processor."""
        return processor_arn(caller.region, caller.account_id, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStreamProcessor(StreamCommand):
    """Describe a new processor; it does not begin to watch.

    Attributes:
        face_search, connected_home: settings in the API's members; exactly one of them.
        kinesis_arn, bucket, key_prefix: the output, where given.
    """

    operation: ClassVar[str] = "CreateStreamProcessor"
    properties: ClassVar[Properties] = PREPARES
    source_arn: str | None
    role_arn: str
    face_search: Mapping[str, Any] | None = None
    connected_home: Mapping[str, Any] | None = None
    kinesis_arn: str | None = None
    bucket: str | None = None
    key_prefix: str = ""
    topic_arn: str | None = None
    kms_key_id: str | None = None
    opt_in: bool | None = None
    regions: tuple[tuple[tuple[float, float], ...], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> Mapping[str, object]:
        """Tags asked for."""
        return {"request_tags": dict(self.tags)}

    def check(self) -> None:
        """Source, exactly one kind of task, and the output that belongs to it."""
        if self.source_arn is None:
            raise InvalidParameterError("Request has invalid parameters: Input needs a Kinesis video stream.")
        if (self.face_search is None) == (self.connected_home is None):
            raise InvalidParameterError("Request has invalid parameters: exactly one kind of Settings is needed.")
        if self.face_search is not None:
            self._check_faces()
        else:
            self._check_labels()

    def task(self) -> FaceTask | LabelTask:
        """What to look for. ``check`` has passed."""
        if self.face_search is not None:
            threshold = max(MIN_THRESHOLD_PCT, float(self.face_search.get("FaceMatchThreshold", MIN_THRESHOLD_PCT)))
            return FaceTask(CollectionId(self.face_search["CollectionId"]), threshold, self.kinesis_arn or "")
        told = self.connected_home or {}
        return LabelTask(
            tuple(told["Labels"]),
            float(told.get("MinConfidence", 50.0)),
            self.bucket or "",
            self.key_prefix,
            self.topic_arn,
            self.regions,
        )

    def _check_faces(self) -> None:
        if self.kinesis_arn is None or self.bucket is not None:
            raise InvalidParameterError("Request has invalid parameters: face search needs a Kinesis data stream.")
        if "CollectionId" not in (self.face_search or {}):
            raise InvalidParameterError("Request has invalid parameters: face search needs a collection.")
        if self.topic_arn or self.kms_key_id or self.regions or self.opt_in is not None:
            raise InvalidParameterError("Request has invalid parameters: face search has no such settings.")

    def _check_labels(self) -> None:
        if self.bucket is None or self.kinesis_arn is not None:
            raise InvalidParameterError("Request has invalid parameters: labels need an S3 destination.")
        check_labels((self.connected_home or {}).get("Labels", ()))
        check_regions(self.regions)


def check_labels(labels: object) -> None:
    """Raise InvalidParameterError unless these are known classes, at least one."""
    if not isinstance(labels, list | tuple) or not labels or not set(labels) <= set(LABELS):
        raise InvalidParameterError(f"Request has invalid parameters: labels are {', '.join(LABELS)}.")


def check_regions(regions: tuple[tuple[tuple[float, float], ...], ...]) -> None:
    """Raise InvalidParameterError unless each region is an area."""
    if not all(3 <= len(region) <= MAX_CORNERS for region in regions):
        raise InvalidParameterError("Request has invalid parameters: a region has 3 to 10 corners.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStreamProcessor(StreamCommand):
    """Read settings and state."""

    operation: ClassVar[str] = "DescribeStreamProcessor"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStreamProcessors(Command):
    """Names and states of the account's processors."""

    operation: ClassVar[str] = "ListStreamProcessors"
    properties: ClassVar[Properties] = READS
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartStreamProcessor(StreamCommand):
    """Begin to watch; with ``fragment``, one fragment of what is watched.

    What a processor tells goes to other places than the answer of this command; it counts as identification all the
    same, whether this one looks for faces or not: what an operation may reveal does not depend on its settings.

    Attributes:
        start_selector, max_duration_s: as requested; for labels only.
        collection_id, threshold_pct: of a processor that looks for faces, for rules about them.
        session_id, fragment: of a fragment; None for the request itself.
    """

    operation: ClassVar[str] = "StartStreamProcessor"
    properties: ClassVar[Properties] = Properties(Reveals.IDENTITY, changes=True, unit=Unit.MINUTE, searches=True)
    start_selector: Mapping[str, Any] | None = None
    max_duration_s: int | None = None
    has_stop_selector: bool = False
    collection_id: CollectionId | None = None
    threshold_pct: float | None = None
    session_id: str | None = None
    fragment: int | None = None

    def facts(self) -> Mapping[str, object]:
        """That it happens in real time, the threshold of a search, and which fragment of which session it is."""
        facts: dict[str, object] = {"processor": self.name}
        if self.threshold_pct is not None:
            facts |= {"real_time": True, "threshold_pct": self.threshold_pct, "collection": self.collection_id}
        return facts if self.fragment is None else {**facts, "session": self.session_id, "fragment": self.fragment}


@dataclass(frozen=True, slots=True, kw_only=True)
class StopStreamProcessor(StreamCommand):
    """Stop watching."""

    operation: ClassVar[str] = "StopStreamProcessor"
    properties: ClassVar[Properties] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStreamProcessor(StreamCommand):
    """Change settings of a processor that looks for labels.

    Attributes:
        labels, min_confidence_pct, opt_in: new values; None for none.
        regions: new regions; None for none.
        drops: of ``ConnectedHomeMinConfidence`` and ``RegionsOfInterest``, what goes back to its default.
    """

    operation: ClassVar[str] = "UpdateStreamProcessor"
    properties: ClassVar[Properties] = PREPARES
    labels: tuple[str, ...] | None = None
    min_confidence_pct: float | None = None
    regions: tuple[tuple[tuple[float, float], ...], ...] | None = None
    opt_in: bool | None = None
    drops: frozenset[str] = frozenset()

    def check(self) -> None:
        """Known labels, areas as regions."""
        if self.labels is not None:
            check_labels(self.labels)
        check_regions(self.regions or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteStreamProcessor(StreamCommand):
    """Forget a processor that is not at work."""

    operation: ClassVar[str] = "DeleteStreamProcessor"
    properties: ClassVar[Properties] = CHANGES
