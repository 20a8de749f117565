"""A witness's memory in a folder: one small file per log.

In: a folder that belongs to this witness. Out: ``WitnessMemory``. A change is written beside, synced, renamed, and the
folder synced, all under a lock that other threads and processes respect. A damaged file is an error, never a fresh
start: a witness that forgot could be led to sign a second tree.
"""

from __future__ import annotations

import base64
import fcntl
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from custodes.durable import write_durably
from custodes.ledger.witness.witness import NOTHING, WitnessedState

_FORM = re.compile(r"(?P<size>[1-9][0-9]*|0)\n(?P<root>[A-Za-z0-9+/]{43}=)\n(?P<origin>[^\n]+)\n")


class WitnessMemoryError(OSError):
    """A file of the memory is damaged; a person has to look before this witness signs again."""


class FolderMemory:
    """Remembers in a folder, which must exist."""

    def __init__(self, folder: Path, write: Callable[[Path, bytes], None] = write_durably) -> None:
        """Keep files in ``folder``, put there by ``write``, which makes them durable."""
        self._folder = folder
        self._write = write

    def latest(self, origin: str) -> WitnessedState:
        """The newest state cosigned for ``origin``.

        Raises:
            OSError: the file cannot be read, or is damaged.
        """
        try:
            text = self._file(origin).read_text()
        except FileNotFoundError:
            return NOTHING
        match = _FORM.fullmatch(text)
        if match is None or match["origin"] != origin:
            raise WitnessMemoryError(f"what this witness remembers about {origin!r} is damaged")
        return WitnessedState(int(match["size"]), base64.b64decode(match["root"]))

    def advance(self, origin: str, old: WitnessedState, new: WitnessedState) -> bool:
        """See ``WitnessMemory.advance``."""
        with self._locked():
            if self.latest(origin) != old:
                return False
            if new.size < old.size:
                raise WitnessMemoryError("a witness never goes back")
            text = f"{new.size}\n{base64.b64encode(new.root).decode()}\n{origin}\n"
            self._write(self._file(origin), text.encode())
            return True

    def _file(self, origin: str) -> Path:
        return self._folder / f"{sha256(origin.encode()).hexdigest()[:32]}.seen"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # A lock belongs to the open file, so threads of one process exclude each other too.
        with (self._folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
