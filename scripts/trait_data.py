"""The labelled faces behind the trait heads: which pictures, which labels, which half. Shared by fitting and measuring.

In: ../shared/data and scripts/trait_labels.toml. Out: paths with labels (1 yes, 0 no, nan undecided), and which half a
picture belongs to. A person, and a picture of the sets without persons, belongs to one half for good.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from custodes.engine.results.face import DetectedFace

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
LABELS = Path(__file__).with_name("trait_labels.toml")
KINDS = ("eyeglasses", "sunglasses", "beard", "mustache", "smile", "occluded")
TRAIN, TEST = "train", "test"
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Folders of FER2013 in the order of ``expression.NAMES``."""


@dataclass(frozen=True, slots=True)
class LabelledFaces:
    """Pictures of one half, and their labels by kind, each (N,) float64."""

    paths: list[Path]
    labels: dict[str, NDArray[np.float64]]


def central(faces: Sequence[DetectedFace], width: int, height: int) -> DetectedFace | None:
    """The face that a portrait is of: large and in the middle."""

    def worth(face: DetectedFace) -> float:
        box = face.box_px
        return box.area - 2 * (((box.x1 + box.x2 - width) / 2) ** 2 + ((box.y1 + box.y2 - height) / 2) ** 2)

    return max(faces, key=worth, default=None)


def half_of(name: str) -> int:
    """0 fits, 1 measures: the last bit of the first byte of SHA-256 of the name."""
    return hashlib.sha256(name.encode()).digest()[0] & 1


def lfw_half(half: str, folder: Path = DATA / "lfw" / "images") -> list[Path]:
    """First picture of every person of a half, in the order in which they were labelled."""
    people = [path for path in folder.iterdir() if half_of(path.name) == (half == TEST)]
    people.sort(key=lambda path: hashlib.sha256(f"order{path.name}".encode()).digest())
    return [min(path.glob("*.jpg")) for path in people]


def labelled(half: str, *, more: bool = False) -> LabelledFaces:
    """The faces of ``half`` that were looked at: those of the sheets, or those looked at for glasses only."""
    read = tomllib.loads(LABELS.read_text("utf-8"))[half]
    places = list(range(read["count"]))
    if more:
        read = read["more"]
        places = read["places"]
    people = lfw_half(half)
    index = {place: i for i, place in enumerate(places)}
    labels = {}
    for kind in KINDS:
        values = np.full(len(places), np.nan if kind not in read else 0.0)
        values[[index[place] for place in read["unsure"].get(kind, [])]] = np.nan
        values[[index[place] for place in read.get(kind, [])]] = 1.0
        labels[kind] = values
    return LabelledFaces([people[place] for place in places], labels)


def fer_pictures() -> tuple[list[Path], NDArray[np.int64]]:
    """All pictures of FER2013's public test and the place of each label in ``EXPRESSIONS``."""
    folder = DATA / "fer2013-publictest"
    paths = [(path, i) for i, name in enumerate(EXPRESSIONS) for path in sorted((folder / name).iterdir())]
    return [path for path, _ in paths], np.array([i for _, i in paths])
