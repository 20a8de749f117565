"""Index in PostgreSQL that lets pgvector propose and the kernel decide, for collections that do not fit into memory.

In: rows and unit vectors. Out: hits with the kernel's scores. Vectors are in an unlogged table **in the clear**, beside
the sealed ones that they were made from: whoever reads that table reads faces. A cache of the store: a table that has a
name of its owner stays with ``close``, for the next process to go on with; it is empty after a crash of the database
server, and may be dropped at any time.

Exact: a scan proposes with a margin that covers every possible difference between pgvector's score and the kernel's,
as ``faiss_index`` does. Approximate: a graph (HNSW) proposes, which may miss neighbours; scores are the kernel's
all the same, so what is found has its true score and order, and only what is missed differs.
"""

from __future__ import annotations

import math
import queue
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from custodes.core.errors import UnavailableError
from custodes.gallery.entities import Hit
from custodes.gallery.kernel import best, by_row, cosines, error_bound, require_unit_query
from custodes.gallery.ports import FloatArray, OwnVectors
from custodes.storage.sql.ledger.session import DatabaseLostError, PostgresSession
from custodes.storage.vectors.kept_marks import KnownMarks, marks_of

_SLACK = 24
_SESSIONS = 4
_BATCH = 2_000
_MOST_CANDIDATES = 1000
"""pgvector's own limit on how much of the graph is looked at in one go; it goes on behind it for more."""
_LEAST_CANDIDATES = 256
_PROBE = 64
_LOOK_S = 1.0
_PREFIX = "custodes_index_"
_LEFT = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename ~ %s"
_FIND = (
    "SELECT number, embedding::real[] FROM {table} WHERE -(embedding <#> %(query)s::vector) >= %(least)s"
    " ORDER BY embedding <#> %(query)s::vector LIMIT %(count)s"
)
_NEAR = "SELECT number, embedding::real[] FROM {table} ORDER BY embedding <#> %(query)s::vector LIMIT %(count)s"
_COUNT = "SELECT count(*) FROM {table}"
_MARKS = "SELECT number, mark FROM {table}"
_ROWS = "SELECT number FROM {table} ORDER BY number"
_REMOVE = "DELETE FROM {table} WHERE number = ANY(%s)"
_PUT = (
    "INSERT INTO {table} (number, mark, embedding)"
    " SELECT number, mark, text::vector"
    " FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS added (number, mark, text)"
    " ON CONFLICT (number) DO UPDATE SET mark = excluded.mark, embedding = excluded.embedding"
)


class PgvectorIndex:
    """A VectorIndex; every method raises UnavailableError where the database cannot be asked."""

    def __init__(
        self,
        dimension: int,
        url: str,
        *,
        approximate: bool = False,
        own: OwnVectors | None = None,
        owner: str = "",
        name: str = "",
    ) -> None:
        """For vectors of ``dimension``; empty, unless ``owner`` had one of ``name``.

        Args:
            dimension: of all vectors.
            url: of a database with the extension ``vector``, or in which it may be made.
            approximate: propose by a graph instead of a scan. Then the port's promise holds for what is found only.
            own: gives vectors from where nobody altered them, like the sealed ones of the store; scores are of these.
                Without, they are of those in the table.
            owner: hexadecimal digits that are in the table's name, see ``drop_left_behind``.
            name: see ``index_name``; without, it is one that nobody finds again.
        """
        self._own = own
        self._dimension = dimension
        self._approximate = approximate
        self._margin = error_bound(dimension)
        self._closed = False
        self._table = f"{_PREFIX}{owner}_{name or secrets.token_hex(8)}"
        self._sessions: queue.LifoQueue[PostgresSession] = queue.LifoQueue()
        for _ in range(_SESSIONS):
            self._sessions.put(PostgresSession(url))
        with self._connected() as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            connection.execute(
                f"CREATE UNLOGGED TABLE IF NOT EXISTS {self._table}"
                f" (number bigint PRIMARY KEY, mark bigint NOT NULL, embedding vector({dimension}))"
            )
            if approximate:
                connection.execute(
                    f"CREATE INDEX IF NOT EXISTS {self._table}_graph ON {self._table}"
                    " USING hnsw (embedding vector_ip_ops)"
                )
            there = connection.execute(_MARKS.format(table=self._table)).fetchall()
        columns = np.array(there, np.int64).reshape(len(there), 2)
        # Until something is removed: it is filled before it is searched.
        self._known: KnownMarks | None = KnownMarks(columns[:, 0], columns[:, 1]) if len(there) else None

    def __len__(self) -> int:
        """Number of vectors."""
        with self._connected() as connection:
            row = connection.execute(_COUNT.format(table=self._table)).fetchone()
        assert row is not None
        return int(row[0])

    def rows(self) -> NDArray[np.int64]:
        """See VectorIndex."""
        with self._connected() as connection:
            found = connection.execute(_ROWS.format(table=self._table)).fetchall()
        return np.array([row[0] for row in found], np.int64)

    def add(self, rows: NDArray[np.int64], vectors: FloatArray) -> None:
        """See VectorIndex. Raises ValueError for vectors that are not of this dimension and unit length."""
        fresh = by_row(rows, vectors, self._dimension)
        numbers, marks = np.fromiter(fresh, np.int64, len(fresh)), marks_of(np.array([*fresh.values()], np.float32))
        if (known := self._known) is not None:
            lacked = known.lacks(numbers, marks)
            numbers, marks = numbers[lacked], marks[lacked]
        if not len(numbers):
            return
        with self._connected() as connection, connection.transaction():
            for begin in range(0, len(numbers), _BATCH):
                some = numbers[begin : begin + _BATCH].tolist()
                told = (some, marks[begin : begin + _BATCH].tolist(), [_text(fresh[number]) for number in some])
                connection.execute(_PUT.format(table=self._table), told)

    def remove(self, rows: NDArray[np.int64]) -> None:
        """See VectorIndex."""
        self._known = None
        with self._connected() as connection:
            gone = np.asarray(rows, np.int64).tolist()
            connection.execute(_REMOVE.format(table=self._table), (gone,))

    def search(self, query: FloatArray, limit: int, min_cosine: float) -> tuple[Hit, ...]:
        """See VectorIndex. Raises ValueError for a query that is not of this dimension and unit length."""
        self._known = None
        unit = require_unit_query(query, self._dimension)
        if limit < 1:
            return ()
        if self._approximate:
            return self._approximately(unit, limit, min_cosine)
        count = limit + limit // 2 + _SLACK
        floor = min(max(min_cosine, -2.0), 2.0) - self._margin
        found, vectors = self._found(unit, floor, count)
        rows, scores = self._scored(unit, found, vectors)
        if len(found) == count:
            # What is not among these has by pgvector at most the least of their scores, by the kernel a margin more.
            last = float(np.sort(scores)[-limit]) if len(scores) >= limit else -math.inf
            unseen_below = math.nextafter(float(cosines(vectors, unit).min()) + 2 * self._margin, math.inf)
            if unseen_below > max(last, min_cosine):
                rows, scores = self._scored(unit, *self._found(unit, max(floor, last - self._margin), None))
        return best(rows, scores, limit, min_cosine)

    def close(self) -> None:
        """See VectorIndex. Lets go of the connections; searches under way fail. Harmless when called again."""
        self._closed = True
        with suppress(queue.Empty):
            while True:
                self._sessions.get_nowait().close()

    def erase(self) -> None:
        """See VectorIndex: drops the table, and closes. Harmless when called again."""
        if self._closed:
            return
        try:
            with self._connected() as connection:
                connection.execute(f"DROP TABLE IF EXISTS {self._table}")
        finally:
            self.close()

    def _approximately(self, query: FloatArray, limit: int, min_cosine: float) -> tuple[Hit, ...]:
        """What the graph finds. Most searches allow thousands, and few rows reach their threshold: a few come first."""
        probe = (_PROBE,) if limit > _PROBE else ()
        for count in (*probe, limit + limit // 2 + _SLACK):
            rows, scores = self._scored(query, *self._near(query, count))
            if not len(scores) or float(scores.min()) < min_cosine:
                break
        return best(rows, scores, limit, min_cosine)

    def _scored(
        self, query: FloatArray, rows: NDArray[np.int64], vectors: FloatArray
    ) -> tuple[NDArray[np.int64], FloatArray]:
        """Rows that are there still, with their scores by the kernel."""
        if self._own is not None:
            rows, vectors = self._own(rows)
        return rows, cosines(vectors, query)

    def _found(self, query: FloatArray, least: float, count: int | None) -> tuple[NDArray[np.int64], FloatArray]:
        """The ``count`` best by pgvector, or all, that have a score of ``least`` by it."""
        asked = {"query": _text(query), "least": least, "count": count}
        with self._connected() as connection:
            return self._read(connection.execute(_FIND.format(table=self._table), asked))

    def _near(self, query: FloatArray, count: int) -> tuple[NDArray[np.int64], FloatArray]:
        """About the ``count`` best, by the graph."""
        asked = {"query": _text(query), "count": count}
        with self._connected() as connection, connection.transaction():
            wide = min(max(2 * count, _LEAST_CANDIDATES), _MOST_CANDIDATES)
            connection.execute(f"SET LOCAL hnsw.ef_search = {wide}")
            connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
            connection.execute("SET LOCAL enable_seqscan = off")
            return self._read(connection.execute(_NEAR.format(table=self._table), asked))

    def _read(self, found: psycopg.Cursor[Any]) -> tuple[NDArray[np.int64], FloatArray]:
        rows = found.fetchall()
        vectors = np.array([row[1] for row in rows], np.float32).reshape(len(rows), self._dimension)
        return np.array([row[0] for row in rows], np.int64), vectors

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        session = self._free()
        try:
            with session.connected() as connection:
                yield connection
        except DatabaseLostError as error:
            raise UnavailableError(f"the index in the database cannot be asked: {error}") from error
        finally:
            if self._closed:
                session.close()
            else:
                self._sessions.put(session)

    def _free(self) -> PostgresSession:
        """A connection that nobody uses; waits for one as long as the index is open."""
        while not self._closed:
            with suppress(queue.Empty):
                return self._sessions.get(timeout=_LOOK_S)
        raise UnavailableError("the index in the database is closed")


def drop_left_behind(url: str, owner: str, kept: Callable[[], Collection[str]] = frozenset) -> None:
    """Drop tables of an earlier process of ``owner``, of which one runs at a time, but those with names that are kept.

    ``kept`` is asked after it was looked which tables there are. Raises UnavailableError, too, where the database has
    no pgvector.
    """
    session = PostgresSession(url)
    try:
        with session.connected() as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            tables = connection.execute(_LEFT, (f"^{_PREFIX}{owner}_[0-9a-f]{{16}}$",)).fetchall()
        names = {f"{_PREFIX}{owner}_{name}" for name in kept()}
        with session.connected() as connection:
            for (table,) in tables:
                if table not in names:
                    connection.execute(f"DROP TABLE IF EXISTS {table}")
    except DatabaseLostError as error:
        raise UnavailableError(f"the index in the database cannot be asked: {error}") from error
    finally:
        session.close()


def _text(vector: FloatArray) -> str:
    """As pgvector reads it; decimals of a float32 lead back to it."""
    return "[" + ",".join(map(str, vector.tolist())) + "]"
