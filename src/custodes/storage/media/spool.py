"""Videos of running liveness checks as paths that decoders can open, for as long as they are looked at.

In: a session's id and its video, or its pieces as they come. Out: a file, or a pipe, that only this user can read, gone
when the block is left; what a crash has left is removed when the spool is opened.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from custodes.core.errors import UnavailableError

FOLDER = "liveness"
_PIPE = ".pipe"
_READER_S, _POLL_S = 30.0, 0.02


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

    @contextmanager
    def piping(self, session_id: str, pieces: Iterable[bytes]) -> Iterator[Path]:
        """See VideoSpool."""
        path = self._folder / f"{session_id}{_PIPE}"
        left = threading.Event()
        try:
            try:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                os.mkfifo(path, 0o600)
            except OSError as error:
                raise UnavailableError("The video could not be handed over for its analysis.") from error
            # Not waited for: without a reader its next write fails, and that ends it.
            threading.Thread(target=_write, args=(path, pieces, left), name="liveness pipe", daemon=True).start()
            yield path
        finally:
            left.set()
            path.unlink(missing_ok=True)


def _write(path: Path, pieces: Iterable[bytes], left: threading.Event) -> None:
    """Write ``pieces`` to whoever reads the pipe, until there are no more or nobody reads."""
    descriptor = _opened(path, left)
    if descriptor is None:
        return
    with os.fdopen(descriptor, "wb", buffering=0) as out, suppress(BrokenPipeError):
        os.set_blocking(descriptor, True)
        for piece in pieces:
            rest = memoryview(piece)
            while rest and not left.is_set():
                rest = rest[out.write(rest) :]
            if left.is_set():
                return


def _opened(path: Path, left: threading.Event) -> int | None:
    """The pipe's end for writing, once somebody has opened the other; None where nobody does."""
    for _ in range(int(_READER_S / _POLL_S)):
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or left.wait(_POLL_S):
                return None
    return None
