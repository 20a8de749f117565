"""What an index elsewhere has from an earlier process, so that only what differs is sent to it again.

In: collections, rows and vectors. Out: the name of an index that stays the same over restarts, a mark of each vector,
and which of those to be added are there already. The mark is a digest of the vector's bytes that stands beside it: a
row that is of another vector by now, as after a database was set back, is found by it. It reads and writes nothing.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.entities import Collection
from custodes.gallery.ports import FloatArray

_FORM = "2"
"""Of what stands in an index. Another form has other names, and what has names of before is removed."""
_NAME_CHARS, _MARK_BYTES = 16, 8


def index_name(collection: Collection, *, approximate: bool) -> str:
    """Sixteen hexadecimal digits for the faces of ``collection``, of its model."""
    key = collection.key
    parts = (_FORM, key.account_id, key.collection_id, collection.model_version, str(collection.dimension))
    text = "\0".join((*parts, "approximate" if approximate else "exact"))
    return hashlib.sha256(text.encode()).hexdigest()[:_NAME_CHARS]


def marks_of(vectors: FloatArray) -> NDArray[np.int64]:
    """Marks (N,) of ``vectors`` (N, D)."""
    little = np.ascontiguousarray(vectors, "<f4")
    digests = [hashlib.blake2b(vector.tobytes(), digest_size=_MARK_BYTES).digest() for vector in little]
    return np.frombuffer(b"".join(digests), "<i8").astype(np.int64)


class KnownMarks:
    """Rows with their marks, as an index has them when it is opened."""

    def __init__(self, rows: NDArray[np.int64], marks: NDArray[np.int64]) -> None:
        """``marks`` (N,) of ``rows`` (N,), each once."""
        order = np.argsort(rows)
        self.rows, self._marks = rows[order], marks[order]

    def lacks(self, rows: NDArray[np.int64], marks: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of ``rows`` (M,) are not there, or with another mark."""
        if not len(self.rows):
            return np.ones(len(rows), np.bool_)
        places = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.asarray((self.rows[places] != rows) | (self._marks[places] != marks))
