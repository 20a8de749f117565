"""Golden vectors on disk: small JSON files with at most 256 numbers per output, evenly picked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).with_name("golden")
_MAX_COUNT = 256


def sample(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most 256 of the numbers, evenly picked from all of ``values``; always the same ones."""
    flat = values.reshape(-1)
    return flat[np.linspace(0, flat.size - 1, min(flat.size, _MAX_COUNT)).round().astype(int)]


def write(name: str, made_by: str, outputs: Mapping[str, NDArray[np.float32]]) -> None:
    """Store a sample of each output."""
    facts = {
        "made_by": made_by,
        "outputs": {
            key: {"shape": list(value.shape), "values": [float(f"{v:.8g}") for v in sample(value)]}
            for key, value in outputs.items()
        },
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(facts) + "\n")


def read(name: str) -> Mapping[str, tuple[tuple[int, ...], NDArray[np.float32]]]:
    """Shape and sample of each output."""
    facts = json.loads((FOLDER / f"{name}.json").read_text())
    return {
        key: (tuple(value["shape"]), np.array(value["values"], np.float32)) for key, value in facts["outputs"].items()
    }
