"""What the seven operations on stream processors do. Watching itself is done by ``workers``, after a start.

In: commands within the gate. Out: processors as they stand. Face search on a live stream is refused unless the
processor carries the day on which it ends: see ``until_ts_ms``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from custodes.core.errors import (
    DeniedError,
    InUseError,
    InvalidParameterError,
    NotFoundError,
    NotSupportedError,
    ObjectStoreError,
    RateExceededError,
)
from custodes.core.ids import AccountId
from custodes.core.pages import PageTokens
from custodes.engine.ports import FaceEngine
from custodes.gallery.entities import CollectionKey
from custodes.operations.collections.ports import Gallery
from custodes.operations.collections.tags import check_tags
from custodes.operations.images.ports import ObjectWriter
from custodes.operations.images.scale import require_same_model
from custodes.operations.policy.facts import TAG_PREFIX
from custodes.operations.requests.callers import encode_caller
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Permit
from custodes.operations.reviews.redaction import is_held
from custodes.operations.streams.commands import (
    CreateStreamProcessor,
    DeleteStreamProcessor,
    DescribeStreamProcessor,
    ListStreamProcessors,
    StartStreamProcessor,
    StopStreamProcessor,
    UpdateStreamProcessor,
)
from custodes.operations.streams.events import HANDLER_TAG, kept_days
from custodes.operations.streams.events import TAG as EVENTS_TAG
from custodes.operations.streams.ports import LiveSources, StreamEventStore, StreamProcessorStore
from custodes.video.live.processor import FaceTask, LabelTask, StreamProcessor, StreamRun

MAX_PROCESSORS = 100
MAX_PAGE = 1000
DEFAULT_DURATION_S = 10
UNTIL_TAG = "custodes:until"
"""Tag with the last day (YYYY-MM-DD, UTC) on which a processor may look for faces."""
MAX_DAYS = 366


@dataclass(frozen=True, slots=True)
class StreamAdapters:
    """Where processors are and who runs them.

    Attributes:
        writer: says which buckets an account may have pictures written to.
        wake: tells workers that a processor was started or stopped.
        has_room: whether one more processor can be run.
        new_session: makes session ids.
    """

    processors: StreamProcessorStore
    events: StreamEventStore
    sources: LiveSources
    writer: ObjectWriter
    wake: Callable[[], None]
    has_room: Callable[[], bool]
    new_session: Callable[[], str]


class StreamOperations:
    """Handles the operations. Those on one processor raise NotFoundError when the account has none of this name."""

    def __init__(
        self, engine: FaceEngine, gallery: Gallery, pages: PageTokens, adapters: StreamAdapters | None
    ) -> None:
        """Keep and start processors of ``adapters``; without any, every operation is refused."""
        self._engine = engine
        self._gallery = gallery
        self._pages = pages
        self._adapters = adapters

    @property
    def _ports(self) -> StreamAdapters:
        if self._adapters is None:
            raise NotSupportedError("This server was put together without live streams.")
        return self._adapters

    def create(self, permit: Permit, command: CreateStreamProcessor) -> StreamProcessor:
        """The new processor, stopped.

        Raises:
            InUseError: name or source are taken.
            QuotaError: the account has as many as it may have.
            NotFoundError: no such collection.
            InvalidParameterError: pictures may not be written to the bucket.
        """
        check_tags(command.tags)
        kept_days(command.tags)
        caller, now_ms = permit.context.caller, permit.context.ts_ms
        task = command.task()
        if isinstance(task, FaceTask):
            require_same_model(
                self._engine, self._gallery.outline(CollectionKey(caller.account_id, task.collection_id))
            )
            _until_ms(command.tags, now_ms)
        else:
            self._check_bucket(caller.account_id, task)
        processor = StreamProcessor(
            caller.account_id,
            command.name,
            command.source_arn or "",
            command.role_arn,
            task,
            now_ms,
            now_ms,
            dict(command.tags),
            command.kms_key_id,
            command.opt_in,
        )
        self._ports.processors.add(processor, MAX_PROCESSORS)
        return processor

    def _check_bucket(self, account_id: AccountId, task: LabelTask) -> None:
        try:
            self._ports.writer.check(account_id, task.bucket)
        except ObjectStoreError as error:
            raise InvalidParameterError(error.message) from error

    def describe(self, permit: Permit, command: DescribeStreamProcessor) -> StreamProcessor:
        """As it stands."""
        return self._found(permit, command.name)

    def list(self, permit: Permit, command: ListStreamProcessors) -> tuple[Sequence[StreamProcessor], str | None]:
        """A page, by name, and the token of the next one. Raises PaginationTokenError."""
        account = permit.context.caller.account_id
        scope = (command.operation, str(account))
        after = "" if command.next_token is None else self._pages.read(scope, command.next_token)
        limit = min(command.max_results or MAX_PAGE, MAX_PAGE)
        found = self._ports.processors.listing(account, after, limit + 1)
        shown = found[:limit]
        return shown, self._pages.issue(scope, shown[-1].name) if len(found) > limit else None

    def as_stated(self, context: Context, command: StartStreamProcessor) -> tuple[Context, StartStreamProcessor]:
        """Context and command of a start, with what the processor says of itself.

        Of one that looks for faces: collection and threshold, and facts that its tags state, as tags of a session do.
        What the session itself states counts more.
        """
        caller = context.caller
        found = None if self._adapters is None else self._adapters.processors.find(caller.account_id, command.name)
        if found is None or not isinstance(found.task, FaceTask):
            return context, command
        ours = (UNTIL_TAG, EVENTS_TAG, HANDLER_TAG)
        stated = {key: value for key, value in found.tags.items() if key.startswith(TAG_PREFIX) and key not in ours}
        caller = replace(caller, session_tags={**stated, **caller.session_tags})
        task = found.task
        return replace(context, caller=caller), replace(
            command, collection_id=task.collection_id, threshold_pct=task.threshold_pct
        )

    def start(self, permit: Permit, command: StartStreamProcessor) -> StreamProcessor:
        """The processor, starting.

        Raises:
            InUseError: it is at work already.
            InvalidParameterError: the selectors do not fit what it looks for, or no source stands behind its stream.
            DeniedError: its results would have to be held back for two persons, or its last day is over.
            RateExceededError: this server watches as many streams as it may.
        """
        ports, now_ms = self._ports, permit.context.ts_ms
        processor = self._found(permit, command.name)
        if not processor.rests:
            raise InUseError("Processor is not in a valid state to be started.")
        max_ms = _max_ms(processor, command)
        if isinstance(processor.task, FaceTask):
            self._check_search(permit, processor)
        if not ports.sources.knows(processor.source_arn):
            raise InvalidParameterError(
                f"No source is connected to {processor.source_arn}: the operator connects one with "
                "custodes stream source set."
            )
        if not ports.has_room():
            raise RateExceededError("This server watches as many streams at the same time as it may.")
        run = StreamRun(ports.new_session(), encode_caller(permit.context.caller), now_ms, max_ms, _request(command))
        after = self._replaced(processor.started(run))
        ports.wake()
        return after

    def stop(self, permit: Permit, command: StopStreamProcessor) -> None:
        """Raises InUseError when it is not at work."""
        self._replaced(self._found(permit, command.name).stopping(permit.context.ts_ms))
        self._ports.wake()

    def update(self, permit: Permit, command: UpdateStreamProcessor) -> None:
        """Raises InUseError while it is at work, InvalidParameterError for one that looks for faces."""
        processor = self._found(permit, command.name)
        task = processor.task
        if not isinstance(task, LabelTask):
            raise InvalidParameterError("Only processors that look for labels can be updated.")
        changes: dict[str, Any] = {}
        if command.labels is not None:
            changes["labels"] = command.labels
        if command.min_confidence_pct is not None:
            changes["min_confidence_pct"] = command.min_confidence_pct
        if command.regions is not None:
            changes["regions"] = command.regions
        if "ConnectedHomeMinConfidence" in command.drops:
            changes["min_confidence_pct"] = 50.0
        if "RegionsOfInterest" in command.drops:
            changes["regions"] = ()
        opt_in = processor.opt_in if command.opt_in is None else command.opt_in
        self._replaced(processor.changed(permit.context.ts_ms, task=replace(task, **changes), opt_in=opt_in))

    def delete(self, permit: Permit, command: DeleteStreamProcessor) -> None:
        """Raises InUseError while it is at work."""
        processor = self._found(permit, command.name)
        if not processor.rests or not self._ports.processors.remove(processor):
            raise InUseError("Cannot delete stream processor.")

    def tags(self, account_id: AccountId, name: str) -> dict[str, str]:
        """Tags of a processor."""
        return dict(self._of(account_id, name).tags)

    def put_tags(self, account_id: AccountId, name: str, tags: Mapping[str, str], now_ms: int) -> None:
        """Replace the tags of a processor."""
        self._replaced(self._of(account_id, name).tagged(tags, now_ms))

    def _check_search(self, permit: Permit, processor: StreamProcessor) -> None:
        assert isinstance(processor.task, FaceTask)
        if is_held(permit):
            raise DeniedError("what a live search finds cannot be held back until two persons have confirmed it")
        if until_ts_ms(processor.tags, permit.context.ts_ms) <= permit.context.ts_ms:
            raise DeniedError(f"its last day, {processor.tags[UNTIL_TAG]}, is over")
        key = CollectionKey(processor.account_id, processor.task.collection_id)
        require_same_model(self._engine, self._gallery.outline(key))

    def _found(self, permit: Permit, name: str) -> StreamProcessor:
        return self._of(permit.context.caller.account_id, name)

    def _of(self, account_id: AccountId, name: str) -> StreamProcessor:
        found = self._ports.processors.find(account_id, name)
        if found is None:
            raise NotFoundError(f"Stream Processor with name: {name} not found")
        return found

    def _replaced(self, processor: StreamProcessor) -> StreamProcessor:
        if not self._ports.processors.keep(processor):
            raise InUseError("The stream processor was changed at the same time.")
        return processor


def until_ts_ms(tags: Mapping[str, str], now_ms: int) -> int:
    """The moment after the last day of a face search, in ms since the epoch; at most 366 days from ``now_ms``.

    Raises:
        DeniedError: no day is given, or it is none.
    """
    told = tags.get(UNTIL_TAG)
    if told is None:
        raise DeniedError(f"a live face search needs the last day of its use, in the tag {UNTIL_TAG}: YYYY-MM-DD")
    try:
        day = datetime.strptime(told, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidParameterError(f"the tag {UNTIL_TAG} is no day like 2027-06-30") from None
    latest = datetime.fromtimestamp(now_ms / 1000, UTC) + timedelta(days=MAX_DAYS)
    return int(min(day + timedelta(days=1), latest).timestamp() * 1000)


def _until_ms(tags: Mapping[str, str], now_ms: int) -> None:
    """Refuse a day that cannot be read when the processor is made, not only when it starts."""
    if UNTIL_TAG in tags:
        until_ts_ms(tags, now_ms)


def _max_ms(processor: StreamProcessor, command: StartStreamProcessor) -> int | None:
    faces = isinstance(processor.task, FaceTask)
    given = command.start_selector is not None, command.has_stop_selector
    if faces and any(given):
        raise InvalidParameterError("A processor that looks for faces takes neither StartSelector nor StopSelector.")
    if not faces and not all(given):
        raise InvalidParameterError("A processor that looks for labels needs StartSelector and StopSelector.")
    return None if faces else 1000 * (command.max_duration_s or DEFAULT_DURATION_S)


def _request(command: StartStreamProcessor) -> dict[str, Any]:
    """The request in the API's members, as messages about the session repeat it."""
    members: dict[str, Any] = {"name": command.name}
    if command.start_selector is not None:
        members["startSelector"] = {"kvsStreamStartSelector": dict(command.start_selector)}
        members["stopSelector"] = {"maxDurationInSeconds": command.max_duration_s or DEFAULT_DURATION_S}
    return members
