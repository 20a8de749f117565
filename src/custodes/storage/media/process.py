"""A decoding child as its parent sees it: a process that is gone when the block is left, and the records it writes.

In: how to start it, an order, how long it may be silent. Out: records. A child that dies, lies or stands still becomes
a typed error here, in bounded time, and never harms this process. It knows neither files nor live sources.
"""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Protocol

from custodes.storage.media.pipe import HEADER_BYTES, Kind, Record
from custodes.video.frames import DecoderCrashedError

_TAKE_BYTES = 1 << 20
_SLICE_S = 0.5
"""Waiting is counted in slices: a wait that took longer than it was meant to counts as one, because this process was
stopped meanwhile (a paused machine or container), and its child with it."""


class DecoderProcess(Protocol):
    """A process that takes an order on its standard input and writes records, in a session of its own."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        ...


def spawned(module: str) -> DecoderProcess:
    """A new Python process of ``module`` that shares nothing with this one."""
    # -I: no environment, no current directory; a session of its own, so that it ends with all it started. Orders go
    # through the pipe: arguments can be read by every user of the machine.
    return subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-I", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        start_new_session=True,
        bufsize=0,
    )


@dataclass(frozen=True, slots=True)
class Patience:
    """For how long a child is waited for: ``silence_s`` for one record, ``all_s`` for all of them."""

    silence_s: float
    all_s: float = math.inf


@contextmanager
def running(start: Callable[[], DecoderProcess], order: bytes, patience: Patience) -> Iterator[DecoderChild]:
    """A child that was given ``order``; it and all that it started are gone when the block is left."""
    process = start()
    assert process.stdin is not None and process.stdout is not None
    try:
        child = DecoderChild(process.stdin.fileno(), process.stdout.fileno(), patience)
        child.tell(order)
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()


class DecoderChild:
    """Both ends of a child's pipes."""

    def __init__(self, orders: int, output: int, patience: Patience) -> None:
        """Write to ``orders``, read from ``output``."""
        self._orders = orders
        self._output = output
        self._patience = patience
        self._left_s = patience.all_s
        self._selector = selectors.DefaultSelector()
        self._selector.register(output, selectors.EVENT_READ)

    def tell(self, data: bytes) -> None:
        """Write to the child. Nothing is raised where it is gone: reading will tell."""
        with contextlib.suppress(OSError):
            os.write(self._orders, data)

    def layers(self) -> tuple[str, ...]:
        """Names of the layers that lock it: the first record."""
        record, payload = self.record()
        if record.kind is not Kind.LOCKED:
            raise DecoderCrashedError("The video could not be decoded.")
        return tuple(payload.decode("ascii", "replace").split())

    def begins(self, wait_s: float) -> bool:
        """Whether a record begins within ``wait_s``, or the child ended."""
        return bool(self._selector.select(wait_s))

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
        data, view, silence_s = bytearray(length), 0, self._patience.silence_s
        with memoryview(data) as whole:
            while view < length:
                waited_s = self._wait(min(silence_s, self._left_s))
                silence_s -= waited_s
                self._left_s -= waited_s
                count = os.readv(self._output, [whole[view : view + _TAKE_BYTES]])
                if count == 0:
                    raise DecoderCrashedError("The video could not be decoded.")
                view += count
        return data

    def _wait(self, at_most_s: float) -> float:
        """Wait until there is something to read. Out: for how many seconds."""
        waited_s = 0.0
        while waited_s < at_most_s:
            slice_s = min(_SLICE_S, at_most_s - waited_s)
            begun = time.monotonic()
            ready = self._selector.select(slice_s)
            waited_s += min(slice_s, time.monotonic() - begun)
            if ready:
                return waited_s
        raise DecoderCrashedError("The video took too long to decode.")
