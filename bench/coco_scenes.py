"""Photos of COCO train2017 with their objects, and the networks that custom labels build on, for two benchmarks.

In: ``../shared/data/coco-train``. Out: photos with classes and places; networks that count the seconds they take.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

import report
from custodes.core.box import BoxPx
from custodes.core.device import Device
from custodes.engine.custom.backbone import Backbone
from custodes.engine.custom.cells import CELL_OUTPUTS
from custodes.engine.runtime.networks import Networks
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root

SHARED = report.ROOT.parent / "shared" / "data"
DATA = SHARED / "coco-train"
Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """A photo with its objects: class and place."""

    image: Image
    objects: list[tuple[int, BoxPx]]


def scenes() -> list[Scene]:
    """All, in the order of their names."""
    found = []
    for path in sorted((DATA / "images").glob("*.jpg")):
        labels = DATA / "labels" / f"{path.stem}.txt"
        if labels.exists():
            image = decode(path.read_bytes())
            found.append(Scene(image, [_object(line.split(), image) for line in labels.read_text().splitlines()]))
    return found


def _object(row: Sequence[str], image: Image) -> tuple[int, BoxPx]:
    x, y, w, h = (float(value) for value in row[1:5])
    width, height = image.size.width, image.size.height
    return int(row[0]), BoxPx((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)


@dataclass
class Frozen:
    """The two networks; ``spent_s`` counts what the classifier took."""

    networks: Networks = field(
        default_factory=lambda: Networks(ModelStore(default_root(os.environ)), Device.CPU, os.cpu_count() or 1)
    )
    spent_s: float = 0.0

    @property
    def backbone(self) -> Backbone:
        """Features of crops."""
        return Backbone("efficientnet-lite2", 260, self._features)

    def _features(self, rgb: NDArray[np.generic]) -> Floats32:
        session = self.networks.session("efficientnet-lite2")
        begun = time.perf_counter()
        found = session.run({"rgb": rgb}, ("features",))["features"]
        self.spent_s += time.perf_counter() - begun
        return found

    def cells(self, planes: Floats32, hidden: Sequence[int] = ()) -> Mapping[str, Floats32]:
        """The detector's outputs; what it says of the classes ``hidden`` is taken away."""
        found = dict(self.networks.session("nanodet").run({"rgb": planes}, CELL_OUTPUTS))
        for name, values in found.items():
            if name.startswith("scores") and hidden:
                found[name] = values.copy()
                found[name][:, :, list(hidden)] = 0.0
        return found


def asked() -> argparse.Namespace | None:
    """What the command line asks for; None, and why on standard output, where there is nothing to measure on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--note", default="")
    given = parser.parse_args()
    if not DATA.is_dir():
        print(f"skipped: {DATA} is not here")
        return None
    return given
