"""C2SP tlog-tiles, as far as a reader of entries needs it: where they lie as files, and how to take them out.

In: a ``TileReader`` and the size of a log. Out: entries by index, as they lie there: whoever relies on them hashes them
and compares the root with a signed checkpoint. Tiles of hashes are read and written in ``tree.tiles``.
Source: c2sp.org/tlog-tiles v0.1.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

TILE_WIDTH = 256
CHECKPOINT_PATH = "checkpoint"


class LedgerUnavailableError(Exception):
    """The log cannot be used now. Nothing that waits for it may go on."""


class LedgerCorruptError(LedgerUnavailableError):
    """Stored bytes contradict what was signed."""


class TileReader(Protocol):
    """Public files of the log by their path, like ``tile/0/000``."""

    def get(self, path: str) -> bytes | None:
        """Content, or None if there is no such file."""
        ...


def bundle_path(index: int, width: int = TILE_WIDTH) -> str:
    """Path of the entry bundle with entries from ``index * 256``; partial when ``width`` is below 256."""
    return with_width(f"tile/entries/{index_path(index)}", width)


def index_path(index: int) -> str:
    """A number in groups of three digits, all but the last marked with x: 1234067 is x001/x234/067."""
    path = f"{index % 1000:03d}"
    while index >= 1000:
        index //= 1000
        path = f"x{index % 1000:03d}/{path}"
    return path


def with_width(path: str, width: int) -> str:
    """``path``, or that of its partial file. Raises ValueError for a width that no file has."""
    if not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"a tile holds 1 to {TILE_WIDTH} hashes, not {width}")
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def fetch(tiles: TileReader, path: str, full: str) -> bytes:
    """A partial file, or the full one that took its place.

    Raises:
        LedgerCorruptError: there is neither.
    """
    data = tiles.get(path)
    if data is None and path != full:
        data = tiles.get(full)
    if data is None:
        raise LedgerCorruptError(f"{path} is missing")
    return data


def decode_bundle(data: bytes) -> list[bytes]:
    """Entries that stand one behind the other, each behind its length in two bytes, big end first.

    Raises:
        LedgerCorruptError: the bytes end within an entry.
    """
    entries, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        if at + 2 > len(data) or len(entry) != length:
            raise LedgerCorruptError("an entry bundle ends within an entry")
        entries.append(entry)
        at += 2 + length
    return entries


def read_bundle(tiles: TileReader, index: int, size: int) -> list[bytes]:
    """Entries from ``index * 256``, as many as a log of ``size`` has there.

    Raises:
        LedgerCorruptError: the file is missing or has fewer entries.
    """
    width = min(TILE_WIDTH, size - index * TILE_WIDTH)
    path = bundle_path(index, width)
    entries = decode_bundle(fetch(tiles, path, bundle_path(index)))
    if len(entries) < width:
        raise LedgerCorruptError(f"{path} has {len(entries)} entries instead of {width}")
    return entries[:width]


def read_entries(tiles: TileReader, size: int) -> Iterator[tuple[int, bytes]]:
    """Index and envelope of all entries of a log of ``size``. Raises LedgerCorruptError as ``read_bundle`` does."""
    for bundle in range(-(-size // TILE_WIDTH)):
        yield from enumerate(read_bundle(tiles, bundle, size), bundle * TILE_WIDTH)
