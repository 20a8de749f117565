"""Backups of an open data directory, and the look at where it came from: adapters put together.

In: the directory, its open log. Out: what carries out the command; a note in the log where there is something to say.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from custodes.core.clock import Clock
from custodes.core.errors import UnavailableError
from custodes.deployment.databases import is_elsewhere
from custodes.ledger.writer.published import RunningLog
from custodes.operations.record.admin.backup import backup_handlers, say_where_from
from custodes.operations.requests.admin import AdminHandlers
from custodes.storage.backup.folder import RESTORED, BackupManifest
from custodes.storage.backup.taking import BackupSource, take_backup
from custodes.storage.files import placement


def open_backups(data: Path, log: RunningLog, settle: Callable[[], None], clock: Clock) -> AdminHandlers:
    """What carries out backups of ``data``; ``settle`` returns once every erasure begun before has its tombstones."""
    source = BackupSource(data, log.flush, log.at_rest, settle, version("custodes"))

    def take(folder: Path, keys: Path, taken_ms: int) -> BackupManifest:
        if is_elsewhere(data):
            raise UnavailableError(
                "the database is on PostgreSQL, whose tools back it up; stop the server and copy the directory after it"
            )
        return take_backup(source, folder, keys, taken_ms)

    return backup_handlers(take, clock, data)


def look_where_from(data: Path, log: RunningLog) -> None:
    """Say in ``log`` when ``data`` was restored or moved since the last start; remember where it is now.

    Raises:
        UnavailableError: the ledger cannot be written.
        OSError: the directory cannot be written.
    """
    restored = data / RESTORED
    say_where_from(log, restored=restored.exists(), moved=placement.was_moved(data))
    restored.unlink(missing_ok=True)
    placement.settle(data, os.urandom)
