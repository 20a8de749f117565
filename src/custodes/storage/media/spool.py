"""Videos of running liveness checks as files, for as long as they are looked at.

In: a session's id and its video. Out: a file that only this user can read, gone when the block is left; what a crash
has left is removed when the spool is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from custodes.core.errors import UnavailableError

FOLDER = "liveness"


class PrivateSpool:
    """Implements ``VideoSpool``."""

    def __init__(self, data: Path) -> None:
        """Keep files under ``data``; remove those of before."""
        self._folder = data / FOLDER
        if self._folder.is_dir():
            for path in list(self._folder.iterdir()):
                path.unlink(missing_ok=True)

    @contextmanager
    def holding(self, session_id: str, video: bytes) -> Iterator[Path]:
        """See VideoSpool."""
        path = self._folder / session_id
        try:
            try:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    out.write(video)
            except OSError as error:
                raise UnavailableError("The video could not be stored for its analysis.") from error
            yield path
        finally:
            path.unlink(missing_ok=True)
