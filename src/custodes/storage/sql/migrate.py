"""Brings a database to the newest schema. In: an open connection. Out: nothing; the database is at the newest revision.

Each migration is one transaction, so a crash in between leaves a revision that the next start goes on from.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from custodes.core.errors import UnavailableError

_MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(connection: Connection) -> None:
    """Apply all migrations that ``connection``'s database lacks.

    Raises:
        UnavailableError: the database was written by a newer version of this program.
    """
    if _is_newest(connection):
        return
    # Takes a while to import, and most of the time nothing is to be done.
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        found = MigrationContext.configure(connection).get_current_revision()
        newest = ScriptDirectory.from_config(config).get_current_head()
        raise UnavailableError(
            f"the database has the schema {found}, and this program knows those up to {newest}: a newer version wrote "
            "it; install that version, or restore the backup made before the upgrade"
        ) from error


def _is_newest(connection: Connection) -> bool:
    """Whether the revision that the database has is the last one here; files are named by revision, in order."""
    with connection.begin():
        if not inspect(connection).has_table("alembic_version"):
            return False
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return found == [max(path.name for path in _MIGRATIONS.glob("versions/v*.py"))[1:5]]
