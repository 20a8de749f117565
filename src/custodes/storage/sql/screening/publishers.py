"""Publishers of lists, where the lists are. In and out: ``ListPublisher`` values."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path

from sqlalchemy import delete, insert, select

from custodes.core.errors import NotFoundError
from custodes.operations.screening.ports import ListPublisher
from custodes.storage.sql.screening.database import open_lists, writing
from custodes.storage.sql.screening.schema import publisher as table


def _column(name: str) -> str:
    return "format" if name == "form" else name


class StoredPublishers:
    """Publishers of a data directory whose lists were opened before."""

    def __init__(self, data: Path, url: str = "") -> None:
        """Open the file of the lists, or those of the database of ``url``."""
        self._engine = open_lists(data, url)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def all(self) -> list[ListPublisher]:
        """All of them by name."""
        columns = [table.c[_column(item.name)] for item in fields(ListPublisher)]
        with self._engine.connect() as connection:
            return [ListPublisher(*row) for row in connection.execute(select(*columns).order_by(table.c.name))]

    def keep(self, one: ListPublisher) -> None:
        """Add or replace one."""
        row = {_column(name): value for name, value in asdict(one).items()}
        with writing(self._engine) as connection:
            connection.execute(delete(table).where(table.c.name == one.name))
            connection.execute(insert(table), row)

    def remove(self, name: str) -> None:
        """Forget one; its list stays.

        Raises:
            NotFoundError: there is none of that name.
        """
        with writing(self._engine) as connection:
            if not connection.execute(delete(table).where(table.c.name == name)).rowcount:
                raise NotFoundError(f"no list {name!r} is fetched from an address")
