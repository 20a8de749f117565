"""Live streams over a data directory: the store of processors, sources, outputs, threads that watch.

In: settings and opened rooms. Out: what the use cases need, and workers. Nothing is decided here.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from custodes.core.clock import Clock
from custodes.core.ids import AccountId, RequestId
from custodes.edge.aws.translate.streams.events import event_members
from custodes.edge.aws.translate.streams.records import AwsStreamFormat
from custodes.engine.runtime.memory import RunMemory
from custodes.jobs.schedule import HOUR_MS, SECOND_MS, Schedule, regularly
from custodes.operations.catalogue import Ports
from custodes.operations.handlers.use_cases import HandlerAdapters
from custodes.operations.requests.admin import AdminHandlers
from custodes.operations.requests.gate import Gate
from custodes.operations.streams.admin import stream_handlers
from custodes.operations.streams.delivery import DeliveryParts, EventDelivery
from custodes.operations.streams.destinations import destination_handlers
from custodes.operations.streams.events import StreamEvents
from custodes.operations.streams.looking import StreamEngines
from custodes.operations.streams.ports import EventSender, KeptEvent
from custodes.operations.streams.use_cases import StreamAdapters
from custodes.operations.streams.watching import HandleEvent, StreamParts, StreamSettings, Watch
from custodes.operations.streams.workers import StreamWorkers
from custodes.settings import Settings
from custodes.storage.media.live import LockedSources
from custodes.storage.messages.endpoint import Endpoint
from custodes.storage.messages.mqtt import MqttBrokers
from custodes.storage.messages.outputs import AwsOutputs
from custodes.storage.messages.webhook import Webhooks
from custodes.storage.objects.outputs import OutputBuckets
from custodes.storage.sql.database import Database
from custodes.storage.sql.handlers import SqlHandlers
from custodes.storage.sql.master import open_master
from custodes.storage.sql.streams.destinations import SqlEventDestinations
from custodes.storage.sql.streams.store import SqlLiveSources, SqlStreamEvents, SqlStreamProcessors
from custodes.video.live.destination import DestinationKind, EventDestination
from custodes.video.live.processor import StreamProcessor, StreamRun

_log = structlog.get_logger("custodes.streams")


@dataclass(slots=True)
class StreamWake:
    """Stands for the workers until there are any."""

    workers: StreamWorkers | None = field(default=None)

    def __call__(self) -> None:
        """Look at the processors now."""
        if self.workers is not None:
            self.workers.wake()

    def has_room(self) -> bool:
        """Whether one more stream can be watched."""
        return self.workers is not None and self.workers.has_room()


@dataclass(frozen=True, slots=True)
class Streams:
    """Live streams of an opened data directory."""

    settings: Settings
    clock: Clock
    processors: SqlStreamProcessors
    events: SqlStreamEvents
    map: SqlLiveSources
    destinations: SqlEventDestinations
    documents: SqlHandlers
    sources: LockedSources
    outputs: OutputBuckets
    wake: StreamWake

    @property
    def adapters(self) -> StreamAdapters:
        """What the use cases need."""
        return StreamAdapters(
            self.processors,
            self.events,
            self.sources,
            self.outputs,
            self.wake,
            self.wake.has_room,
            lambda: str(uuid.uuid4()),
        )

    def handlers(self, operator: AccountId) -> AdminHandlers:
        """Commands of the operator."""
        destinations = destination_handlers(self.destinations, self.events, operator, os.urandom)
        return {**stream_handlers(self.processors, self.map), **destinations}

    @property
    def handler_adapters(self) -> HandlerAdapters:
        """What handlers need."""
        return HandlerAdapters(self.documents, self.events)


def open_streams(settings: Settings, database: Database, outputs: OutputBuckets, clock: Clock) -> Streams:
    """Open the stores; pictures go to ``outputs``."""
    master = open_master(database, settings.data, os.urandom)
    sources = SqlLiveSources(database, master)
    processors = SqlStreamProcessors(database, master)
    events = SqlStreamEvents(database, master)
    live = LockedSources(sources, clock, authorities=settings.stream_authorities)
    destinations, documents = SqlEventDestinations(database, master), SqlHandlers(database, master)
    return Streams(settings, clock, processors, events, sources, destinations, documents, live, outputs, StreamWake())


def schedule_streams(streams: Streams) -> Schedule:
    """Events whose days are over are forgotten."""

    def forget() -> bool:
        streams.events.forget(streams.clock.now_ms())
        return False

    return Schedule("stream events", HOUR_MS, forget, at_start=True)


@contextmanager
def event_delivery(streams: Streams, gate: Gate, events: StreamEvents) -> Iterator[Schedule]:
    """What sends events to destinations while the block lasts."""
    with closing(DestinationSenders(streams.clock)) as sender:
        parts = DeliveryParts(
            gate,
            events,
            streams.destinations,
            sender,
            event_members,
            streams.clock,
            lambda: RequestId(str(uuid.uuid4())),
            streams.settings.region,
        )
        with closing(EventDelivery(parts)) as delivery:
            yield Schedule("event delivery", SECOND_MS, regularly(delivery.deliver))


class DestinationSenders:
    """Implements ``EventSender`` for every kind of destination."""

    def __init__(self, clock: Clock) -> None:
        """Sign with the time of ``clock``."""
        self._webhooks, self._brokers = Webhooks(clock), MqttBrokers()

    def send(self, destination: EventDestination, kept: KeptEvent, members: Mapping[str, Any]) -> None:
        """See EventSender."""
        sender: EventSender = self._webhooks if destination.kind is DestinationKind.WEBHOOK else self._brokers
        sender.send(destination, kept, members)

    def close(self) -> None:
        """End all connections."""
        self._brokers.close()


def stream_outputs(settings: Settings, buckets: OutputBuckets) -> AwsOutputs:
    """Where results go, as set."""
    kinesis = (settings.kinesis_endpoint, settings.region)
    sns = (settings.sns_endpoint, settings.region)
    return AwsOutputs(
        Endpoint(*kinesis, settings.kinesis_access_key_id, settings.kinesis_secret_access_key),
        buckets,
        Endpoint(*sns, settings.sns_access_key_id, settings.sns_secret_access_key),
    )


@contextmanager
def stream_workers(
    streams: Streams, ports: Ports, gate: Gate, memory: RunMemory, handle: HandleEvent
) -> Iterator[StreamWorkers]:
    """Watch the streams of started processors until the end of the block.

    All networks share ``memory``; events whose processor names a handler are given to ``handle``.
    """
    settings, outputs = streams.settings, stream_outputs(streams.settings, streams.outputs)
    parts = StreamParts(
        StreamEngines(ports.engine.for_video(), ports.sight.labels, ports.gallery, AwsStreamFormat()),
        streams.sources,
        outputs,
        streams.events,
        streams.clock,
        lambda: RequestId(str(uuid.uuid4())),
        StreamSettings(float(settings.stream_samples_per_second), settings.stream_fragment_s * 1000),
        series=memory.series,
        handle=handle,
    )

    def watch_of(processor: StreamProcessor, run: StreamRun) -> Watch:
        return Watch(gate, parts, processor, run)

    workers = StreamWorkers(streams.processors, watch_of, streams.clock, settings.stream_workers, _failed)
    with closing(outputs), closing(workers):
        workers.start()
        streams.wake.workers = workers
        try:
            yield workers
        finally:
            streams.wake.workers = None


def _failed(error: BaseException) -> None:
    _log.error("stream failed", exc_info=error)
