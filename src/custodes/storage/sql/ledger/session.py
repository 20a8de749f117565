"""One connection to PostgreSQL for statements of the ledger: opened when needed, and anew after it was lost.

In: the URL of a database. Out: a psycopg connection for one caller at a time. A transaction that is left idle for three
seconds is ended by the server, so that a process that was stopped while it held a row keeps nobody waiting for longer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import make_url

_IDLE_MS, _LOCK_MS, _STATEMENT_MS = 3_000, 10_000, 15_000
_OPTIONS = (
    f"-c idle_in_transaction_session_timeout={_IDLE_MS} -c lock_timeout={_LOCK_MS} -c statement_timeout={_STATEMENT_MS}"
)


class DatabaseLostError(OSError):
    """The database did not do what was asked; the text is the driver's, which names no values."""


class PostgresSession:
    """A connection in autocommit mode. Any thread; one after the other."""

    def __init__(self, url: str) -> None:
        """Connect when first used."""
        made = make_url(url)
        self._address: dict[str, Any] = dict(made.get_dialect()().create_connect_args(made)[1])
        self._address["options"] = f"{self._address.get('options', '')} {_OPTIONS}"
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """The connection, until the end of the block; closed where the block fails.

        Raises:
            DatabaseLostError: it cannot be opened, or a statement failed.
        """
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._opened()
                yield self._connection
            except psycopg.Error as error:
                self._drop()
                lines = str(error).strip().splitlines()
                raise DatabaseLostError(
                    f"the shared database: {lines[0] if lines else type(error).__name__}"
                ) from error
            except BaseException:
                self._drop()
                raise

    def close(self) -> None:
        """Let go of the connection. Harmless when called again."""
        with self._lock:
            self._drop()

    def _opened(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            **self._address,
            autocommit=True,
            connect_timeout=10,
            application_name="custodes-ledger",
            tcp_user_timeout=10_000,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        )

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()
