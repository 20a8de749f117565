"""Files of cached vectors in a folder, one a range, sealed by whoever asks. A cache: what is lost is made again.

In: names and bytes. Out: the same bytes, or None. It opens nothing and knows no keys.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from custodes.durable import write_whole

FULL_ROWS = 65_536
"""Rows of a full file: 32 MiB at 128 dimensions, which is what one deletion has to be written again for."""
WORTH_ROWS = 4096
"""Fewer rows are read one by one: it takes a twentieth of a second."""

_SUFFIX = ".vectors"


class SegmentFiles:
    """All methods may be called from any thread; a file is there whole or not at all."""

    def __init__(self, folder: Path, full_rows: int = FULL_ROWS, worth_rows: int = WORTH_ROWS) -> None:
        """Keep files in ``folder``, which is made when the first is written.

        Args:
            folder: where.
            full_rows: rows of a full file.
            worth_rows: rows that are worth a file.
        """
        self._folder = folder
        self.full_rows = full_rows
        self.worth_rows = worth_rows

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where there is none or it cannot be read."""
        try:
            return self._path(name).read_bytes()
        except OSError:
            return None

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return self._path(name).exists()

    def write(self, name: str, data: bytes) -> None:
        """Keep ``data``. Raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        write_whole(self._path(name), data, self._folder / f".{name}.{threading.get_ident()}.tmp", 0o600)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; their keys are gone, so one that stays tells nothing."""
        for name in names:
            with suppress(OSError):
                self._path(name).unlink(missing_ok=True)

    def names(self) -> set[str]:
        """The names of all files."""
        with suppress(OSError):
            return {path.stem for path in self._folder.iterdir() if path.suffix == _SUFFIX}
        return set()

    def remove_unfinished(self) -> None:
        """Remove what a killed process left half written; nobody writes now."""
        with suppress(OSError):
            for path in self._folder.iterdir():
                if path.suffix == ".tmp":
                    path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"
