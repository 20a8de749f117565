"""Known people of a data directory: ``celebrities/people.sqlite3``. Commands write it while a server reads it.

In: people. Out: people, and how far an import is. Names and URLs only; portraits are in the gallery.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from custodes.core.errors import UnavailableError
from custodes.gallery.celebrities import Celebrity, KnownGender

_metadata = MetaData()
_person = Table(
    "person",
    _metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("urls", String, nullable=False),
    Column("gender", String),
)
_AT_ONCE = 500
"""Values in one statement; SQLite takes at least 999."""


class SqliteCelebrities:
    """The book of one data directory. Reads see whole imports only."""

    def __init__(self, data: Path) -> None:
        """Use ``data/celebrities``, which is created when somebody is put in."""
        self._path = data / "celebrities" / "people.sqlite3"
        self._engine: Engine | None = None

    def close(self) -> None:
        """Let go of the file."""
        if self._engine is not None:
            self._engine.dispose()

    def people(self, celebrity_ids: Sequence[str]) -> dict[str, Celebrity]:
        """See CelebrityBook."""
        found: dict[str, Celebrity] = {}
        for start in range(0, len(celebrity_ids), _AT_ONCE):
            some = celebrity_ids[start : start + _AT_ONCE]
            found |= {person.celebrity_id: person for person in self._read(_person.c.id.in_(some))}
        return found

    def everybody(self) -> list[Celebrity]:
        """All people by name."""
        return sorted(self._read(None), key=lambda person: (person.name, person.celebrity_id))

    def put(self, people: Iterable[Celebrity]) -> None:
        """Add ``people``, or change those whose id is there already. All or none."""
        rows = [
            {"id": one.celebrity_id, "name": one.name, "urls": json.dumps(one.urls), "gender": one.gender}
            for one in people
        ]
        statement = insert(_person)
        fresh = {name: statement.excluded[name] for name in ("name", "urls", "gender")}
        with self._changing() as connection:
            if rows:
                connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=fresh), rows)
            connection.commit()

    def drop(self, celebrity_ids: Sequence[str]) -> None:
        """Forget people; unknown ids are none."""
        with self._changing() as connection:
            for celebrity_id in celebrity_ids:
                connection.execute(delete(_person).where(_person.c.id == celebrity_id))
            connection.commit()

    def _read(self, condition: object) -> list[Celebrity]:
        if not self._path.exists():
            return []
        wanted = select(_person) if condition is None else select(_person).where(condition)  # type: ignore[arg-type]
        try:
            with self._opened().connect() as connection:
                return [_celebrity(row.id, row.name, row.urls, row.gender) for row in connection.execute(wanted)]
        except SQLAlchemyError as error:
            raise UnavailableError(f"{self._path.name} cannot be read: {type(error).__name__}") from error

    def _changing(self) -> Connection:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite gives its side files the mode of the database.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            _metadata.create_all(self._opened())
            return self._opened().connect()
        except (OSError, SQLAlchemyError) as error:
            raise UnavailableError(f"{self._path.name} cannot be written: {type(error).__name__}") from error

    def _opened(self) -> Engine:
        if self._engine is None:
            self._engine = create_engine(f"sqlite:///{self._path}")
            event.listen(self._engine, "connect", _prepare)
        return self._engine


def _prepare(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _celebrity(celebrity_id: str, name: str, urls: str, gender: str | None) -> Celebrity:
    return Celebrity(celebrity_id, name, tuple(json.loads(urls)), None if gender is None else KnownGender(gender))
