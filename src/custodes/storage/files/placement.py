"""Whether a data directory is where it was: noticed when it was copied or put back between two starts.

In: a data directory that this process owns. Out: what happened to it since the last start. File systems number files
and stamp every change of one in a way that no copy and no backup tool can reproduce; a file that is written at each
start and never again shows by its number and stamp whether it is still that file. It refuses nothing: who moves a
server to another disk does right, and the ledger says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from custodes.durable import write_durably

MARK, RECORD = "placement.id", "placement.json"
# Parts that are put back alone: they are made once and written in place afterwards.
_PARTS = ("custodes.sqlite3", "ledger-private", "ledger-private/journal", "ledger-private/bodies")
_ID_BYTES = 16


def was_moved(data: Path) -> bool:
    """Whether ``data``, or a part of it, was copied here or put back since ``settle``; False for a new directory."""
    try:
        recorded = json.loads((data / RECORD).read_bytes())
    except FileNotFoundError:
        return False  # new, or last used by a version that did not look
    except (OSError, ValueError):
        return True
    return bool(recorded != _seen(data))


def settle(data: Path, random: Callable[[int], bytes]) -> None:
    """Remember where ``data`` is now. Raises OSError."""
    write_durably(data / MARK, random(_ID_BYTES).hex().encode())
    write_durably(data / RECORD, json.dumps(_seen(data)).encode())


def _seen(data: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name in (MARK, *_PARTS):
        path = data / name
        if path.exists():
            status = path.stat()
            found[name] = [status.st_ino, status.st_ctime_ns if name == MARK else 0]
    return found
