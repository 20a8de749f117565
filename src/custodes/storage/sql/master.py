"""The master key of an open database: loaded, and proven to be the one the database was made with.

In: a database and its directory. Out: the box that seals. A new database keeps a value that only its own master key
opens, so that a wrong key is noticed before anything is read or written under it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import insert, select

from custodes.storage.files import master_key
from custodes.storage.files.seal import KeyBox, Randomness
from custodes.storage.sql.database import Database
from custodes.storage.sql.schema import SECRETS

_CHECK = "check"


def open_master(database: Database, directory: Path, randomness: Randomness) -> KeyBox:
    """The box of the master key in ``directory``, which is created with the database.

    Raises:
        UnavailableError: the master key is missing or wrong.
    """
    with database.read() as connection:
        check = connection.execute(select(SECRETS.c.sealed).where(SECRETS.c.name == _CHECK)).scalar_one_or_none()
    master = master_key.load(directory, check, randomness)
    if check is None:
        value = master_key.check_value(master, randomness)
        database.write(lambda connection: connection.execute(insert(SECRETS).values(name=_CHECK, sealed=value)))
    return master
