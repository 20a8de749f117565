"""The ledger's public files in a folder that any static web server can serve.

In: paths of C2SP tlog-tiles and their content. Out: files that appear whole or not at all. Files are made durable
together, by ``sync``, because until then the journal still has everything that is in them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from custodes.durable import sync_directory, write_whole
from custodes.ledger.tlog.tiles import LedgerCorruptError


class FileTiles:
    """``ledger.ports.TileStore`` in ``root``; temporary files in ``scratch`` on the same file system."""

    def __init__(self, root: Path, scratch: Path | None = None, file_sync: Callable[[int], None] = os.fsync) -> None:
        """Read and, if ``scratch`` is given, write files below ``root``; ``file_sync`` makes an open file durable."""
        self._root = root
        self._scratch = scratch
        self._file_sync = file_sync
        self._dirty: dict[str, None] = {}
        # Files whose sync failed: what reads back may be in memory only and never be written again, so that a later
        # sync would succeed for nothing. They are written anew.
        self._suspect: set[str] = set()
        self._made: set[Path] = set()

    def get(self, path: str) -> bytes | None:
        """Content of a file, or None."""
        try:
            return (self._root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, path: str, data: bytes, *, repair: bool = False) -> None:
        """Publish a file that never changes."""
        present = self.get(path)
        if present is not None and present != data and not repair:
            raise LedgerCorruptError(f"{path} was published before with another content")
        if present != data or path in self._suspect:
            self._write(path, data)
        self._dirty[path] = None

    def widths(self, path: str) -> list[int]:
        """Widths of the partial files of a tile."""
        folder = self._root / f"{path}.p"
        return [int(file.name) for file in folder.iterdir()] if folder.is_dir() else []

    def replace(self, path: str, data: bytes) -> None:
        """Publish a file that changes."""
        self._write(path, data)
        self._dirty[path] = None

    def remove_partial(self, path: str, keep: Collection[int] = ()) -> None:
        """Remove the partial files of a tile, but for widths to ``keep``."""
        for width in self.widths(path):
            if width not in keep:
                (self._root / f"{path}.p/{width}").unlink(missing_ok=True)
                self._dirty.pop(f"{path}.p/{width}", None)
        folder = self._root / f"{path}.p"
        if not keep and folder.is_dir():
            self._made.discard(folder)
            folder.rmdir()

    def sync(self) -> None:
        """Make everything durable that was written since the last call, files before the folders that name them."""
        paths, self._dirty = list(self._dirty), {}
        try:
            self._sync(paths)
        except OSError:
            self._suspect.update(paths)
            raise

    def _sync(self, paths: Sequence[str]) -> None:
        folders: set[Path] = {self._root}
        for path in paths:
            target = self._root / path
            try:
                fd = os.open(target, os.O_RDONLY)
            except FileNotFoundError:
                continue  # a partial file whose full one came meanwhile
            try:
                self._file_sync(fd)
            finally:
                os.close(fd)
            folders.update(parent for parent in target.parents if parent.is_relative_to(self._root))
        for folder in sorted(folders, reverse=True):
            sync_directory(folder)

    def _write(self, path: str, data: bytes) -> None:
        if self._scratch is None:
            raise PermissionError("this view of the ledger's files is read-only")
        target = self._root / path
        if target.parent not in self._made:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(target.parent)
        self._suspect.discard(path)
        write_whole(target, data, self._scratch / "tile.tmp", 0o644)
