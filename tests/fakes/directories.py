"""Data directories for tests: opened, closed, and looked at from outside."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from custodes.gallery.entities import Quotas
from custodes.storage.files.segment_files import SegmentFiles
from custodes.storage.sql.database import Database
from custodes.storage.sql.gallery.store import SqlGalleryStore
from custodes.storage.sql.postgres_database import PostgresDatabase
from custodes.storage.sql.sqlite_database import FILE_NAME
from tests.fakes.schema import open_sqlite


def opened_database(directory: Path, url: str = "") -> Database:
    """The database of ``directory``: the embedded one, or the one of ``url``."""
    return PostgresDatabase.open(directory, url) if url else open_sqlite(directory)


@contextmanager
def opened(
    directory: Path, quotas: Quotas | None = None, files: SegmentFiles | None = None, url: str = ""
) -> Iterator[SqlGalleryStore]:
    """The store of ``directory``, closed afterwards; ``files`` keep sealed copies of vectors."""
    database = opened_database(directory, url)
    try:
        yield SqlGalleryStore.open(database, directory, os.urandom, lambda _: quotas or Quotas(), files)
    finally:
        database.close()


@contextmanager
def raw(directory: Path) -> Iterator[sqlite3.Connection]:
    """The database file as anybody with the disk sees it."""
    connection = sqlite3.connect(directory / FILE_NAME)
    try:
        with connection:
            yield connection
    finally:
        connection.close()
