"""What every store over SQL asks of a database, whichever engine is behind it.

In: functions on a connection. Out: ``read`` for short consistent reads, ``write`` for durable changes, one group after
the other over all processes that share the database. It knows no tables; engines are in ``sqlite_database`` and
``postgres_database``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Dialect

T = TypeVar("T")

Parameters = Sequence[object] | Mapping[str, object]
"""Values of a statement, by place or by name as the dialect has them."""

InTransaction = Callable[[Connection], object]
"""Called within the transaction of a change: what it writes is there with the change or not at all."""


def alone(_: Connection) -> None:
    """Nothing more is written with a change."""


class Database(Protocol):
    """One open database; every method may be called from any thread."""

    @property
    def dialect(self) -> Dialect:
        """How statements for ``fetch`` are written."""
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """A connection that sees one state of the database; for reading only, and briefly.

        Raises:
            UnavailableError: the database cannot be read.
        """
        ...

    def fetch(self, statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        """Rows of one SELECT in the driver's own terms, which sees one state of the database.

        For the few statements that every request waits for: what SQLAlchemy and its pool do around a statement takes
        ten times as long as the embedded engine does for it.

        Raises:
            UnavailableError: the database cannot be read.
        """
        ...

    def write(self, change: Callable[[Connection], T], *, erases: bool = False) -> T:
        """Run ``change`` and return its result once it is durable; see ``Writer.run``."""
        ...

    def close(self) -> None:
        """Finish pending changes, close all connections, give the database up. Harmless when called again."""
        ...
