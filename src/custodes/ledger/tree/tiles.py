"""C2SP tlog-tiles: where hashes lie as files, and how to read a tree of them.

In: a ``TileReader`` and a tree size. Out: paths, node hashes, entries, proofs. Nothing read here is verified by itself:
a caller binds it to a signed checkpoint (``verified_tree`` checks the root of the right edge).
Source: c2sp.org/tlog-tiles v0.1.0.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from custodes.ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from custodes.ledger.tlog.merkle import EMPTY_ROOT, HASH_BYTES, Frontier, node_hash, parents
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tlog.tiles import (
    TILE_WIDTH,
    LedgerCorruptError,
    TileReader,
    bundle_path,
    fetch,
    index_path,
    read_bundle,
    with_width,
)
from custodes.ledger.tree.growth import consistency_proof, inclusion_proof

TILE_HEIGHT = 8
MAX_LEVEL = 63 // TILE_HEIGHT

WITNESSED_PATH = "checkpoint.witnessed"
"""The newest state that witnesses cosigned, beside ``checkpoint``, which is newer but has the log's signature only."""

# A resource of the log that anybody may ask for: no dots but in ".p", so no path can leave the folder.
_PATH = re.compile(
    r"checkpoint(?:\.witnessed)?|tile/(?:entries|[0-7])/(?:x[0-9]{3}/){0,6}[0-9]{3}"
    r"(?:\.p/(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?))?"
)


def claimed_size(note: bytes) -> int:
    """The size that a signed checkpoint speaks of; its signatures are not looked at. Raises NoteError."""
    return parse_checkpoint(parse_note(note).text).size


def is_public_path(path: str) -> bool:
    """Whether ``path`` is spelt like a file of a log; anything else is refused before any file is touched."""
    return len(path) <= 80 and _PATH.fullmatch(path) is not None


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Path of tile ``index`` on tile level ``level``; partial when ``width`` is below 256."""
    return with_width(f"tile/{level}/{index_path(index)}", width)


def width_at(level: int, index: int, size: int) -> int:
    """How many hashes tile ``index`` on ``level`` has in a tree of ``size``; 0 if there is no such tile."""
    nodes = size >> (level * TILE_HEIGHT)
    return max(0, min(TILE_WIDTH, nodes - index * TILE_WIDTH))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries one behind the other, each behind its length in two bytes, big end first."""
    return b"".join([part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry)])


def split_hashes(data: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


class Tree:
    """A tree of a given size, read from tiles. Keeps the tiles it used last; not for use by several threads."""

    def __init__(self, tiles: TileReader, size: int, *, keep: int = 64) -> None:
        """Read from ``tiles``; at most ``keep`` tiles (8 kB each) stay in memory."""
        self.size = size
        self._tiles = tiles
        self._keep = keep
        self._rows: OrderedDict[tuple[int, int], list[list[bytes]]] = OrderedDict()

    def tile(self, level: int, index: int) -> list[bytes]:
        """Hashes of a tile, as many as a tree of this size has there.

        Raises:
            LedgerCorruptError: the file is missing or has another length.
        """
        return self._levels(level, index)[0]

    def node(self, level: int, index: int) -> bytes:
        """Hash of the perfect subtree ``(level, index)``.

        Raises:
            LedgerCorruptError: a file is missing or has another length.
        """
        tile_level, inner = divmod(level, TILE_HEIGHT)
        tile, within = divmod(index, TILE_WIDTH >> inner)
        rows = self._levels(tile_level, tile)
        while len(rows) <= inner:
            rows.append(parents(rows[-1]))
        if within >= len(rows[inner]):
            raise LedgerCorruptError(f"a tree of {self.size} has no node {level}/{index}")
        return rows[inner][within]

    def frontier(self) -> Frontier:
        """The right edge; its root is the root of the tree."""
        bits = self.size.bit_length()
        nodes = (self.node(h, (self.size >> h) - 1) if self.size >> h & 1 else None for h in range(bits))
        return Frontier(self.size, tuple(nodes))

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Audit path of leaf ``index``."""
        return inclusion_proof(index, self.size, self.node)

    def consistency_proof(self, old: int) -> list[bytes]:
        """Proof that the tree of ``old`` leaves is a prefix of this one."""
        return consistency_proof(old, self.size, self.node)

    def bundle(self, index: int) -> list[bytes]:
        """Entries from ``index * 256``, as many as a tree of this size has there.

        Raises:
            LedgerCorruptError: the file is missing or has fewer entries.
        """
        return read_bundle(self._tiles, index, self.size)

    def newest(self, kind: str) -> tuple[int, bytes] | None:
        """Index and envelope of the newest entry of a kind; None when there is none. Reads backwards from the end.

        Raises:
            LedgerCorruptError: a file is missing or damaged.
        """
        mark = f'"k":"{kind}"'.encode()
        for bundle in reversed(range(-(-self.size // TILE_WIDTH))):
            path = bundle_path(bundle, width_at(0, bundle, self.size))
            # Most bundles have none, and taking them apart costs more than looking.
            if mark in fetch(self._tiles, path, bundle_path(bundle)):
                for within, envelope in reversed(list(enumerate(self.bundle(bundle)))):
                    if mark in envelope:
                        return bundle * TILE_WIDTH + within, envelope
        return None

    def of_kind(self, kind: str, begin: int = 0) -> Iterator[tuple[int, bytes]]:
        """Index and envelope of entries of a kind that is rare, from entry ``begin`` on.

        Bundles without one are not taken apart.

        Raises:
            LedgerCorruptError: a file is missing or damaged.
        """
        mark = f'"k":"{kind}"'.encode()
        for bundle in range(begin // TILE_WIDTH, -(-self.size // TILE_WIDTH)):
            path = bundle_path(bundle, width_at(0, bundle, self.size))
            if mark in fetch(self._tiles, path, bundle_path(bundle)):
                for index, envelope in enumerate(self.bundle(bundle), bundle * TILE_WIDTH):
                    if index >= begin and mark in envelope:
                        yield index, envelope

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Index and envelope of entries ``start`` up to ``stop`` (by default the last)."""
        end = self.size if stop is None else min(stop, self.size)
        for bundle in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
            first = bundle * TILE_WIDTH
            for at, entry in enumerate(self.bundle(bundle), first):
                if start <= at < end:
                    yield at, entry

    def entry(self, index: int) -> bytes:
        """Envelope of entry ``index``.

        Raises:
            IndexError: there is no such entry.
            LedgerCorruptError: its file is missing or damaged.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"entry {index} is not in a tree of {self.size}")
        return self.bundle(index // TILE_WIDTH)[index % TILE_WIDTH]

    def _levels(self, level: int, index: int) -> list[list[bytes]]:
        key = (level, index)
        rows = self._rows.get(key)
        if rows is None:
            width = width_at(level, index, self.size)
            if width == 0:
                raise LedgerCorruptError(f"a tree of {self.size} has no tile {level}/{index}")
            data = fetch(self._tiles, tile_path(level, index, width), tile_path(level, index))
            if len(data) < width * HASH_BYTES or len(data) % HASH_BYTES:
                raise LedgerCorruptError(f"{tile_path(level, index, width)} has {len(data)} bytes")
            rows = self._rows[key] = [split_hashes(data[: width * HASH_BYTES])]
            if len(self._rows) > self._keep:
                self._rows.popitem(last=False)
        else:
            self._rows.move_to_end(key)
        return rows


def verified_tree(tiles: TileReader, checkpoint: Checkpoint) -> Tree:
    """The tree of a checkpoint whose right edge leads to the checkpoint's root.

    Raises:
        LedgerCorruptError: it leads to another root, or files are missing.
    """
    tree = Tree(tiles, checkpoint.size)
    if tree.frontier().root() != checkpoint.root:
        raise LedgerCorruptError(f"the tiles do not lead to the root of the checkpoint of size {checkpoint.size}")
    return tree


def root_over(rows: Sequence[Sequence[bytes]]) -> bytes:
    """Root over unfinished tiles, lowest level first: each is a tree of its own, joined from the right."""
    result: bytes | None = None
    for row in rows:
        result = _fold(row, result)
    return EMPTY_ROOT if result is None else result


def _fold(row: Sequence[bytes], right: bytes | None) -> bytes | None:
    """Join the perfect subtrees of a row with the ragged rest right of it."""
    nodes = list(row)
    while nodes:
        if len(nodes) % 2:
            right = nodes[-1] if right is None else node_hash(nodes[-1], right)
        nodes = parents(nodes)
    return right
