"""Index in Milvus that lets it propose and the kernel decide, for collections that do not fit into memory.

In: rows and unit vectors. Out: hits with the kernel's scores. Indexes of one dimension share one collection of Milvus,
told apart by its partition key, a word of each index's own, so that tenants do not meet in a search. Vectors lie there
**in the clear**, and a deletion is a mark until Milvus compacts: what makes an erasure certain is the key in the
database, which is destroyed first. A cache of the store: what has a name of its owner stays with ``close``, for the
next process to go on with, which compares it vector by vector; ``erase`` removes it.

Searches ask for strong consistency, which waits for all that was written before; what Milvus does by itself does not.

Exact: a flat index proposes with a margin that covers every possible difference between its score and the kernel's, as
``faiss_index`` does. Approximate: a graph (HNSW) proposes, which may miss neighbours; scores are the kernel's all the
same, so what is found has its true score and order, and only what is missed differs.
"""

from __future__ import annotations

import logging
import math
import secrets
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import UnavailableError
from custodes.gallery.entities import Hit
from custodes.gallery.kernel import best, by_row, cosines, error_bound, require_unit_query
from custodes.gallery.ports import FloatArray, OwnVectors
from custodes.storage.vectors.kept_marks import KnownMarks, marks_of

MOST = 16_384
"""Hits of one search. Source: Milvus's limits (milvus.io/docs/limitations.md)."""
_SLACK = 24
_PROBE = 64
"""Candidates of the first try: most searches allow thousands, and few rows reach their threshold."""
_BATCH = 1000
_DELETED_AT_ONCE = 4000
_PARTITIONS = 64
_PREFIX = "custodes_"
_STRONG = "Strong"
_CHARS = 64
_LEAST_EF = 512


class MilvusServer:
    """A connection to Milvus, for all indexes of a process."""

    def __init__(
        self, uri: str, token: str = "", *, owner: str = "", approximate: bool = False, connect_s: float = 10.0
    ) -> None:
        """Connect.

        Args:
            uri: of a server, like ``http://host:19530``, or the path of a file for the embedded one.
            token: ``user:password`` or a key; never shown.
            owner: hexadecimal digits, the same for all processes of which one runs at a time; empty for nobody.
            approximate: propose by a graph.
            connect_s: after so many seconds Milvus is not there.

        Raises:
            UnavailableError: pymilvus is not installed, or Milvus cannot be reached.
        """
        try:
            import pymilvus
        except ImportError as error:
            raise UnavailableError("pymilvus is not installed: pip install 'custodes[milvus]'") from error
        # What it logs of a failed call could hold what was sent.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        self._module = pymilvus
        self._lock = threading.Lock()
        self._owner = owner
        self.approximate = approximate
        self._embedded = not uri.startswith(("http://", "https://"))
        with self.asked():
            self.client: Any = pymilvus.MilvusClient(uri, token=token, timeout=connect_s)

    def keep_only(self, names: Collection[str]) -> None:
        """Delete what processes of this owner left but indexes of these ``names``. Raises UnavailableError."""
        kept = ", ".join(f'"{self.word(name)}"' for name in sorted(names))
        others = f" and word not in [{kept}]" if kept else ""
        with self.asked():
            for name in self.client.list_collections():
                if self._owner and name.startswith(_PREFIX):
                    self.client.delete(name, filter=f'word like "{self._owner}-%"{others}')

    def word(self, name: str = "") -> str:
        """The word of the index of a name, see ``index_name``; a new one without."""
        last = name or secrets.token_hex(8)
        return f"{self._owner}-{last}" if self._owner else last

    def collection(self, dimension: int) -> str:
        """Milvus's collection for vectors of ``dimension``, made where it is missing. Raises UnavailableError."""
        name = f"{_PREFIX}marked_{'graph' if self.approximate else 'flat'}_{dimension}"
        with self._lock, self.asked():
            if not self.client.has_collection(name):
                kinds = self._module.DataType
                schema = self.client.create_schema(auto_id=False, enable_dynamic_field=False)
                schema.add_field("id", kinds.VARCHAR, max_length=_CHARS, is_primary=True)
                schema.add_field("word", kinds.VARCHAR, max_length=_CHARS, is_partition_key=True)
                schema.add_field("number", kinds.INT64)
                schema.add_field("mark", kinds.INT64)
                schema.add_field("vector", kinds.FLOAT_VECTOR, dim=dimension)
                index = self.client.prepare_index_params()
                how = {"M": 32, "efConstruction": 256} if self.approximate else {}
                kind = "HNSW" if self.approximate else "FLAT"
                index.add_index("vector", index_type=kind, metric_type="IP", params=how)
                self.client.create_collection(
                    name, schema=schema, index_params=index, consistency_level=_STRONG, num_partitions=_PARTITIONS
                )
            self.client.load_collection(name)
        return name

    def settle(self, name: str) -> None:
        """The embedded Milvus scans what was not flushed very slowly; a server does that by itself."""
        if self._embedded:
            with self.asked():
                self.client.flush(name)

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Turn errors of Milvus into ours; they are not chained, as they could hold what was sent."""
        try:
            yield
        except self._module.MilvusException as error:
            raise UnavailableError(f"Milvus cannot be asked: code {error.code}") from None

    def close(self) -> None:
        """Let go of the connection."""
        self.client.close()


class MilvusIndex:
    """A VectorIndex; every method raises UnavailableError where Milvus cannot be asked."""

    def __init__(self, dimension: int, server: MilvusServer, own: OwnVectors | None = None, name: str = "") -> None:
        """For vectors of ``dimension``; empty, unless the server's owner had one of ``name``.

        Args:
            dimension: of all vectors.
            server: where they are; approximate or not. Approximate, the port's promise holds for what is found only.
            own: gives vectors from where nobody altered them, like the sealed ones of the store; scores are of these.
                Without, they are of those in Milvus.
            name: see ``index_name``; without, it is one that nobody finds again.
        """
        self._dimension = dimension
        self._server = server
        self._own = own
        self._margin = error_bound(dimension)
        self._name = server.collection(dimension)
        self._word = server.word(name)
        self._mine = f'word == "{self._word}"'
        self._unsettled = 0
        # Until something is removed: it is filled before it is searched.
        self._known: KnownMarks | None = self._marks() if name else None

    def __len__(self) -> int:
        """Number of vectors."""
        with self._server.asked():
            found = self._server.client.query(
                self._name, filter=self._mine, output_fields=["count(*)"], consistency_level=_STRONG
            )
        return int(found[0]["count(*)"])

    def rows(self) -> NDArray[np.int64]:
        """See VectorIndex."""
        return self._marks().rows

    def add(self, rows: NDArray[np.int64], vectors: FloatArray) -> None:
        """See VectorIndex. Raises ValueError for vectors that are not of this dimension and unit length."""
        fresh = by_row(rows, vectors, self._dimension)
        numbers, marks = [*fresh], marks_of(np.array([*fresh.values()], np.float32))
        if (known := self._known) is not None:
            lacked = known.lacks(np.array(numbers, np.int64), marks)
            numbers, marks = [number for number, lacks in zip(numbers, lacked, strict=True) if lacks], marks[lacked]
        by_number = dict(zip(numbers, marks.tolist(), strict=True))
        for begin in range(0, len(numbers), _BATCH):
            data = [
                {
                    "id": self._id(number),
                    "word": self._word,
                    "number": number,
                    "mark": by_number[number],
                    "vector": fresh[number],
                }
                for number in numbers[begin : begin + _BATCH]
            ]
            with self._server.asked():
                self._server.client.upsert(self._name, data)
        self._unsettled += len(numbers)
        if self._unsettled >= 10 * _BATCH:
            self._server.settle(self._name)
            self._unsettled = 0

    def remove(self, rows: NDArray[np.int64]) -> None:
        """See VectorIndex."""
        self._known = None
        gone = [self._id(number) for number in np.asarray(rows).tolist()]
        for begin in range(0, len(gone), _DELETED_AT_ONCE):
            with self._server.asked():
                self._server.client.delete(self._name, ids=gone[begin : begin + _DELETED_AT_ONCE])

    def search(self, query: FloatArray, limit: int, min_cosine: float) -> tuple[Hit, ...]:
        """See VectorIndex. Raises ValueError for a query that is not of this dimension and unit length."""
        self._known = None
        unit = require_unit_query(query, self._dimension)
        if limit < 1:
            return ()
        floor = min(max(min_cosine, -2.0), 2.0)
        radius = floor - self._margin
        probe = (_PROBE,) if limit > _PROBE else ()
        for count in (*probe, min(limit + limit // 2 + _SLACK, MOST), MOST):
            rows, scores, worst = self._scored(unit, radius, count)
            if len(rows) < count:
                return best(rows, scores, limit, min_cosine)
            # What is not among these has by Milvus at most the least of their scores, by the kernel a margin more.
            last = float(np.sort(scores)[-limit]) if len(scores) >= limit else -math.inf
            unseen_below = math.nextafter(worst + self._margin, math.inf)
            if unseen_below <= max(last, floor) or (self._server.approximate and len(scores) >= limit):
                return best(rows, scores, limit, min_cosine)
            radius = max(radius, last - self._margin)
        raise UnavailableError("More vectors are nearly equal than Milvus tells apart.")

    def close(self) -> None:
        """See VectorIndex. The connection is the server's."""

    def erase(self) -> None:
        """See VectorIndex."""
        with self._server.asked():
            self._server.client.delete(self._name, filter=self._mine)

    def _scored(self, query: FloatArray, radius: float, count: int) -> tuple[NDArray[np.int64], FloatArray, float]:
        """At most ``count`` rows that have more than ``radius`` by Milvus, their scores by the kernel, the least by it.

        Rows that are gone from the store meanwhile come with minus infinity, so that there are still as many.
        """
        how = {"radius": float(np.nextafter(np.float32(radius), np.float32(-np.inf)))}
        if self._server.approximate:
            how["ef"] = max(count, _LEAST_EF)
        fields = ["number"] if self._own is not None else ["number", "vector"]
        with self._server.asked():
            (found,) = self._server.client.search(
                self._name,
                data=[query],
                filter=self._mine,
                limit=count,
                search_params={"metric_type": "IP", "params": how},
                output_fields=fields,
                consistency_level=_STRONG,
            )
        rows = np.array([one["entity"]["number"] for one in found], np.int64)
        worst = min((float(one["distance"]) for one in found), default=-math.inf)
        if self._own is None:
            vectors = np.array([one["entity"]["vector"] for one in found], np.float32).reshape(-1, self._dimension)
            return rows, cosines(vectors, query), worst
        present, vectors = self._own(rows)
        scores = np.full(len(rows), -np.inf, np.float32)
        scores[np.isin(rows, present)] = cosines(vectors, query)
        return rows, scores, worst

    def _marks(self) -> KnownMarks:
        """All rows with their marks."""
        found = list[tuple[int, int]]()
        with self._server.asked():
            pages = self._server.client.query_iterator(
                self._name,
                filter=self._mine,
                output_fields=["number", "mark"],
                batch_size=MOST,
                consistency_level=_STRONG,
            )
            while page := pages.next():
                found += [(one["number"], one["mark"]) for one in page]
            pages.close()
        columns = np.array(found, np.int64).reshape(len(found), 2)
        return KnownMarks(columns[:, 0], columns[:, 1])

    def _id(self, number: int) -> str:
        return f"{self._word}/{number}"
