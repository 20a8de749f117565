"""What parent and decoding child say to each other: one plan, then records of frames.

In and out: bytes. A plan is one line of JSON; a record is a fixed header and a payload whose length the header implies,
so that a child taken over by its video cannot make the parent take more memory than a frame.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

import orjson

from custodes.video.frames import MAX_SAMPLE_SIDE_PX, DecodingPlan
from custodes.video.segments.signature import SIGNATURE_BYTES

_HEADER = struct.Struct("<BIdHH")
HEADER_BYTES = _HEADER.size
_MAX_LAYERS_BYTES = 256


class Kind(IntEnum):
    """What a record is."""

    LOCKED = 1
    """First: the names of the layers that hold, separated by spaces."""
    PIXELS = 2
    """RGB of a frame."""
    SIGNATURE = 3
    END = 4
    """Last: there are no further frames."""


@dataclass(frozen=True, slots=True)
class Record:
    """Header of a record; ``width`` is the payload's length where it is text."""

    kind: Kind
    index: int = 0
    ts_ms: float = 0.0
    width: int = 0
    height: int = 0

    @property
    def payload_bytes(self) -> int:
        """Length of what follows."""
        if self.kind is Kind.PIXELS:
            return self.width * self.height * 3
        if self.kind is Kind.SIGNATURE:
            return SIGNATURE_BYTES
        return self.width if self.kind is Kind.LOCKED else 0

    def to_bytes(self) -> bytes:
        """``HEADER_BYTES`` bytes."""
        return _HEADER.pack(self.kind, self.index, self.ts_ms, self.width, self.height)

    @classmethod
    def from_bytes(cls, data: bytes) -> Record:
        """Raises ValueError for an unknown kind or a frame larger than frames are."""
        kind, index, ts_ms, width, height = _HEADER.unpack(data)
        record = cls(Kind(kind), index, ts_ms, width, height)
        longest = _MAX_LAYERS_BYTES if record.kind is Kind.LOCKED else MAX_SAMPLE_SIDE_PX
        if max(width, height) > longest or not 0 <= ts_ms < 1e12:
            raise ValueError("a record out of range")
        return record


@dataclass(frozen=True, slots=True)
class Order:
    """What the child is started for."""

    path: str
    plan: DecodingPlan
    memory_bytes: int
    cpu_s: int

    def to_bytes(self) -> bytes:
        """One line."""
        plan = self.plan
        return orjson.dumps(
            {
                "path": self.path,
                "frame_rate": [plan.frame_rate.numerator, plan.frame_rate.denominator],
                "samples": [plan.samples_per_second.numerator, plan.samples_per_second.denominator],
                "every_frame": plan.every_frame,
                "from_frame": plan.from_frame,
                "duration_ms": plan.duration_ms,
                "memory_bytes": self.memory_bytes,
                "cpu_s": self.cpu_s,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )

    @classmethod
    def from_bytes(cls, line: bytes) -> Order:
        """The order that ``to_bytes`` wrote."""
        told = orjson.loads(line)
        plan = DecodingPlan(
            Fraction(*told["frame_rate"]),
            Fraction(*told["samples"]),
            told["every_frame"],
            told["from_frame"],
            told["duration_ms"],
        )
        return cls(told["path"], plan, told["memory_bytes"], told["cpu_s"])
