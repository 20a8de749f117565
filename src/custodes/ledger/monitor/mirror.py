"""A copy of a log that only ever grows, and only by what the log signed.

In: a folder, checkpoints whose signatures hold, the log's public files. Out: the copy below ``FOLDER/ledger``, laid out
like the original, so that every tool reads it and anybody can serve it; or ContradictionError when what the log shows
now does not continue what it signed before. What the copy has is never taken back: ``FOLDER/state.json`` says how far
it was verified, and files beyond that are of a run that was cut short and are fetched again.
"""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

from custodes.durable import write_durably
from custodes.ledger.monitor.verified import Verified, dump, load
from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.entry import EntryError, decode
from custodes.ledger.tlog.merkle import EMPTY_ROOT, leaf_hash, tree_root
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, TILE_WIDTH, TileReader, bundle_path
from custodes.ledger.tree.growth import range_root
from custodes.ledger.tree.tiles import MAX_LEVEL, TILE_HEIGHT, Tree, encode_bundle, root_over, tile_path, width_at
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.public_log import PublicLog

STATE = "state.json"


class ContradictionError(Exception):
    """The log contradicts itself: what it signed or showed before, or its own rules. The message says where."""


class Mirror:
    """The copy in one folder. For one process at a time."""

    def __init__(self, folder: Path) -> None:
        """Keep it in ``folder``, which must exist.

        Raises:
            OSError: the folder cannot be read.
            ValueError: its state is damaged; restore it, or begin with an empty folder.
        """
        self._folder = folder
        file = folder / STATE
        self.verified = load(file.read_bytes(), str(file)) if file.exists() else Verified()

    def get(self, path: str) -> bytes | None:
        """A file of the copy, or None."""
        try:
            return (self._folder / "ledger" / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    @property
    def size(self) -> int:
        """Entries in the copy."""
        return self.verified.size

    def tree(self) -> Tree:
        """The copy as a tree of the size that was verified."""
        return Tree(self, self.verified.size)

    def root_at(self, size: int) -> bytes:
        """Root over the first ``size`` entries of the copy, which has at least as many."""
        return range_root(0, size, self.tree().node) if size else EMPTY_ROOT

    def check_prefix(self, tree: Checkpoint, what: str) -> None:
        """Hold a signed state that is no newer than the copy against it.

        Raises:
            ContradictionError: it is of another history.
        """
        if self.root_at(tree.size) != tree.root:
            raise ContradictionError(
                f"fork: {what} was signed over {tree.size} entries that are not those which the log shows here"
            )

    def grow(self, note: bytes, tree: Checkpoint, source: TileReader) -> int:
        """Take in what came since; how many entries.

        Args:
            note: the signed checkpoint, its signatures checked.
            tree: what it says.
            source: the log's files.

        Raises:
            ContradictionError: it does not continue the copy, or an entry breaks a rule.
            LedgerCorruptError: the log does not show files that it should have.
            OSError: they cannot be fetched, or the copy not be written.
        """
        old = self.verified
        if old.tree is not None and tree.origin != old.tree.origin:
            raise ContradictionError(f"the log is named {tree.origin!r} now and was {old.tree.origin!r}")
        if tree.size < old.size:
            self.check_prefix(tree, "the state that it shows now")
            raise ContradictionError(
                f"rollback: the log shows a state of {tree.size} entries, and signed one of {old.size} before"
            )
        rows = self._edge()
        log = copy.deepcopy(old.log)
        first = old.size // TILE_WIDTH
        for bundle in range(first, -(-tree.size // TILE_WIDTH)):
            self._take(bundle, tree.size, source, rows, log)
        if root_over(rows) != tree.root:
            raise ContradictionError(
                f"fork: the log signed a state of {tree.size} entries that does not continue the {old.size} which it "
                "signed before, or is not the one over the entries that it shows"
            )
        self._finish(rows, tree.size)
        self.verified = Verified(note, tree, log)
        write_durably(self._folder / "ledger" / CHECKPOINT_PATH, note, 0o644)
        write_durably(self._folder / STATE, dump(self.verified))
        self._remove_partial(old.size, tree.size)
        return tree.size - old.size

    def _edge(self) -> list[list[bytes]]:
        """Per tile level, the hashes of the copy's unfinished tile."""
        tree = self.tree()
        counts = (tree.size >> (level * TILE_HEIGHT) for level in range(MAX_LEVEL + 1))
        return [
            list(tree.tile(level, count // TILE_WIDTH)) if count % TILE_WIDTH else []
            for level, count in enumerate(counts)
        ]

    def _take(self, bundle: int, size: int, source: TileReader, rows: list[list[bytes]], log: PublicLog) -> None:
        """Fetch one bundle, hold it against what the copy has of it, and add the rest."""
        entries = Tree(source, size).bundle(bundle)
        known = Tree(self, log.size).bundle(bundle) if log.size > bundle * TILE_WIDTH else []
        for at, (mine, shown) in enumerate(zip(known, entries, strict=False), bundle * TILE_WIDTH):
            if mine != shown:
                raise ContradictionError(f"fork: entry {at} is another one than it was")
        for envelope in entries[len(known) :]:
            try:
                log.take(decode(envelope))
            except (EntryError, MapError) as error:
                raise ContradictionError(f"entry {log.size - 1}: {error}") from error
            rows[0].append(leaf_hash(envelope))
        self._write(bundle_path(bundle, len(entries)), encode_bundle(entries))
        level, index = 0, bundle
        while len(rows[level]) == TILE_WIDTH:
            self._write(tile_path(level, index), b"".join(rows[level]))
            rows[level + 1].append(tree_root(rows[level]))
            rows[level] = []
            level, index = level + 1, index >> TILE_HEIGHT

    def _finish(self, rows: list[list[bytes]], size: int) -> None:
        for level, row in enumerate(rows):
            index = (size >> (level * TILE_HEIGHT)) // TILE_WIDTH
            if row and width_at(level, index, size) == len(row):
                self._write(tile_path(level, index, len(row)), b"".join(row))

    def _write(self, path: str, data: bytes) -> None:
        file = self._folder / "ledger" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(file, data, 0o644)

    def _remove_partial(self, old: int, new: int) -> None:
        """Partial files of ``old`` whose full ones are there now."""
        for level in range(MAX_LEVEL + 1):
            index = (old >> (level * TILE_HEIGHT)) // TILE_WIDTH
            if width_at(level, index, old) % TILE_WIDTH and width_at(level, index, new) == TILE_WIDTH:
                paths = [tile_path(level, index)] + ([bundle_path(index)] if level == 0 else [])
                for path in paths:
                    shutil.rmtree(self._folder / "ledger" / f"{path}.p", ignore_errors=True)
