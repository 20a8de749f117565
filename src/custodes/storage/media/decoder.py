"""Decodes videos in a child process: the parent's side.

In: a file and a plan. Out: frames, in order, while they are taken. The child is locked before it opens the file; a
child that dies, lies or stands still becomes a typed error here and never harms this process. It repeats no attempts.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from custodes.core.errors import VideoFormatError
from custodes.storage.media.pipe import HEADER_BYTES, Kind, Order, Record
from custodes.video.frames import DecoderCrashedError, DecodingPlan, VideoFrame
from custodes.video.segments.signature import FrameSignature

_TAKE_BYTES = 1 << 20
_PROBE_S = 30
_ROUNDING_MS = 1e-3
"""Times come as floating point numbers: 480 ms may be 479.9999999."""


@dataclass(frozen=True, slots=True)
class DecoderLimits:
    """What one child may use up.

    Attributes:
        memory_bytes: of address space.
        silence_s: between two records, and before the first. Dropping an hour of frames takes minutes at most.
        cpu_s_per_s: processor seconds for each second of video.
    """

    memory_bytes: int = 2 * 1024**3
    silence_s: float = 60.0
    cpu_s_per_s: float = 8.0


DEFAULT_LIMITS = DecoderLimits()


class DecoderProcess(Protocol):
    """A process that runs ``child.main`` on its standard input and output, in a session of its own."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        ...


def spawned() -> DecoderProcess:
    """A new child that shares nothing with this process."""
    # -I: no environment, no current directory; a session of its own, so that it ends with all it started.
    return subprocess.Popen(
        [sys.executable, "-I", "-m", "custodes.storage.media.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        start_new_session=True,
    )


class LockedDecoder:
    """Implements ``FrameSource``; keeps nothing between videos."""

    def __init__(self, limits: DecoderLimits = DEFAULT_LIMITS, start: Callable[[], DecoderProcess] = spawned) -> None:
        """Give each child, begun by ``start``, ``limits``."""
        self._limits = limits
        self._start = start

    @contextmanager
    def frames(self, path: Path, plan: DecodingPlan) -> Iterator[Iterator[VideoFrame]]:
        """See ``FrameSource``. The child is gone when the block is left."""
        with self._child(path, plan) as child:
            yield _frames(child, plan)

    def layers(self, path: Path) -> tuple[str, ...]:
        """Names of the layers that lock a child on this machine, asked of a child that may read ``path``."""
        with self._child(path, DecodingPlan(Fraction(1))) as child:
            return child.layers()

    @contextmanager
    def _child(self, path: Path, plan: DecodingPlan) -> Iterator[_Child]:
        cpu_s = int(60 + plan.duration_ms / 1000 * self._limits.cpu_s_per_s)
        order = Order(str(path.resolve()), plan, self._limits.memory_bytes, cpu_s)
        process = self._start()
        try:
            assert process.stdin is not None and process.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(order.to_bytes())
                process.stdin.close()
            silence_s = self._limits.silence_s + plan.from_frame / float(plan.frame_rate or 1)
            yield _Child(process.stdout.fileno(), silence_s)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def lock_layers() -> tuple[str, ...]:
    """Names of the layers that lock a decoder on this machine, found by locking a process; none where that fails."""
    command = [sys.executable, "-I", "-m", "custodes.storage.media.lock"]
    try:
        done = subprocess.run(command, env={}, capture_output=True, timeout=_PROBE_S, check=True)  # noqa: S603 - ours
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(done.stdout.decode("ascii", "replace").split())


class _Child:
    """The reading end of a child's output."""

    def __init__(self, descriptor: int, silence_s: float) -> None:
        self._descriptor = descriptor
        self._silence_s = silence_s
        self._selector = selectors.DefaultSelector()
        self._selector.register(descriptor, selectors.EVENT_READ)

    def layers(self) -> tuple[str, ...]:
        """The first record."""
        record, payload = self.record()
        if record.kind is not Kind.LOCKED:
            raise DecoderCrashedError("The video could not be decoded.")
        return tuple(payload.decode("ascii", "replace").split())

    def record(self) -> tuple[Record, bytearray]:
        """The next record.

        Raises:
            DecoderCrashedError: the child ended, stood still, or wrote what is no record.
        """
        try:
            record = Record.from_bytes(bytes(self._take(HEADER_BYTES)))
        except ValueError:
            raise DecoderCrashedError("The video could not be decoded.") from None
        return record, self._take(record.payload_bytes)

    def _take(self, length: int) -> bytearray:
        data, view = bytearray(length), 0
        deadline = time.monotonic() + self._silence_s
        with memoryview(data) as whole:
            while view < length:
                if not self._selector.select(max(0.0, deadline - time.monotonic())):
                    raise DecoderCrashedError("The video took too long to decode.")
                count = os.readv(self._descriptor, [whole[view : view + _TAKE_BYTES]])
                if count == 0:
                    raise DecoderCrashedError("The video could not be decoded.")
                view += count
        return data


def _frames(child: _Child, plan: DecodingPlan) -> Iterator[VideoFrame]:
    child.layers()
    count = 0
    while True:
        record, payload = child.record()
        if record.kind is Kind.END:
            break
        count += 1
        yield _frame(record, payload)
    if count == 0 and plan.from_frame == 0:
        raise VideoFormatError("The video could not be decoded.")


def _frame(record: Record, payload: bytearray) -> VideoFrame:
    ts_ms = int(record.ts_ms + _ROUNDING_MS)
    if record.kind is Kind.PIXELS:
        rgb = np.frombuffer(payload, np.uint8).reshape(record.height, record.width, 3)
        return VideoFrame(record.index, ts_ms, rgb=rgb)
    if record.kind is Kind.SIGNATURE:
        try:
            return VideoFrame(record.index, ts_ms, signature=FrameSignature.from_bytes(bytes(payload)))
        except ValueError:
            pass
    raise DecoderCrashedError("The video could not be decoded.")
