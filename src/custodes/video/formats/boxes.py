"""The boxes of an ISO base media file: where each lies, found within limits and without trusting a declared size.

In: a source of bytes that is read at offsets. Out: boxes with their ranges. It knows nothing of what boxes mean.

Source: ISO/IEC 14496-12:2022, section 4.2 (box header), 4.2.2 (64-bit sizes, size 0 to the end of the file).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from custodes.core.errors import VideoFormatError

MAX_BOXES = 100_000
MAX_DEPTH = 16
"""A track's deepest box that is read, ``avcC``, is seven levels down; files of writers never nest deeper than ten."""


class ByteSource(Protocol):
    """Bytes read at offsets, such as a file."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``; fewer at the end."""
        ...


@dataclass(frozen=True, slots=True)
class BytesInMemory:
    """Implements ``ByteSource`` over what is there already."""

    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """See ByteSource."""
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        """See ByteSource."""
        return self.data[offset : offset + length]


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its four-character type, where its payload begins and where it ends (exclusive), in bytes of the file."""

    kind: bytes
    start: int
    end: int

    @property
    def length(self) -> int:
        """Bytes of the payload."""
        return self.end - self.start


@dataclass(slots=True)
class BoxReader:
    """Reads boxes of one file and counts them, so that a hostile file costs a bounded amount of work."""

    source: ByteSource
    _seen: int = field(default=0, init=False)

    def top(self) -> Iterator[Box]:
        """The file's outermost boxes."""
        return self._between(0, self.source.size, 0)

    def children(self, parent: Box, depth: int, skip: int = 0) -> Iterator[Box]:
        """Boxes within ``parent`` after ``skip`` bytes of its own fields.

        Raises:
            VideoFormatError: deeper than ``MAX_DEPTH``, more than ``MAX_BOXES`` in all, or a box that ends after its
                parent.
        """
        return self._between(parent.start + skip, parent.end, depth)

    def payload(self, box: Box, at_most: int, offset: int = 0) -> bytes:
        """The first ``at_most`` bytes of the payload from ``offset``, or fewer when the box is shorter."""
        return self.source.read(box.start + offset, max(0, min(at_most, box.length - offset)))

    def _between(self, start: int, end: int, depth: int) -> Iterator[Box]:
        if depth > MAX_DEPTH:
            raise VideoFormatError("The video's structure is nested too deeply.")
        at = start
        while at + 8 <= end:
            self._seen += 1
            if self._seen > MAX_BOXES:
                raise VideoFormatError("The video's structure has too many parts.")
            box = self._box(at, end)
            yield box
            at = box.end

    def _box(self, at: int, end: int) -> Box:
        header = self.source.read(at, 16)
        if len(header) < 8:
            raise VideoFormatError("The video is truncated.")
        size, kind = struct.unpack(">I4s", header[:8])
        start = at + 8
        if size == 1:
            if len(header) < 16:
                raise VideoFormatError("The video is truncated.")
            size, start = struct.unpack(">Q", header[8:])[0], at + 16
        elif size == 0:
            size = end - at
        if size < start - at or at + size > end:
            raise VideoFormatError("The video's structure is damaged: a part ends outside of what it belongs to.")
        return Box(kind, start, at + size)
