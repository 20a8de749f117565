"""The audit: re-derives everything from stored bytes and names the first difference.

In: a log's public files, the keys that one trusts, and optionally the private bodies with their key. Out: a report. It
trusts nothing but the keys: leaves are hashed from entry bundles, every tile is recomputed, the root is compared with
the signed checkpoint, each entry is held against the rules, and each body that is left against its commitment.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from custodes.ledger.tlog.checkpoint import Checkpoint, open_checkpoint
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import Entry, EntryError, decode
from custodes.ledger.tlog.merkle import leaf_hash, tree_root
from custodes.ledger.tlog.note import NoteError, Verifier
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, TILE_WIDTH, LedgerCorruptError, TileReader, bundle_path
from custodes.ledger.tree.tiles import TILE_HEIGHT, Tree, encode_bundle, root_over, tile_path, width_at
from custodes.ledger.writer.body import unseal
from custodes.ledger.writer.ports import BodyReader


class AuditedTiles(TileReader, Protocol):
    """The public files of a log, with those that a newer one took the place of."""

    def widths(self, path: str) -> Sequence[int]:
        """Widths of the partial files of a tile that are still there."""
        ...


Progress = Callable[[int, int], None]
"""Called with entries done and entries in all."""


@dataclass(frozen=True, slots=True)
class AuditDifference:
    """The first thing that is not as it must be.

    Attributes:
        path: the file it is in.
        index: the entry it is about, or None when it is about the file.
        text: what is wrong, for a person.
    """

    path: str
    index: int | None
    text: str

    def __str__(self) -> str:
        """One line."""
        where = self.path if self.index is None else f"{self.path}, entry {self.index}"
        return f"{where}: {self.text}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found. ``difference`` is None when everything agrees.

    Attributes:
        checkpoint: the signed checkpoint, if it could be read.
        difference: the first difference.
        kinds: entries by kind.
        units: units of use in all.
        open: permissions that are not settled (requests that run now, or a server that was killed).
        bodies: private bodies that open to their commitments.
        erased: private bodies that were erased.
    """

    checkpoint: Checkpoint | None
    difference: AuditDifference | None = None
    kinds: Mapping[str, int] = field(default_factory=dict)
    units: int = 0
    open: int = 0
    bodies: int = 0
    erased: int = 0


class _FoundError(Exception):
    """Carries the first difference up."""

    def __init__(self, difference: AuditDifference) -> None:
        super().__init__(str(difference))
        self.difference = difference


@dataclass(frozen=True, slots=True)
class BodySource:
    """Private bodies and the key that opens them."""

    store: BodyReader
    key: bytes = field(repr=False)


def audit(
    tiles: AuditedTiles,
    keys: Sequence[Verifier],
    bodies: BodySource | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit the published log; fine beside a running server.

    Raises:
        OSError: files cannot be read.
    """
    return _Audit(tiles, bodies, progress or (lambda _done, _all: None)).run(keys)


class _Audit:
    """One run: what was counted so far, and the hashes of each level that have no parent yet."""

    def __init__(self, tiles: AuditedTiles, bodies: BodySource | None, progress: Progress) -> None:
        self._tiles = tiles
        self._bodies = bodies
        self._progress = progress
        self._kinds: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._open: set[int] = set()
        # Entries whose bodies were destroyed, and those of which a ``del`` entry says so.
        self._destroyed: set[int] = set()
        self._announced: set[int] = set()
        self._t = 0

    def run(self, keys: Sequence[Verifier]) -> AuditReport:
        checkpoint: Checkpoint | None = None
        difference: AuditDifference | None = None
        try:
            checkpoint = self._checkpoint(keys)
            self._check_tree(checkpoint)
            for index in sorted(self._destroyed - self._announced)[:1]:
                path = bundle_path(index // TILE_WIDTH)
                raise _found(path, index, "its private body was destroyed, and no entry of the log says so")
        except _FoundError as found:
            difference = found.difference
        counts = self._counts
        return AuditReport(
            checkpoint,
            difference,
            dict(sorted(self._kinds.items())),
            counts["units"],
            len(self._open),
            counts["bodies"],
            counts["erased"],
        )

    def _checkpoint(self, keys: Sequence[Verifier]) -> Checkpoint:
        data = self._tiles.get(CHECKPOINT_PATH)
        if data is None:
            raise _found(CHECKPOINT_PATH, None, "there is no checkpoint")
        try:
            return open_checkpoint(data, keys)
        except NoteError as error:
            raise _found(CHECKPOINT_PATH, None, str(error)) from error

    def _check_tree(self, checkpoint: Checkpoint) -> None:
        """Recompute every tile from the entries, level by level as they fill, and the root from what is left over."""
        size = checkpoint.size
        tree = Tree(self._tiles, size)
        rows: list[list[bytes]] = [[]]
        for bundle in range(-(-size // TILE_WIDTH)):
            rows[0] = self._bundle(tree, bundle)
            self._compare(tree, 0, bundle, rows[0])
            level = 0
            while len(rows[level]) == TILE_WIDTH:
                full, rows[level] = rows[level], []
                if level + 1 == len(rows):
                    rows.append([])
                rows[level + 1].append(tree_root(full))
                level += 1
                if len(rows[level]) == TILE_WIDTH:
                    self._compare(tree, level, bundle >> (TILE_HEIGHT * level), rows[level])
            self._progress(min(size, (bundle + 1) * TILE_WIDTH), size)
        for level, row in enumerate(rows[1:], 1):
            if row:
                self._compare(tree, level, (size >> (TILE_HEIGHT * level)) // TILE_WIDTH, row)
        if root_over(rows) != checkpoint.root:
            raise _found(CHECKPOINT_PATH, None, "the entries lead to another root than was signed")

    def _bundle(self, tree: Tree, bundle: int) -> list[bytes]:
        """Leaf hashes of a bundle whose entries are held against the rules."""
        width = width_at(0, bundle, tree.size)
        path = bundle_path(bundle, width)
        try:
            envelopes = tree.bundle(bundle)
        except LedgerCorruptError as error:
            raise _found(path, None, str(error)) from error
        for index, envelope in enumerate(envelopes, bundle * TILE_WIDTH):
            try:
                self._check_entry(index, decode(envelope))
            except (EntryError, BodyError) as error:
                raise _found(path, index, str(error)) from error
        self._compare_partial(bundle_path(bundle), envelopes, encode_bundle)
        return [leaf_hash(envelope) for envelope in envelopes]

    def _check_entry(self, index: int, entry: Entry) -> None:
        if entry.t < self._t:
            raise EntryError("the entry is older than the one in front of it")
        self._t = entry.t
        self._kinds[entry.kind] += 1
        self._counts["units"] += entry.units or 0
        if entry.settles is not None:
            if entry.settles not in self._open:
                raise EntryError(f"it settles entry {entry.settles}, which is not an open permission")
            self._open.discard(entry.settles)
        if entry.reserves:
            self._open.add(index)
        if self._bodies is not None and entry.commitment is not None:
            self._check_body(self._bodies, index, entry, entry.commitment)

    def _check_body(self, source: BodySource, index: int, entry: Entry, commitment: bytes) -> None:
        sealed = source.store.get(index)
        if sealed is not None:
            body = unseal(sealed, commitment, source.key)
            self._counts["bodies"] += 1
            if entry.kind == "del":
                self._announced.update(json.loads(body).get("entries", ()))
        elif source.store.erased(index):
            self._counts["erased"] += 1
            self._destroyed.add(index)
        else:
            raise BodyError("its private body is missing, though nobody erased it")

    def _compare_partial(self, full: str, row: Sequence[bytes], encode: Callable[[Sequence[bytes]], bytes]) -> None:
        """Compare the partial files of a tile that stand beside it still: others may have fetched these."""
        for width in sorted(self._tiles.widths(full)):
            path = f"{full}.p/{width}"
            stored = self._tiles.get(path)
            # Beside a running server a file may be newer than the checkpoint, or be gone by now.
            if width <= len(row) and stored is not None and stored != encode(row[:width]):
                raise _found(path, None, "this part of the tile, which is public still, is not what it was")

    def _compare(self, tree: Tree, level: int, index: int, row: Sequence[bytes]) -> None:
        """Compare a recomputed tile with the stored one."""
        path = tile_path(level, index, len(row))
        try:
            stored = tree.tile(level, index)
        except LedgerCorruptError as error:
            raise _found(path, None, str(error)) from error
        for at, (own, theirs) in enumerate(zip(row, stored, strict=True)):
            if own != theirs:
                leaf = index * TILE_WIDTH + at if level == 0 else None
                raise _found(path, leaf, f"hash {at} of the tile is not the one that its entries lead to")
        self._compare_partial(tile_path(level, index), row, b"".join)


def _found(path: str, index: int | None, text: str) -> _FoundError:
    return _FoundError(AuditDifference(path, index, text))
