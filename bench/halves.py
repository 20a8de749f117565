"""Which half of the pictures things are fitted on, and which are left to measure with.

In: names of pictures or people, and who is one person. Out: rows of both halves, and a digest of what was fitted on. A
half hangs on the name alone: vectors in other last digits, and pictures that come or go, move nothing from one half to
the other. It does not read pictures, and does not tell who is one person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


def is_fitted_on(name: str) -> bool:
    """Whether the picture or person called ``name`` belongs to the half that things are fitted on."""
    return hashlib.sha256(name.encode()).digest()[0] < 128


def fitted_rows(names: Sequence[str]) -> NDArray[np.int64]:
    """Rows of ``names`` that things are fitted on."""
    return np.flatnonzero([is_fitted_on(name) for name in names])


def measured_rows(names: Sequence[str], person: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of ``names`` of whose person no picture is fitted on; ``person`` (N,) numbers whom each shows.

    Pictures of somebody of whom another picture is fitted on are in neither half.
    """
    known = person[fitted_rows(names)]
    return np.flatnonzero(~np.isin(person, known))


def digest(names: Iterable[str]) -> str:
    """SHA-256, in hexadecimal, of those of ``names`` that things are fitted on, in any order."""
    fitted = sorted({name for name in names if is_fitted_on(name)})
    return hashlib.sha256("\n".join(fitted).encode()).hexdigest()
