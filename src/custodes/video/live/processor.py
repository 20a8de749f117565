"""A stream processor: what it watches, looks for and tells, and which change of its state may follow which.

In: a processor as it stands, what happens to it, the time. Out: the processor afterwards, or ``InUseError`` where its
state does not allow the change. Pure rules: where processors are kept is a matter of ``ports``, who runs them of
``workers``.

Source: API reference of StreamProcessor; the developer guide on the states of processors that look for labels, which
stay STARTING while they run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from custodes.core.errors import InUseError
from custodes.core.ids import AccountId, CollectionId

Point = tuple[float, float]
"""A place in the picture, as ratios of its width and height."""


class StreamState(StrEnum):
    """Where a processor stands; values of the API."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    FAILED = "FAILED"


RESTING = frozenset({StreamState.STOPPED, StreamState.FAILED})


@dataclass(frozen=True, slots=True)
class FaceTask:
    """Look for faces of a collection.

    Attributes:
        collection_id: where to look.
        threshold_pct: least similarity, 80 to 100.
        output_arn: of the Kinesis data stream that gets a record for every frame looked at.
    """

    collection_id: CollectionId
    threshold_pct: float
    output_arn: str


@dataclass(frozen=True, slots=True)
class LabelTask:
    """Look for persons, pets and packages.

    Attributes:
        labels: of ``PERSON``, ``PET``, ``PACKAGE``, ``ALL``.
        min_confidence_pct: least confidence of what is told.
        bucket, key_prefix: where pictures of what was seen go.
        topic_arn: where it is told; None for nowhere.
        regions: areas that are watched, each the corners of a polygon; none for the whole picture.
    """

    labels: tuple[str, ...]
    min_confidence_pct: float
    bucket: str
    key_prefix: str
    topic_arn: str | None = None
    regions: tuple[tuple[Point, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class StreamRun:
    """A processor at work.

    Attributes:
        session_id: of this run.
        caller: who started it, as JSON of whoever decides: every fragment is decided for the same principal.
        started_ts_ms: when.
        max_ms: after which it ends; None for when it is stopped.
        request: members of the request that started it, for messages that repeat them.
    """

    session_id: str
    caller: bytes = field(repr=False)
    started_ts_ms: int
    max_ms: int | None = None
    request: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StreamProcessor:
    """One processor.

    Attributes:
        account_id, name: its key.
        source_arn: the Kinesis video stream that stands for a source of the operator's.
        role_arn: told back; nobody assumes it.
        kms_key_id, opt_in: told back where they were given.
        revision: rises with every change, so that two writers notice each other.
        message: why it failed or stopped, for its account.
    """

    account_id: AccountId
    name: str
    source_arn: str
    role_arn: str
    task: FaceTask | LabelTask
    created_ts_ms: int
    updated_ts_ms: int
    tags: Mapping[str, str] = field(default_factory=dict)
    kms_key_id: str | None = None
    opt_in: bool | None = None
    state: StreamState = StreamState.STOPPED
    message: str | None = None
    run: StreamRun | None = None
    revision: int = 0

    @property
    def rests(self) -> bool:
        """Whether nothing is under way."""
        return self.state in RESTING

    def started(self, run: StreamRun) -> StreamProcessor:
        """Begin ``run``. Raises InUseError while it is at work."""
        if not self.rests:
            raise InUseError("Processor is not in a valid state to be started.")
        return self._changed(run.started_ts_ms, state=StreamState.STARTING, run=run, message=None)

    def running(self, now_ms: int) -> StreamProcessor:
        """Frames arrive. Processors that look for labels stay STARTING, as the API's do."""
        if self.state is not StreamState.STARTING or isinstance(self.task, LabelTask):
            return self
        return self._changed(now_ms, state=StreamState.RUNNING)

    def stopping(self, now_ms: int) -> StreamProcessor:
        """It is to end. Raises InUseError when it is not at work."""
        if self.state not in (StreamState.STARTING, StreamState.RUNNING):
            raise InUseError("Processor not available for stopping stream.")
        return self._changed(now_ms, state=StreamState.STOPPING)

    def ended(self, now_ms: int, failure: str | None = None) -> StreamProcessor:
        """It has ended; ``failure`` says why, unless it was meant to."""
        state = StreamState.STOPPED if failure is None else StreamState.FAILED
        return self._changed(now_ms, state=state, message=failure, run=None)

    def changed(self, now_ms: int, **members: Any) -> StreamProcessor:
        """Other settings. Raises InUseError while it is at work."""
        if not self.rests:
            raise InUseError("Processor is not in a valid state to be updated.")
        return self._changed(now_ms, **members)

    def tagged(self, tags: Mapping[str, str], now_ms: int) -> StreamProcessor:
        """Other tags, in any state."""
        return self._changed(now_ms, tags=dict(tags))

    def _changed(self, now_ms: int, **members: Any) -> StreamProcessor:
        return replace(self, revision=self.revision + 1, updated_ts_ms=max(now_ms, self.updated_ts_ms), **members)
