"""One processor at work: fragments of its stream through the gate, and what they tell to where it is wanted.

In: a started processor. Out: records, pictures and messages; the reason why it ended. Each fragment of some seconds
passes the gate: decided again for whoever started it, a slot, its frames looked at, recorded with its length. A
suspended account, a new rule, a deleted collection or a day that is over therefore stops it at the next fragment. What
was seen is told after its use is on record, never before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError, InvalidParameterError, UnavailableError
from custodes.core.ids import RequestId
from custodes.operations.images.ports import S3Object
from custodes.operations.requests.callers import decode_caller
from custodes.operations.requests.context import Context, Origin
from custodes.operations.requests.gate import Gate, Permit
from custodes.operations.requests.properties import minutes_begun
from custodes.operations.requests.receipts import Released
from custodes.operations.streams.commands import StartStreamProcessor
from custodes.operations.streams.events import HANDLER_TAG
from custodes.operations.streams.looking import Look, StreamEngines, Told, look_of
from custodes.operations.streams.ports import Fragment, LiveFrame, LiveSources, Stopped, StreamEventStore, StreamOutputs
from custodes.video.live.event import StreamEvent
from custodes.video.live.processor import FaceTask, LabelTask, StreamProcessor, StreamRun

SUBJECT = "Rekognition Stream Processing Event"
_TRIES = 4


HandleEvent = Callable[[Context, str, StreamEvent], None]
"""For whom, the name of the handler, the event. Raises what its commands raise."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How streams are watched: frames of a second that are looked at, and milliseconds under one permission."""

    samples_per_second: float = 2.0
    fragment_ms: int = 2_000


@dataclass(frozen=True, slots=True)
class StreamParts:
    """What a watch needs.

    Attributes:
        pause: waits for so many seconds before something is tried again.
        handle: has a handler of the account look at the picture of an event.
        series: while a fragment is looked at, networks keep their memory from one frame to the next.
    """

    engines: StreamEngines
    sources: LiveSources
    outputs: StreamOutputs
    events: StreamEventStore
    clock: Clock
    request_ids: Callable[[], RequestId]
    settings: StreamSettings = StreamSettings()
    pause: Callable[[float], None] = time.sleep
    series: Callable[[], AbstractContextManager[None]] = nullcontext
    handle: HandleEvent | None = None


class Watch:
    """Watches one stream."""

    def __init__(self, gate: Gate, parts: StreamParts, processor: StreamProcessor, run: StreamRun) -> None:
        """Let every fragment pass ``gate``."""
        self._gate = gate
        self._parts = parts
        self._processor = processor
        self._session = run
        self._caller = decode_caller(run.caller)
        self._watched_ms = 0

    def watch(self, stopped: Stopped, arrived: Callable[[], None]) -> str | None:
        """Watch until it is ``stopped`` or its time is over; ``arrived`` is called once frames come.

        Returns:
            Why it failed, for its account; None where it was meant to end.
        """
        try:
            self._watch(stopped, arrived)
            self._complete("COMPLETED")
        except CustodesError as error:
            self._complete_quietly(error.message)
            return error.message
        return None

    def _watch(self, stopped: Stopped, arrived: Callable[[], None]) -> None:
        parts, settings = self._parts, self._parts.settings
        look, number = look_of(parts.engines, self._processor), 0
        source = self._processor.source_arn
        with parts.sources.frames(source, settings.samples_per_second, stopped) as frames:
            while not look.done and (first := self._first(frames, stopped)) is not None:
                arrived()
                fragment = _FragmentLook(self, look, Fragment(source, number, first.ts_ms), first, frames)
                context = Context(self._caller, parts.request_ids(), parts.clock.now_ms(), Origin())
                with parts.series():
                    released = self._gate.perform(context, self._command(number), fragment.run)
                self._deliver(released.result)
                self._keep(released)
                number += 1

    def _first(self, frames: Iterator[LiveFrame | None], stopped: Stopped) -> LiveFrame | None:
        """The frame that a fragment begins with; None when there is to be none."""
        for frame in frames:
            if stopped() or self._is_over():
                return None
            if frame is not None:
                return frame
        return None

    def _is_over(self) -> bool:
        most = self._session.max_ms
        return most is not None and self._parts.clock.now_ms() - self._session.started_ts_ms >= most

    def counted(self, length_ms: int) -> int:
        """Minutes begun by ``length_ms`` more of this stream: over all fragments they add up to those of the whole."""
        before, self._watched_ms = self._watched_ms, self._watched_ms + length_ms
        return minutes_begun(self._watched_ms) - minutes_begun(before)

    def now_ms(self) -> int:
        """The time."""
        return self._parts.clock.now_ms()

    @property
    def fragment_ms(self) -> int:
        """Length of a fragment."""
        return self._parts.settings.fragment_ms

    def _command(self, number: int) -> StartStreamProcessor:
        task = self._processor.task
        command = StartStreamProcessor(name=self._processor.name, session_id=self._session.session_id, fragment=number)
        if isinstance(task, FaceTask):
            return replace(command, collection_id=task.collection_id, threshold_pct=task.threshold_pct)
        return command

    def _deliver(self, told: Told) -> None:
        task, outputs = self._processor.task, self._parts.outputs
        if isinstance(task, FaceTask):
            if told.records:
                self._insist(lambda: outputs.put_records(task.output_arn, self._processor.name, told.records))
            return
        for key, jpeg in told.pictures:
            place = S3Object(task.bucket, key)
            self._insist(partial(outputs.put_picture, self._processor.account_id, place, jpeg))
        for message in told.messages:
            self._publish(task, message)

    def _keep(self, released: Released[Told]) -> None:
        """Keep events, each with the place of its use on record."""
        if released.result.events:
            index = None if released.receipt is None else released.receipt.index
            self._parts.events.add([replace(event, ledger_index=index) for event in released.result.events])
            for event in released.result.events:
                self._handle(event)

    def _handle(self, event: StreamEvent) -> None:
        """Give the picture to the handler that the processor names; one that is too small for any is passed over."""
        name, handle = self._processor.tags.get(HANDLER_TAG), self._parts.handle
        if name is None or handle is None or not event.picture:
            return
        context = Context(self._caller, self._parts.request_ids(), self._parts.clock.now_ms(), Origin())
        with suppress(InvalidParameterError):
            handle(context, name, event)

    def _publish(self, task: LabelTask, message: bytes) -> None:
        topic = task.topic_arn
        if topic is not None:
            self._insist(lambda: self._parts.outputs.publish(topic, SUBJECT, message))

    def _insist(self, send: Callable[[], None]) -> None:
        """Try a few times, since what is told here is told nowhere else. Raises UnavailableError after the last."""
        for attempt in range(_TRIES):
            try:
                return send()
            except UnavailableError:
                if attempt == _TRIES - 1:
                    raise
                self._parts.pause(0.2 * 2**attempt)
        return None

    def _complete(self, result: str) -> None:
        if isinstance(self._processor.task, LabelTask):
            message = self._parts.engines.spelling.complete_message(self._processor, self._watched_ms, result)
            self._publish(self._processor.task, message)

    def _complete_quietly(self, result: str) -> None:
        """The reason of the failure counts, not that it could not be told."""
        try:
            self._complete(result)
        except UnavailableError:
            return


class _FragmentLook:
    """One fragment, looked at within the gate."""

    def __init__(
        self, watch: Watch, look: Look, fragment: Fragment, first: LiveFrame, frames: Iterator[LiveFrame | None]
    ) -> None:
        self._watch = watch
        self._look = look
        self._fragment = fragment
        self._first = first
        self._frames = frames

    def run(self, permit: Permit, _command: StartStreamProcessor) -> Told:
        """What it has to tell."""
        self._look.begin(permit)
        told = Told()
        last_ms, count = self._first.ts_ms, 0
        for frame in self._during():
            told += self._look.look(permit, self._fragment, frame)
            last_ms, count = frame.ts_ms, count + 1
            if self._look.done:
                break
        length_ms = min(self._watch.fragment_ms, max(last_ms - self._fragment.start_ts_ms, 1))
        permit.tally.add(stream_ms=length_ms, frames=count, video_minutes=self._watch.counted(length_ms))
        return told + self._look.end()

    def _during(self) -> Iterator[LiveFrame]:
        """The first frame, and those that arrive before the fragment is over."""
        yield self._first
        end_ms = self._first.ts_ms + self._watch.fragment_ms
        for frame in self._frames:
            if frame is None:
                if self._watch.now_ms() >= end_ms:
                    return
                continue
            yield frame
            if self._watch.now_ms() >= end_ms:
                return
