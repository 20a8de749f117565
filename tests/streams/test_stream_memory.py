"""While a fragment of a live stream is looked at, networks keep their memory from one frame to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from custodes.core.clock import SystemClock
from custodes.deployment.server import new_request_id
from custodes.edge.aws.translate.streams.records import AwsStreamFormat
from custodes.engine.runtime.memory import RunMemory
from custodes.operations.requests.callers import encode_caller
from custodes.operations.streams.looking import StreamEngines
from custodes.operations.streams.ports import KeptEvent, LiveFrame, Stopped
from custodes.operations.streams.watching import StreamParts, StreamSettings, Watch
from custodes.video.live.processor import LabelTask, StreamProcessor, StreamRun
from tests.fakes.blobs import Blob, BlobEngine, scene
from tests.fakes.live import running
from tests.fakes.sight import sight

SOURCE = "arn:aws:kinesisvideo:eu-central-1:123456789012:stream/front/1700000000000"
FRAMES = 6


class Frames:
    """Implements LiveSources: a few pictures, then none."""

    def knows(self, source_arn: str) -> bool:
        return True

    @contextmanager
    def frames(self, source_arn: str, samples_per_second: float, stopped: Stopped) -> Iterator[Iterator[LiveFrame]]:
        clock = SystemClock()
        yield (LiveFrame(scene(Blob("ann", 10 + n)), clock.now_ms()) for n in range(FRAMES))


class Nowhere:
    """Implements StreamOutputs and StreamEventStore."""

    def put_records(self, stream_arn: str, partition_key: str, records: Sequence[bytes]) -> None: ...
    def put_picture(self, bucket: str, key: str, jpeg: bytes) -> None: ...
    def publish(self, topic_arn: str, subject: str, message: bytes) -> None: ...
    def add(self, events: Any) -> None: ...
    def listing(self, account_id: Any, after: int, limit: int) -> Sequence[KeptEvent]:
        return ()

    def forget(self, now_ms: int) -> int:
        return 0


@dataclass
class Labels:
    """A label engine that finds nothing, and notes whether networks keep their memory meanwhile."""

    memory: RunMemory
    inner: Any
    kept: list[bool] = field(default_factory=list)

    def labels(self, slot: Any, image: Any, wanted: Any) -> Any:
        self.kept.append(self.memory.is_kept(1))
        return self.inner.labels(slot, image, wanted)


def test_networks_keep_their_memory_during_a_fragment_and_not_after_the_stream(tmp_path: Path) -> None:
    memory, clock = RunMemory(), SystemClock()
    labels = Labels(memory, sight().labels())
    with running(tmp_path / "data", {"stream_workers": 0}, engine=BlobEngine()) as server:
        deployment = server.deployment
        task = LabelTask(("PACKAGE",), 99.0, "yard", "")
        caller = encode_caller(deployment.keys.key.caller("eu-central-1"))
        run = StreamRun("session", caller, clock.now_ms())
        account = deployment.keys.account_id
        processor = StreamProcessor(
            account, "front", SOURCE, "role", task, run.started_ts_ms, run.started_ts_ms, run=run
        )
        engines = StreamEngines(BlobEngine(), lambda: labels, None, AwsStreamFormat())  # type: ignore[arg-type]
        parts = StreamParts(
            engines,
            Frames(),
            Nowhere(),
            Nowhere(),
            clock,
            new_request_id,
            StreamSettings(fragment_ms=10_000),
            series=memory.series,
        )
        assert Watch(deployment.gate, parts, processor, run).watch(lambda: False, lambda: None) is None
    assert labels.kept == [True] * FRAMES
    assert not memory.is_kept(1)
