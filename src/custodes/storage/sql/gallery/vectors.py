"""Opening sealed vectors. In: sealed rows and a collection's key. Out: one float32 array.

A row that does not open is an error that names it, never a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from custodes.core.errors import UnavailableError
from custodes.gallery.ports import FloatArray
from custodes.storage.files.seal import DamagedError, KeyBox
from custodes.storage.sql.gallery.collection_rows import CollectionRow


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A face's or user's vector as stored; ``name`` is its face id or user id."""

    row: int
    name: str
    model_version: str
    wrapped_key: bytes
    sealed: bytes


def open_all(
    place: CollectionRow, box: KeyBox, kind: str, sealed: Sequence[SealedRow], dimension: int | None = 0
) -> FloatArray:
    """Vectors (N, D) float32 of ``sealed``, in that order.

    Args:
        place: the collection.
        box: its key.
        kind: ``face`` or ``user``.
        sealed: the rows.
        dimension: of all; 0 for that of the collection, None for whatever the first one has.

    Raises:
        UnavailableError: a row is damaged; the message names it.
    """
    if dimension == 0:
        dimension = place.collection.dimension
    plain = list[bytes]()
    for row in sealed:
        try:
            vector = box.open(row.wrapped_key, row.sealed, place.vector_names(kind, row.name, row.model_version))
        except DamagedError as error:
            raise UnavailableError(f"the stored vector of {kind} {row.name} cannot be opened") from error
        dimension = len(vector) // 4 if dimension is None else dimension
        if len(vector) != 4 * dimension:
            raise UnavailableError(f"the stored vector of {kind} {row.name} has a wrong length")
        plain.append(vector)
    values = np.frombuffer(b"".join(plain), "<f4").reshape(len(plain), dimension or 0)
    return values.astype(np.float32)
