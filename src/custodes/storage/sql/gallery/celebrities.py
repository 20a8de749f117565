"""Known people of an operator, in the database. In: people. Out: people. Portraits are in the gallery."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, true

from custodes.core.ids import AccountId
from custodes.gallery.celebrities import Celebrity, KnownGender
from custodes.storage.sql.database import Database
from custodes.storage.sql.former_file import take_over
from custodes.storage.sql.tables.screening import KNOWN_PEOPLE

_COLUMNS = KNOWN_PEOPLE.c
_FORMER = "SELECT id, name, urls, gender FROM person"
_AT_ONCE = 500
"""Values in one statement; SQLite takes at least 999."""


class SqlCelebrities:
    """The book of one operator. Reads see whole imports only."""

    def __init__(self, database: Database, operator: AccountId) -> None:
        """Keep people in ``database``, under the ``operator``."""
        self._database = database
        self._operator = operator

    def take_over(self, data: Path) -> None:
        """Take in whom an earlier version kept in a file of ``data``. Raises UnavailableError."""
        take_over(data / "celebrities" / "people.sqlite3", _FORMER, self._put)

    def people(self, celebrity_ids: Sequence[str]) -> dict[str, Celebrity]:
        """See CelebrityBook."""
        found: dict[str, Celebrity] = {}
        for start in range(0, len(celebrity_ids), _AT_ONCE):
            some = celebrity_ids[start : start + _AT_ONCE]
            found |= {person.celebrity_id: person for person in self._read(_COLUMNS.celebrity_id.in_(some))}
        return found

    def everybody(self) -> list[Celebrity]:
        """All people by name."""
        return sorted(self._read(true()), key=lambda person: (person.name, person.celebrity_id))

    def put(self, people: Iterable[Celebrity]) -> None:
        """Add ``people``, or change those whose id is there already. All or none."""
        self._put([(one.celebrity_id, one.name, json.dumps(one.urls), one.gender) for one in people])

    def drop(self, celebrity_ids: Sequence[str]) -> None:
        """Forget people; unknown ids are none."""

        def change(connection: Connection) -> None:
            for celebrity_id in celebrity_ids:
                connection.execute(delete(KNOWN_PEOPLE).where(self._here(celebrity_id)))

        self._database.write(change, erases=True)

    def _put(self, rows: Sequence[tuple[Any, ...]]) -> None:
        known = {row[0]: dict(zip(("celebrity_id", "name", "urls", "gender"), row, strict=True)) for row in rows}

        def change(connection: Connection) -> None:
            for celebrity_id in known:
                connection.execute(delete(KNOWN_PEOPLE).where(self._here(celebrity_id)))
            if known:
                owned = [{"account_id": self._operator, **row} for row in known.values()]
                connection.execute(insert(KNOWN_PEOPLE), owned)

        self._database.write(change)

    def _here(self, celebrity_id: str) -> ColumnElement[bool]:
        return (_COLUMNS.account_id == self._operator) & (_COLUMNS.celebrity_id == celebrity_id)

    def _read(self, condition: ColumnElement[bool]) -> list[Celebrity]:
        query = select(KNOWN_PEOPLE).where(_COLUMNS.account_id == self._operator, condition)
        with self._database.read() as connection:
            return [_celebrity(*row[1:]) for row in connection.execute(query)]


def _celebrity(celebrity_id: str, name: str, urls: str, gender: str | None) -> Celebrity:
    return Celebrity(celebrity_id, name, tuple(json.loads(urls)), None if gender is None else KnownGender(gender))
