"""Editions of sanctions lists: brought in from a file, and committed to the ledger.

In: a file and its format. Out: the edition with what it changed; later a ``list`` entry with its digest and count. The
two are apart on purpose: a command imports without being the ledger's writer, and whoever writes the ledger commits
what is not committed yet, also after a crash between the two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from custodes.core.clock import Clock
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.requests.admin import AdminCommand, AdminHandlers
from custodes.operations.screening.ports import Edition, Progress
from custodes.screening.entities import ListEntry
from custodes.screening.lists.notes import ReadingNotes
from custodes.screening.lists.read import SOURCE_OF, read_list

_CHUNK = 1 << 20


class ListEditions(Protocol):
    """Where editions are kept."""

    def put(
        self,
        source: str,
        form: str,
        entries: Iterable[ListEntry],
        clock: Clock,
        *,
        digest: str,
        origin: str = "",
        confirm: bool = False,
        progress: Progress | None = None,
    ) -> Edition:
        """Make ``entries`` the current edition of ``source``.

        Raises:
            InvalidParameterError: no entries.
            ConflictError: a list that shrank and was not confirmed.
        """
        ...

    def uncommitted(self) -> Sequence[tuple[int, Edition]]:
        """Editions without a ledger entry by their number, oldest first."""
        ...

    def committed(self, number: int, ledger_index: int) -> None:
        """Keep the index of the entry that commits to an edition."""
        ...


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list to import.

    Attributes:
        path: the file; a folder for ``ofac-csv``.
        form: its format.
        source: name of the list; empty takes the format's.
        origin: where it came from; empty takes the file's name.
    """

    path: Path
    form: str
    source: str = ""
    origin: str = ""

    @property
    def name(self) -> str:
        """Name of the list."""
        return self.source or SOURCE_OF.get(self.form, self.form)


def import_list(
    lists: ListEditions,
    file: ListFile,
    clock: Clock,
    *,
    confirm: bool = False,
    progress: Progress | None = None,
    unless: str = "",
    notes: ReadingNotes | None = None,
) -> Edition | None:
    """Read ``file`` and make it the current edition of its list, whole or not at all.

    Args:
        lists: where it goes.
        file: what to read.
        clock: when it is.
        confirm: accept a list that shrank.
        progress: told how many entries were read (of 0), then how many changed ones of how many are in.
        unless: do nothing, and return None, for a file with this digest.
        notes: takes what could not be read, and which files are missing.

    Raises:
        InvalidParameterError: the file is not a list of that format.
        ConflictError: the list shrank and was not confirmed.
    """
    digest = file_digest(file.path)
    if digest == unless:
        return None
    entries = list(_counted(read_list(file.path, file.form, notes), progress))
    origin = file.origin or file.path.name
    return lists.put(
        file.name, file.form, entries, clock, digest=digest, origin=origin, confirm=confirm, progress=progress
    )


def _counted(entries: Iterable[ListEntry], progress: Progress | None) -> Iterator[ListEntry]:
    for number, entry in enumerate(entries, 1):
        if progress is not None and number % 100 == 0:
            progress(number, 0)
        yield entry


def file_digest(path: Path) -> str:
    """SHA-256 over the file, or over names, sizes and contents of a folder's CSV files in order, in hexadecimal."""
    total = hashlib.sha256()
    for file in sorted(path.glob("*.csv")) if path.is_dir() else [path]:
        if path.is_dir():
            total.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                total.update(chunk)
    return total.hexdigest()


def commit_editions(lists: ListEditions, log: LedgerWriter) -> list[tuple[int, Edition]]:
    """Write a ``list`` entry for every edition without one; returns their indexes with the editions.

    A crash after an entry and before its index was kept leads to a second entry for the same digest, never to none.

    Raises:
        LedgerUnavailableError: the ledger cannot be written.
    """
    done = []
    for number, edition in lists.uncommitted():
        fields: dict[str, int | str] = {
            "l": b64url(bytes.fromhex(edition.digest)) if edition.digest else b64url(hashlib.sha256().digest()),
            "n": edition.entries,
            "x": _token(edition.source),
        }
        index = log.commit("list", fields=fields).index
        lists.committed(number, index)
        done.append((index, edition))
    return done


def _token(name: str) -> str:
    """A list's name as the ledger spells names."""
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._:/+-") else "-" for letter in name)
    return kept[:40] or "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitLists(AdminCommand):
    """Write an entry for every edition of a list that has none yet."""

    operation: ClassVar[str] = "sanctions commit"


@dataclass(frozen=True, slots=True)
class EditionsCommitted:
    """Index of the new entry by list."""

    entries: Mapping[str, int]


def list_handlers(commit: Callable[[], Sequence[tuple[int, Edition]]]) -> AdminHandlers:
    """What carries the command out by ``commit``; the answer has the entries by list."""
    return {CommitLists: lambda _: EditionsCommitted({edition.source: index for index, edition in commit()})}
