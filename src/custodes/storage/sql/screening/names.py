"""Names of all lists, ready to be searched: kept with the lists as one block of arrays, read once for every import.

In: prepared names. Out: entries whose names may alert. Another process may import at any time: each question looks at
the number of the last import, and reads the names again when it is another one. Names, and entries that were asked for,
stay in memory until then, so a question is one statement.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, insert
from sqlalchemy.engine.interfaces import DBAPICursor

from custodes.core.errors import UnavailableError
from custodes.screening.entities import ListEntry, decode_entry
from custodes.screening.index.entries import NearEntry, named, near_items
from custodes.screening.index.names import NameRows
from custodes.screening.index.near import NameTable
from custodes.screening.names.name import PreparedName
from custodes.storage.sql.screening.schema import name_index

_MOST_REMEMBERED = 4_096
_GENERATION = "SELECT generation FROM name_index"
_NAMES = "SELECT generation, data FROM name_index"
_ENTRIES = {
    "sqlite": "SELECT name_index.generation, entry.id, entry.body FROM json_each(?) AS asked"
    " CROSS JOIN entry ON entry.id = asked.value CROSS JOIN name_index",
    "postgresql": "SELECT name_index.generation, entry.id, entry.body FROM name_index"
    " CROSS JOIN json_array_elements_text(%s::json) AS asked JOIN entry ON entry.id = asked.value::int",
}
"""One statement, so that all of it is of one import."""


def change_names(connection: Connection, gone: Iterable[int], added: Iterable[tuple[int, ListEntry]]) -> None:
    """Take the names of the entries ``gone`` out and put those of ``added`` in, in a transaction that writes."""
    found = connection.exec_driver_sql("SELECT generation, data FROM name_index").first()
    generation, rows = (found[0], NameRows.from_bytes(bytes(found[1]))) if found else (0, NameRows.of(()))
    new = NameRows.of((number, place, name) for number, one in added for place, name in named(one))
    data = rows.without(gone).with_(new).to_bytes()
    connection.exec_driver_sql("DELETE FROM name_index")
    connection.execute(insert(name_index), {"generation": generation + 1, "data": data})


@dataclass(frozen=True, slots=True)
class _Read:
    """Names as they were after one import, and entries that were asked for since."""

    generation: int
    table: NameTable
    entries: dict[int, ListEntry] = field(default_factory=dict)


class StoredNames:
    """The names of one place. Any thread."""

    def __init__(self, engine: Engine) -> None:
        """Read nothing before the first question."""
        self._engine = engine
        self._entries = _ENTRIES[engine.dialect.name]
        self._lock = threading.Lock()
        self._read = _Read(0, NameTable(NameRows.of(())))

    def near(self, prepared: Sequence[PreparedName]) -> list[NearEntry]:
        """Entries with a name that may alert on one of ``prepared``."""
        with self._engine.connect() as connection:
            # The driver's own cursor: what SQLAlchemy adds to a statement costs more than these.
            driver = connection.connection.cursor()
            found = None
            while found is None:
                found = self._found(driver, prepared)
        return found

    def _found(self, driver: DBAPICursor, prepared: Sequence[PreparedName]) -> list[NearEntry] | None:
        """The same; None where lists were imported between two looks."""
        read = self._current(driver)
        found = near_items(read.table, prepared)
        missing = [near.item for near in found if near.item not in read.entries]
        known = {near.item: read.entries[near.item] for near in found if near.item in read.entries}
        if missing:
            driver.execute(self._entries, (json.dumps(missing),))
            rows = driver.fetchall()
            if len(rows) < len(missing) and self._current(driver) is read:
                raise UnavailableError("the sanctions lists are damaged: import them again")
            if len(rows) < len(missing) or any(row[0] != read.generation for row in rows):
                return None
            fetched = {number: decode_entry(bytes(body)) for _, number, body in rows}
            if len(read.entries) > _MOST_REMEMBERED:
                read.entries.clear()
            read.entries.update(fetched)
            known |= fetched
        return [NearEntry(known[near.item], near.names, near.parts) for near in found]

    def _current(self, driver: DBAPICursor) -> _Read:
        driver.execute(_GENERATION)
        found = driver.fetchone()
        generation = found[0] if found else 0
        if self._read.generation == generation:
            return self._read
        with self._lock:
            if self._read.generation != generation:
                driver.execute(_NAMES)
                found = driver.fetchone()
                rows = NameRows.from_bytes(bytes(found[1])) if found else NameRows.of(())
                self._read = _Read(found[0] if found else 0, NameTable(rows))
            return self._read
