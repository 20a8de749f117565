"""Backups of an open data directory, and the look at where it came from: adapters put together.

In: the directory, its open log. Out: what carries out the command; a note in the log where there is something to say.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from custodes.core.clock import Clock
from custodes.core.ids import AccountId
from custodes.deployment.record.sharing import Sharing
from custodes.ledger.writer.published import RunningLog
from custodes.operations.record.admin.backup import backup_handlers, say_where_from
from custodes.operations.requests.admin import AdminHandlers
from custodes.settings import Settings
from custodes.storage.backup.folder import RESTORED, BackupManifest
from custodes.storage.files import placement
from custodes.storage.sql.database import Database


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """What is to be backed up, if asked; ``sharing`` where several servers have it."""

    settings: Settings
    operator: AccountId
    database: Database
    log: RunningLog
    sharing: Sharing | None = None


def open_backups(plan: BackupPlan, settle: Callable[[], None], clock: Clock) -> AdminHandlers:
    """What carries out backups; ``settle`` returns once every erasure begun before has its tombstones."""
    settings, log, data = plan.settings, plan.log, plan.settings.data

    def take(folder: Path, keys: Path, taken_ms: int) -> BackupManifest:
        # Loads SQLite and what copies rows, which a start does without.
        from custodes.storage.backup.server_database import ServerDatabase
        from custodes.storage.backup.taking import BackupSource, take_backup

        url = settings.database
        database = ServerDatabase(plan.database, url, plan.operator) if url else None
        tiles = None if plan.sharing is None else plan.sharing.stored.tiles
        source = BackupSource(data, log.flush, log.at_rest, settle, version("custodes"), database, tiles)
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
