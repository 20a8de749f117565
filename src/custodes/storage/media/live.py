"""Frames of live sources, decoded in a locked child: the parent's side.

In: the map of sources, the ARN of one, how often a frame is wanted. Out: the newest frame, that often, with the time at
which it came; None while there is none. A source that is lost, stands still or kills its decoder is opened again, after
a pause that grows. Nothing is kept.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import orjson

from custodes.core.clock import Clock
from custodes.core.errors import NotFoundError
from custodes.operations.streams.ports import LiveFrame, Stopped
from custodes.storage.media.pipe import Kind
from custodes.storage.media.process import DecoderChild, Patience, running, spawned
from custodes.video.frames import DecoderCrashedError
from custodes.video.live.source import LiveSource, LiveSourceMap

_CHILD = "custodes.storage.media.live_child"
_TICK_S, _RECORD_S = 0.1, 5.0


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """What one source may use up.

    Attributes:
        memory_bytes: of the child's address space.
        silence_s: without a frame, after which the source is opened anew.
        pause_s, most_pause_s: before it is opened again; doubles up to the second.
    """

    memory_bytes: int = 2 * 1024**3
    silence_s: float = 15.0
    pause_s: float = 0.25
    most_pause_s: float = 10.0


class LockedSources:
    """Implements ``LiveSources``."""

    def __init__(
        self, sources: LiveSourceMap, clock: Clock, limits: LiveLimits | None = None, authorities: Path | None = None
    ) -> None:
        """Open what ``sources`` has; ``authorities`` (PEM), else those of the system, vouch for who speaks TLS."""
        self._sources = sources
        self._authorities = authorities or _system_authorities()
        self._clock = clock
        self._limits = limits or LiveLimits()

    def knows(self, source_arn: str) -> bool:
        """See LiveSources."""
        return self._sources.find(source_arn) is not None

    @contextmanager
    def frames(
        self, source_arn: str, samples_per_second: float, stopped: Stopped
    ) -> Iterator[Iterator[LiveFrame | None]]:
        """See LiveSources. The child is gone when the block is left."""
        source = self._sources.find(source_arn)
        if source is None:
            raise NotFoundError(f"No source is connected to {source_arn} any more.")
        if not source.verifiable:
            raise NotFoundError(f"The source of {source_arn} is behind TLS and has no name; connect it by one.")
        frames = self._frames(source, 1 / samples_per_second, stopped)
        try:
            yield frames
        finally:
            frames.close()

    def _frames(self, source: LiveSource, every_s: float, stopped: Stopped) -> Generator[LiveFrame | None]:
        pause_s = self._limits.pause_s
        while not stopped():
            with self._child(source) as child:
                for frame in self._of(child, every_s, stopped):
                    if frame is not None:
                        pause_s = self._limits.pause_s
                    yield frame
            until = time.monotonic() + pause_s
            pause_s = min(2 * pause_s, self._limits.most_pause_s)
            while time.monotonic() < until and not stopped():
                time.sleep(min(_TICK_S, pause_s))
                yield None

    def _of(self, child: DecoderChild, every_s: float, stopped: Stopped) -> Iterator[LiveFrame | None]:
        """Frames of one child until it is lost."""
        due, heard = time.monotonic(), time.monotonic()
        asked = False
        while not stopped() and time.monotonic() - heard < self._limits.silence_s:
            if not asked and time.monotonic() >= due:
                child.tell(b"n")
                asked = True
            if not child.begins(_TICK_S if asked else min(_TICK_S, max(0.0, due - time.monotonic()))):
                yield None
                continue
            try:
                record, payload = child.record()
            except DecoderCrashedError:
                return
            if record.kind is Kind.PIXELS:
                heard, asked = time.monotonic(), False
                due = max(due + every_s, heard + every_s / 2)
                rgb = np.frombuffer(payload, np.uint8).reshape(record.height, record.width, 3)
                yield LiveFrame(rgb, self._clock.now_ms())
            elif record.kind is not Kind.LOCKED:
                return

    def _child(self, source: LiveSource) -> AbstractContextManager[DecoderChild]:
        order = {
            "address": source.address,
            "path": source.path,
            "port": None if source.path is not None else source.port,
            "secure": source.secure,
            "authorities": str(self._authorities) if source.secure else None,
            "memory_bytes": self._limits.memory_bytes,
        }
        told = orjson.dumps(order, option=orjson.OPT_APPEND_NEWLINE)
        return running(partial(spawned, _CHILD), told, Patience(_RECORD_S))


def _system_authorities() -> Path:
    """Where OpenSSL, or ``SSL_CERT_FILE``, has them: the child has no environment."""
    return Path(ssl.get_default_verify_paths().cafile or os.devnull)
