"""Fits the head that tells whether something covers a head.

In: portraits of the fitting half of LFW's people with the labels of head_cover_labels.toml, and the fetched model pack.
Out: src/custodes/engine/equipment/head_cover.npz. bench/equipment.py measures on the other half. Photographs as they
are, nothing drawn: press photographs of 2002 to 2004 show caps, helmets, hats, turbans and scarves enough.

Usage: python scripts/fit_head_cover.py
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from fit_trait_heads import head
from numpy.typing import NDArray
from trait_data import TRAIN, central, lfw_half

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.equipment.assembly import open_head_scores
from custodes.engine.equipment.head_cover import HeadCoverReader
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.faces.traits.heads import Head
from custodes.engine.runtime.networks import Networks
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root

OUT = Path(__file__).parents[1] / "src" / "custodes" / "engine" / "equipment" / "head_cover.npz"
LABELS = Path(__file__).with_name("head_cover_labels.toml")


def labelled_heads(half: str) -> Iterator[tuple[Path, bool]]:
    """Portraits of ``half`` and whether something covers the head; undecided ones are left out."""
    read = tomllib.loads(LABELS.read_text("utf-8"))[half]
    covered, unsure = frozenset(read["yes"]), frozenset(read["unsure"])
    for i, path in enumerate(lfw_half(half)):
        if i not in unsure:
            yield path, i in covered


def scores(engine: FacePipeline, reader: HeadCoverReader, path: Path) -> NDArray[np.float64] | None:
    """(1000,) of the head that a portrait is of; None when no face is found."""
    rgb = decode(path.read_bytes()).rgb
    found = engine.detect(Slot(0, RequestId("fit")), Image(rgb, b"")).faces
    face = central(found, rgb.shape[1], rgb.shape[0])
    if face is None:
        return None
    return np.asarray(reader.scores(rgb, [face])[0], np.float64)


def main() -> int:
    """Fit and write."""
    store = ModelStore(default_root(os.environ))
    engine = open_face_engine(store, Device.CPU, threads=1)
    reader = HeadCoverReader(open_head_scores(Networks(store, Device.CPU, 1)), Head(np.zeros(1000, np.float32), 0.0))
    rows = [(scores(engine, reader, path), covered) for path, covered in labelled_heads(TRAIN)]
    found = [(row, covered) for row, covered in rows if row is not None]
    fitted = head(np.array([row for row, _ in found]), np.array([float(covered) for _, covered in found]))
    np.savez(OUT, covered=fitted.astype(np.float16))
    return 0


if __name__ == "__main__":
    sys.exit(main())
