"""Decodes videos in a child process: the parent's side.

In: a file and a plan. Out: frames, in order, while they are taken. The child is locked before it opens the file; a
child that dies, lies or stands still becomes a typed error here and never harms this process. It repeats no attempts.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from custodes.core.errors import VideoFormatError
from custodes.storage.media.pipe import Kind, Order, Record
from custodes.storage.media.process import DecoderChild, DecoderProcess, Patience, running, spawned
from custodes.video.frames import DecoderCrashedError, DecodingPlan, VideoFrame
from custodes.video.segments.signature import FrameSignature

_CHILD = "custodes.storage.media.child"
_PROBE_S = 30
_ROUNDING_MS = 1e-3
"""Times come as floating point numbers: 480 ms may be 479.9999999."""


@dataclass(frozen=True, slots=True)
class DecoderLimits:
    """What one child may use up.

    Attributes:
        memory_bytes: of address space.
        silence_s: between two records, and before the first. Dropping an hour of frames takes minutes at most.
        startup_cpu_s: processor seconds for any video.
        cpu_s_per_s: processor seconds more for each second of video. Waiting in all is bounded by the same sum.
    """

    memory_bytes: int = 2 * 1024**3
    silence_s: float = 60.0
    startup_cpu_s: int = 60
    cpu_s_per_s: float = 8.0


DEFAULT_LIMITS = DecoderLimits()


def spawned_child() -> DecoderProcess:
    """A new child."""
    return spawned(_CHILD)


class LockedDecoder:
    """Implements ``FrameSource``; keeps nothing between videos."""

    def __init__(
        self, limits: DecoderLimits = DEFAULT_LIMITS, start: Callable[[], DecoderProcess] = spawned_child
    ) -> None:
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

    def _child(self, path: Path, plan: DecodingPlan) -> AbstractContextManager[DecoderChild]:
        cpu_s = int(self._limits.startup_cpu_s + plan.duration_ms / 1000 * self._limits.cpu_s_per_s)
        order = Order(str(path.resolve()), plan, self._limits.memory_bytes, cpu_s)
        silence_s = self._limits.silence_s + plan.from_frame / float(plan.frame_rate or 1)
        return running(self._start, order.to_bytes(), Patience(silence_s, silence_s + cpu_s))


def lock_layers() -> tuple[str, ...]:
    """Names of the layers that lock a decoder on this machine, found by locking a process; none where that fails."""
    command = [sys.executable, "-I", "-m", "custodes.storage.media.lock"]
    try:
        done = subprocess.run(command, env={}, capture_output=True, timeout=_PROBE_S, check=True)  # noqa: S603 - ours
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(done.stdout.decode("ascii", "replace").split())


def _frames(child: DecoderChild, plan: DecodingPlan) -> Iterator[VideoFrame]:
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
