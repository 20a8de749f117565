"""A copy of a log in a folder, somebody else's or one's own, as far as its signed checkpoint reaches.

In: a folder with ``checkpoint`` and ``tile/``, whom to trust. Out: its size, and the root over any number of its first
entries. A tile that was damaged gives another root than was signed, never a signed one.
"""

from __future__ import annotations

from pathlib import Path

from custodes.ledger.tlog.merkle import EMPTY_ROOT
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerCorruptError
from custodes.ledger.tlog.trust import TrustPolicy, open_trusted
from custodes.ledger.tree.growth import range_root
from custodes.ledger.tree.tiles import Tree, verified_tree


class FolderCopy:
    """The copy in one folder; reads only."""

    def __init__(self, folder: Path, policy: TrustPolicy) -> None:
        """Open it.

        Raises:
            TrustError: its checkpoint does not deserve trust.
            LedgerCorruptError: files are missing, or do not lead to the signed root.
        """
        self._folder = folder
        note = self.get(CHECKPOINT_PATH)
        if note is None:
            raise LedgerCorruptError(f"there is no checkpoint in {folder}")
        self._tree = verified_tree(self, open_trusted(note, policy).checkpoint)

    @property
    def size(self) -> int:
        """Entries in it."""
        return self._tree.size

    def get(self, path: str) -> bytes | None:
        """A file of the copy, or None."""
        file = self._folder / path
        return file.read_bytes() if file.is_file() else None

    def tree(self) -> Tree:
        """The copy, as a tree."""
        return self._tree

    def root_at(self, size: int) -> bytes:
        """Root over the first ``size`` entries."""
        return range_root(0, size, self._tree.node) if size else EMPTY_ROOT
