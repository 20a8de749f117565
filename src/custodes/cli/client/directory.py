"""Whether a data directory is there, so that commands that only read make none.

In: a path. Out: nothing, or a refusal that says how one is made and how another is named.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from custodes.core.errors import UnavailableError

# Files that the commands which make a directory leave in it: account, public key of the ledger, database of lists.
_MARKS = ("account", "ledger.pub", "screening/lists.sqlite3")
_LEDGER = "ledger.pub"
_KEY = "credentials"


def require_directory(data: Path) -> None:
    """Refuse a directory that no server and no command has set up.

    Raises:
        UnavailableError: there is none at ``data``.
    """
    if not any((data / mark).is_file() for mark in _MARKS):
        raise UnavailableError(f"there is no data directory {data}: {_remedy(data)}")


def require_ledger(data: Path) -> None:
    """Refuse a directory without a ledger, which a command that reads must not begin. Raises UnavailableError."""
    if not (data / _LEDGER).is_file():
        require_directory(data)
        raise UnavailableError(f"the data directory {data} has no ledger yet: {_remedy(data)}")


def require_key(data: Path) -> None:
    """Refuse a directory without the operator's key, which only a server makes. Raises UnavailableError."""
    require_directory(data)
    if not (data / _KEY).is_file():
        raise UnavailableError(f"the data directory {data} has no access key yet: {_remedy(data)}")


def _remedy(data: Path) -> str:
    start = f"custodes serve --data {shlex.quote(str(data))}"
    return f"start a server on it with `{start}`, or name another with --data or CUSTODES_DATA"
