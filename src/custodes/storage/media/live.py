"""Frames of live sources, decoded in a locked child: the parent's side.

In: the map of sources, the ARN of one, how often a frame is wanted. Out: the newest frame, that often, with the time at
which it came; None while there is none. A source that is lost, stands still or kills its decoder is opened again, after
a pause that grows. Nothing is kept.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import orjson

from custodes.core.clock import Clock
from custodes.core.errors import NotFoundError
from custodes.operations.streams.ports import LiveFrame, Stopped
from custodes.storage.media.pipe import HEADER_BYTES, Kind, Record
from custodes.video.live.source import LiveSource, LiveSourceMap

_TAKE_BYTES = 1 << 20
_TICK_S = 0.1


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

    def __init__(self, sources: LiveSourceMap, clock: Clock, limits: LiveLimits | None = None) -> None:
        """Open what ``sources`` has."""
        self._sources = sources
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
        frames = self._frames(source, 1 / samples_per_second, stopped)
        try:
            yield frames
        finally:
            frames.close()

    def _frames(self, source: LiveSource, every_s: float, stopped: Stopped) -> Generator[LiveFrame | None]:
        pause_s = self._limits.pause_s
        while not stopped():
            with _child(source, self._limits) as child:
                for frame in self._of(child, every_s, stopped):
                    if frame is not None:
                        pause_s = self._limits.pause_s
                    yield frame
            until = time.monotonic() + pause_s
            pause_s = min(2 * pause_s, self._limits.most_pause_s)
            while time.monotonic() < until and not stopped():
                time.sleep(min(_TICK_S, pause_s))
                yield None

    def _of(self, child: _Child, every_s: float, stopped: Stopped) -> Iterator[LiveFrame | None]:
        """Frames of one child until it is lost."""
        due, heard = time.monotonic(), time.monotonic()
        asked = False
        while not stopped() and time.monotonic() - heard < self._limits.silence_s:
            if not asked and time.monotonic() >= due:
                asked = child.ask()
            wait_s = _TICK_S if asked else min(_TICK_S, max(0.0, due - time.monotonic()))
            record, payload = child.record(wait_s)
            if record is None:
                yield None
            elif record.kind is Kind.PIXELS:
                heard, asked = time.monotonic(), False
                due = max(due + every_s, heard + every_s / 2)
                rgb = np.frombuffer(payload, np.uint8).reshape(record.height, record.width, 3)
                yield LiveFrame(rgb, self._clock.now_ms())
            elif record.kind is not Kind.LOCKED:
                return


class _Child:
    """Both ends of a child's pipes."""

    def __init__(self, orders: int, output: int) -> None:
        self._orders = orders
        self._output = output
        self._selector = selectors.DefaultSelector()
        self._selector.register(output, selectors.EVENT_READ)

    def ask(self) -> bool:
        """Ask for the next frame. True, also where the child is gone: reading will tell."""
        with contextlib.suppress(OSError):
            os.write(self._orders, b"n")
        return True

    def record(self, wait_s: float) -> tuple[Record | None, bytearray]:
        """The next record; None where none begins in time. A child that ends or writes what is no record has ended."""
        if not self._selector.select(wait_s):
            return None, bytearray()
        try:
            record = Record.from_bytes(bytes(self._take(HEADER_BYTES)))
            return record, self._take(record.payload_bytes)
        except (ValueError, EOFError):
            return Record(Kind.END), bytearray()

    def _take(self, length: int) -> bytearray:
        data, view = bytearray(length), 0
        with memoryview(data) as whole:
            while view < length:
                if not self._selector.select(5.0):
                    raise EOFError
                count = os.readv(self._output, [whole[view : view + _TAKE_BYTES]])
                if count == 0:
                    raise EOFError
                view += count
        return data


@contextmanager
def _child(source: LiveSource, limits: LiveLimits) -> Iterator[_Child]:
    order = {
        "address": source.address,
        "path": source.path,
        "port": None if source.path is not None else source.port,
        "secure": source.secure,
        "memory_bytes": limits.memory_bytes,
    }
    # -I: no environment, no current directory; a session of its own, so that it ends with all it started. The address
    # with its password goes through the pipe: arguments can be read by every user of the machine.
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "custodes.storage.media.live_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        start_new_session=True,
        bufsize=0,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        with contextlib.suppress(OSError):
            os.write(process.stdin.fileno(), orjson.dumps(order, option=orjson.OPT_APPEND_NEWLINE))
        yield _Child(process.stdin.fileno(), process.stdout.fileno())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()
