"""Brings a database to the newest schema. In: an open connection. Out: nothing; the database is at the newest revision.

Each migration is one transaction, so a crash in between leaves a revision that the next start goes on from.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from custodes.core.errors import UnavailableError


def migrate(connection: Connection) -> None:
    """Apply all migrations that ``connection``'s database lacks.

    Raises:
        UnavailableError: the database was written by a newer version of this program.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise UnavailableError("the database belongs to another version of this program") from error
