"""The publisher: turns committed batches into tiles, entry bundles, bodies in their store, and the public checkpoint.

In: batches in order. Out: files through the ports, the checkpoint last, so that whoever reads a checkpoint finds all
tiles under it. It holds the unfinished tiles of the right edge; when a call fails midway they are of no more use, and
the log loads them again from what is stored (``load``), the way it starts.

Partial files go as soon as their full one is there, as C2SP allows. Those that a start may have to load wait until the
full one is durable: whatever else is torn by a power cut is written again from the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from custodes.ledger.tlog.merkle import leaf_hash, parents
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, TILE_WIDTH, LedgerCorruptError, bundle_path
from custodes.ledger.tree.tiles import TILE_HEIGHT, Tree, encode_bundle, tile_path
from custodes.ledger.writer.batch import Batch, LogState
from custodes.ledger.writer.ports import BodyStore, TileStore


@dataclass(frozen=True, slots=True)
class Boundary:
    """A journal segment starts at ``size``: its tiles must be loadable before older segments may go."""

    size: int
    segment: int


class LogPublisher:
    """Writes what was committed to where everybody can read it. Used by one thread at a time."""

    def __init__(self, tiles: TileStore, bodies: BodyStore) -> None:
        """Publish to ``tiles`` and ``bodies``; call ``load`` first."""
        self._tiles = tiles
        self._bodies = bodies
        self.size = 0
        self._rows: list[list[bytes]] = [[]]
        self._bundle: list[bytes] = []
        # Partial files, by tile and width, that a start may have to load, and of these tiles the full ones.
        self._loadable: dict[str, set[int]] = {}
        self._superseded: list[str] = []
        self._repairing = False

    def load(self, state: LogState) -> None:
        """Take up the right edge of a tree that was published durably; what was published since is repaired.

        Raises:
            LedgerCorruptError: the stored tiles do not lead to the root of ``state``.
            OSError: they cannot be read.
        """
        size = state.frontier.size
        tree = Tree(self._tiles, size)
        if tree.frontier().root() != state.frontier.root():
            raise LedgerCorruptError(f"the stored tiles do not lead to the root that was signed for size {size}")
        rows: list[list[bytes]] = [[]] if size == 0 else []
        level = 0
        while size >> (level * TILE_HEIGHT):
            count = size >> (level * TILE_HEIGHT)
            rows.append(tree.tile(level, count // TILE_WIDTH) if count % TILE_WIDTH else [])
            level += 1
        self._rows = rows
        self._bundle = tree.bundle(size // TILE_WIDTH) if size % TILE_WIDTH else []
        self._repairing = True
        self.size = size
        self._loadable, self._superseded = {}, []
        self._keep_edge()

    def publish(self, batches: list[Batch], checkpoint: bytes) -> None:
        """Publish ``batches`` and then ``checkpoint``, which is the one of the last batch.

        Raises:
            LedgerCorruptError: another content was published under a path before.
            OSError: a write failed; ``load`` before going on.
        """
        self.extend(batches)
        self.publish_edge()
        self._tiles.replace(CHECKPOINT_PATH, checkpoint)

    def extend(self, batches: list[Batch]) -> None:
        """Keep bodies, and write the tiles and bundles that ``batches`` fill."""
        if not batches:
            return
        self._bodies.put(batches[0].first, [body for batch in batches for body in batch.bodies])
        for batch in batches:
            if batch.first != self.size:
                raise LedgerCorruptError(f"batch {batch.first} does not follow size {self.size}")
            at = 0
            while at < len(batch.envelopes):
                part = batch.envelopes[at : at + TILE_WIDTH - len(self._bundle)]
                self._bundle.extend(part)
                self._rows[0].extend([leaf_hash(envelope) for envelope in part])
                at += len(part)
                self.size += len(part)
                if len(self._bundle) == TILE_WIDTH:
                    self._finish_tile()

    def publish_edge(self) -> None:
        """Write the partial tiles and the partial bundle of the present size."""
        for path, row in self._edge().items():
            self._put_partial(path, row, encode_bundle if row is self._bundle else b"".join)

    def publish_boundary(self) -> None:
        """The same where a journal segment starts: from here on a start may have to load them."""
        self.publish_edge()
        self._keep_edge()

    def end_repair(self) -> None:
        """From here on nothing that was published may differ from what is published; call after syncing."""
        self._repairing = False
        self.remove_superseded()
        self._keep_edge()

    def remove_superseded(self) -> None:
        """Remove the loadable partial files whose full ones are durable; call after ``TileStore.sync``."""
        done, self._superseded = self._superseded, []
        for path in done:
            self._tiles.remove_partial(path)
            del self._loadable[path]

    def _edge(self) -> dict[str, list[bytes]]:
        """The unfinished bundle and tiles of the present size, by their path."""
        edge = {bundle_path(self.size // TILE_WIDTH): self._bundle}
        for level, row in enumerate(self._rows):
            edge[tile_path(level, (self.size >> (level * TILE_HEIGHT)) // TILE_WIDTH)] = row
        return {path: row for path, row in edge.items() if row}

    def _keep_edge(self) -> None:
        for path, row in self._edge().items():
            self._loadable.setdefault(path, set()).add(len(row))

    def _put(self, path: str, data: bytes) -> None:
        self._tiles.put(path, data, repair=self._repairing)

    def _put_partial(self, path: str, row: list[bytes], encode: Callable[[list[bytes]], bytes]) -> None:
        """The partial file of the present width; when repairing also those of the widths published before."""
        widths = {len(row)}
        if self._repairing:
            widths.update(width for width in self._tiles.widths(path) if 0 < width <= len(row))
        for width in sorted(widths):
            self._put(f"{path}.p/{width}", encode(row[:width]))

    def _finish_tile(self) -> None:
        """Write the full bundle and tile that end at the present size, and the tiles above that they fill."""
        index = self.size // TILE_WIDTH - 1
        self._put_full(bundle_path(index), encode_bundle(self._bundle))
        self._bundle = []
        level = 0
        while len(self._rows[level]) == TILE_WIDTH:
            row = self._rows[level]
            index = (self.size >> (level * TILE_HEIGHT)) // TILE_WIDTH - 1
            self._put_full(tile_path(level, index), b"".join(row))
            self._rows[level] = []
            if level + 1 == len(self._rows):
                self._rows.append([])
            while len(row) > 1:
                row = parents(row)
            self._rows[level + 1].append(row[0])
            level += 1

    def _put_full(self, path: str, data: bytes) -> None:
        self._put(path, data)
        loadable = self._loadable.get(path)
        if loadable:
            self._superseded.append(path)
        self._tiles.remove_partial(path, loadable or ())
