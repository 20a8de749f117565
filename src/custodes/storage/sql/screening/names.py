"""Names of all lists, ready to be searched: kept in SQLite as one block of arrays, read once for every import.

In: an open connection, prepared names. Out: entries whose names may alert. Another process may import at any time: each
question looks at the number of the last import, and reads the names again when it is another one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from custodes.screening.entities import ListEntry, decode_entry
from custodes.screening.index.entries import NearEntry, named, near_items
from custodes.screening.index.names import NameRows
from custodes.screening.index.near import NameTable
from custodes.screening.names.name import PreparedName

_MOST_REMEMBERED = 4_096
_GENERATION = "SELECT generation FROM name_index"
_ENTRIES = "SELECT entry.id, entry.body FROM json_each(?) AS asked CROSS JOIN entry ON entry.id = asked.value"


def change_names(connection: Connection, gone: Iterable[int], added: Iterable[tuple[int, ListEntry]]) -> None:
    """Take the names of the entries ``gone`` out and put those of ``added`` in, in a transaction that writes."""
    found = connection.exec_driver_sql("SELECT generation, data FROM name_index").first()
    generation, rows = (found[0], NameRows.from_bytes(found[1])) if found else (0, NameRows.of(()))
    new = NameRows.of((number, place, name) for number, one in added for place, name in named(one))
    data = rows.without(gone).with_(new).to_bytes()
    connection.exec_driver_sql("DELETE FROM name_index")
    connection.exec_driver_sql("INSERT INTO name_index (generation, data) VALUES (?, ?)", (generation + 1, data))


@dataclass(frozen=True, slots=True)
class _Read:
    """Names as they were after one import, and entries that were asked for since."""

    generation: int
    table: NameTable
    entries: dict[int, ListEntry] = field(default_factory=dict)


class StoredNames:
    """The names of one file. Any thread."""

    def __init__(self) -> None:
        """Read nothing before the first question."""
        self._lock = threading.Lock()
        self._read = _Read(0, NameTable(NameRows.of(())))

    def near(self, connection: Connection, prepared: Sequence[PreparedName]) -> list[NearEntry]:
        """Entries with a name that may alert on one of ``prepared``."""
        # The driver's own cursor: what SQLAlchemy adds to a statement costs more than these.
        driver = connection.connection.cursor()
        driver.execute("BEGIN")  # names and entries of one import
        read = self._current(driver)
        found = near_items(read.table, prepared)
        missing = [near.item for near in found if near.item not in read.entries]
        known = {near.item: read.entries[near.item] for near in found if near.item in read.entries}
        if missing:
            rows = driver.execute(_ENTRIES, (json.dumps(missing),))
            fetched = {number: decode_entry(body) for number, body in rows}
            if len(read.entries) > _MOST_REMEMBERED:
                read.entries.clear()
            read.entries.update(fetched)
            known |= fetched
        return [NearEntry(known[near.item], near.names, near.parts) for near in found]

    def _current(self, driver: DBAPICursor) -> _Read:
        found = driver.execute(_GENERATION).fetchone()
        generation = found[0] if found else 0
        if self._read.generation == generation:
            return self._read
        with self._lock:
            if self._read.generation != generation:
                (data,) = driver.execute("SELECT data FROM name_index").fetchone()
                self._read = _Read(generation, NameTable(NameRows.from_bytes(data)))
            return self._read
