"""What one server kept beside its ledger, taken over into the database of several: maps, bills, rules, drafts.

In: a data directory, documents under a lease. Out: the same documents, once, in one transaction. Files stay where they
are, and nobody reads them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.storage.sql.ledger.documents import PostgresDocuments

_FOLDERS = ("ledger-private/maps", "policy", "screening/reports")
_FILES = ("ledger-private/erased-faces",)
_DONE = "taken-over"
_NEEDED = "policy/000000.json"
"""Every ledger has rules from its first entries on."""


def take_over_documents(data: Path, documents: PostgresDocuments, entries: int) -> None:
    """Take in what files of ``data`` have, unless that was done; ``entries`` says how many the log has.

    Raises:
        UnavailableError: it was not done, and the files are elsewhere.
        OSError: files cannot be read, documents cannot be written, or the lease is another server's.
    """
    if documents.get(_DONE) is not None:
        return
    if entries and not (data / _NEEDED).exists():
        raise UnavailableError(f"{data} has no rules: start a server first whose folder has what was kept so far")
    found = {name: (data / name).read_bytes() for name in _kept(data)}
    documents.take_over({**found, _DONE: b""})


def _kept(data: Path) -> Iterator[str]:
    for folder in _FOLDERS:
        for path in sorted((data / folder).rglob("*")):
            if path.is_file() and not path.name.endswith(".tmp"):
                yield path.relative_to(data).as_posix()
    yield from (name for name in _FILES if (data / name).exists())
