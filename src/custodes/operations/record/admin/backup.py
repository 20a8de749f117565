"""Backups as commands of the operator, and what a start says about a directory that came from elsewhere.

In: commands; what is known of the directory. Out: folders written through a port; an ``inc`` entry of the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import structlog

from custodes.core.clock import Clock
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.requests.admin import AdminCommand, AdminHandlers, AdminResult


@dataclass(frozen=True, slots=True, kw_only=True)
class BackUp(AdminCommand):
    """A backup into two new folders, named by absolute paths: ``folder``, and ``keys`` for what opens it."""

    operation: ClassVar[str] = "backup"
    folder: str
    keys: str


class TakeBackup(Protocol):
    """Writes a backup; returns what it is of."""

    def __call__(self, folder: Path, keys: Path, taken_ms: int, /) -> AdminResult:
        """Write it. Raises UnavailableError, InvalidParameterError, LedgerUnavailableError or OSError."""
        ...


def backup_handlers(take: TakeBackup, clock: Clock, data: Path) -> AdminHandlers:
    """What carries these commands out on the data directory ``data``."""

    def back_up(command: BackUp) -> AdminResult:
        folder, keys = Path(command.folder), Path(command.keys)
        _require_apart(folder, keys, data.resolve())
        try:
            return take(folder, keys, clock.now_ms())
        except LedgerUnavailableError as error:
            raise UnavailableError(f"the backup is not finished: {error}") from error
        except OSError as error:
            raise UnavailableError(f"the backup is not finished: {error.filename}: {error.strerror}") from error

    return {BackUp: back_up}


def say_where_from(log: LedgerWriter, *, restored: bool, moved: bool) -> None:
    """Put on record that a start is on files from elsewhere, ``restored`` from a backup or ``moved`` otherwise.

    Raises:
        UnavailableError: the ledger cannot be written.
    """
    if not restored and not moved:
        return
    occasion = "restored-from-backup" if restored else "data-directory-was-moved"
    try:
        log.append("inc", fields={"x": occasion}).wait_durable()
    except LedgerUnavailableError as error:
        raise UnavailableError(f"the ledger cannot be written: {error}") from error
    text = (
        "this data directory was restored from a backup: what was done since the backup is missing, what was erased "
        "since is erased again as far as the ledger here knows"
        if restored
        else "this data directory, or a part of it, was copied or put back since the last start"
    )
    structlog.get_logger("custodes.storage").warning(text, entry=occasion)


def _require_apart(folder: Path, keys: Path, data: Path) -> None:
    if not folder.is_absolute() or not keys.is_absolute():
        raise InvalidParameterError("folders of a backup are named by absolute paths")
    places = {"the backup": folder.resolve(), "its keys": keys.resolve(), "the data directory": data}
    for name, inner in places.items():
        for other, outer in places.items():
            if name != other and inner.is_relative_to(outer):
                raise InvalidParameterError(f"{name} may not lie in {other}: keep them apart")
