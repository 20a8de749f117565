"""Between which numbers the tensors of the embedding network lie, for the part of it that may compute in bytes.

In: nothing. Out: least and largest by tensor, as scripts/fit_byte_ranges.py saw them. The part begins where pictures of
faces have become 14 x 14 cells: most products are there, and what is in front lost as much time as it gained.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import numpy as np

FIRST = "add_91"
"""The tensor with which the part begins."""
FILE = "byte_ranges.npz"


def load_byte_ranges() -> Mapping[str, tuple[float, float]]:
    """Least and largest by name of tensor."""
    with np.load(str(files("custodes.engine.faces.embedding") / FILE), allow_pickle=False) as kept:
        return {
            str(name): (float(low), float(high))
            for name, low, high in zip(kept["names"], kept["low"], kept["high"], strict=True)
        }
