"""Live streams over a data directory: the store of processors, sources, outputs, threads that watch.

In: settings and opened rooms. Out: what the use cases need, and workers. Nothing is decided here.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import structlog

from custodes.core.clock import Clock
from custodes.core.ids import RequestId
from custodes.edge.aws.translate.streams.records import AwsStreamFormat
from custodes.engine.runtime.memory import RunMemory
from custodes.jobs.schedule import HOUR_MS, Schedule
from custodes.operations.catalogue import Ports
from custodes.operations.requests.admin import AdminHandlers
from custodes.operations.requests.gate import Gate
from custodes.operations.streams.admin import stream_handlers
from custodes.operations.streams.looking import StreamEngines
from custodes.operations.streams.ports import StreamOutputs
from custodes.operations.streams.use_cases import StreamAdapters
from custodes.operations.streams.watching import StreamParts, StreamSettings, Watch
from custodes.operations.streams.workers import StreamWorkers
from custodes.settings import Settings
from custodes.storage.media.live import LockedSources
from custodes.storage.messages.endpoint import Endpoint
from custodes.storage.messages.outputs import AwsOutputs
from custodes.storage.objects.outputs import OutputBuckets
from custodes.storage.sql.database import Database
from custodes.storage.sql.master import open_master
from custodes.storage.sql.streams import SqlLiveSources, SqlStreamEvents, SqlStreamProcessors
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

    def handlers(self) -> AdminHandlers:
        """Commands of the operator."""
        return stream_handlers(self.processors, self.map)


def open_streams(settings: Settings, database: Database, outputs: OutputBuckets, clock: Clock) -> Streams:
    """Open the stores; pictures go to ``outputs``."""
    master = open_master(database, settings.data, os.urandom)
    sources = SqlLiveSources(database, master)
    processors = SqlStreamProcessors(database, master)
    events, live = SqlStreamEvents(database, master), LockedSources(sources, clock)
    return Streams(settings, clock, processors, events, sources, live, outputs, StreamWake())


def schedule_streams(streams: Streams) -> Schedule:
    """Events whose days are over are forgotten."""

    def forget() -> bool:
        streams.events.forget(streams.clock.now_ms())
        return False

    return Schedule("stream events", HOUR_MS, forget, at_start=True)


def stream_outputs(settings: Settings, buckets: OutputBuckets) -> StreamOutputs:
    """Where results go, as set."""
    kinesis = (settings.kinesis_endpoint, settings.region)
    sns = (settings.sns_endpoint, settings.region)
    return AwsOutputs(
        Endpoint(*kinesis, settings.kinesis_access_key_id, settings.kinesis_secret_access_key),
        buckets,
        Endpoint(*sns, settings.sns_access_key_id, settings.sns_secret_access_key),
    )


@contextmanager
def stream_workers(streams: Streams, ports: Ports, gate: Gate, memory: RunMemory) -> Iterator[StreamWorkers]:
    """Watch the streams of started processors until the end of the block; all networks share ``memory``."""
    settings = streams.settings
    parts = StreamParts(
        StreamEngines(ports.engine.for_video(), ports.sight.labels, ports.gallery, AwsStreamFormat()),
        streams.sources,
        stream_outputs(settings, streams.outputs),
        streams.events,
        streams.clock,
        lambda: RequestId(str(uuid.uuid4())),
        StreamSettings(float(settings.stream_samples_per_second), settings.stream_fragment_s * 1000),
        series=memory.series,
    )

    def watch_of(processor: StreamProcessor, run: StreamRun) -> Watch:
        return Watch(gate, parts, processor, run)

    workers = StreamWorkers(streams.processors, watch_of, streams.clock, settings.stream_workers, _failed)
    with closing(workers):
        workers.start()
        streams.wake.workers = workers
        try:
            yield workers
        finally:
            streams.wake.workers = None


def _failed(error: BaseException) -> None:
    _log.error("stream failed", exc_info=error)
