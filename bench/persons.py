"""Persons counted, and the colours that they wear: the photos of ../shared/data/coco-train against labels.

In: these photos with their boxes, bench/persons.json (names of colours that we gave by eye before anything was
computed, several where one cannot say), the fetched networks. Out: a section of BENCHMARKS.md. The detectors were
trained on photos of this set.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from custodes.core.box import BoxPx
from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.equipment.assembly import open_equipment_engine
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.results.label import DominantColour
from custodes.engine.results.person import PersonsSeen
from custodes.engine.runtime.networks import Networks
from custodes.imaging.image import decode
from custodes.models.store import ModelStore, default_root
from custodes.operations.collections.same_face import overlap
from report import ROOT, Section, table, write

COMMAND = ".venv/bin/python bench/persons.py"
COCO = ROOT.parent / "shared" / "data" / "coco-train"
LABELS = Path(__file__).with_suffix(".json")
_SLOT = Slot(0, RequestId("bench"))
_PERSON = "0"
_GROUPS = ((0, 0), (1, 1), (2, 4), (5, 9), (10, 99))


def main() -> None:
    """Measure and write."""
    store = ModelStore(default_root(os.environ))
    engine = open_equipment_engine(Networks(store, Device.CPU, 1), open_face_engine(store, Device.CPU, threads=1))
    seen: dict[str, PersonsSeen] = {}
    counts = []
    for path in sorted((COCO / "images").glob("*.jpg")):
        found = seen[path.stem] = engine.bodies(_SLOT, decode(path.read_bytes()), 20)
        counts.append((_labelled(path.stem), found.count))
    told = np.array(counts)
    rows = []
    for low, high in _GROUPS:
        part = told[(told[:, 0] >= low) & (told[:, 0] <= high)]
        exact = int((part[:, 0] == part[:, 1]).sum())
        group = str(low) if low == high else f"{low} to {high}"
        rows.append((group, len(part), exact, *(f"{mean:.1f}" for mean in part.mean(axis=0))))
    text = table(("persons", "photos", "counted exactly", "labelled, mean", "counted, mean"), rows)
    wanted = json.loads(LABELS.read_text())
    colours = [_scored(wanted, seen, place) for place in ("upper", "lower")]
    text += "\n\n" + table(("clothes", "told", "first colour right", "one of three right"), colours)
    write(Section("persons", "Persons: how many, and what they wear", COMMAND, text))


def _labelled(stem: str) -> int:
    file = COCO / "labels" / f"{stem}.txt"
    return sum(line.split()[0] == _PERSON for line in file.read_text().splitlines()) if file.exists() else 0


def _scored(wanted: Sequence[dict[str, Any]], seen: dict[str, PersonsSeen], place: str) -> tuple[str, int, int, int]:
    told = first = one = 0
    for label in wanted:
        found = _colours(seen[label["photo"]], BoxPx(*label["box"]), place)
        if label[place] and found:
            names = [colour.simple_name in label[place] for colour in found]
            told, first, one = told + 1, first + names[0], one + any(names)
    return place, told, first, one


def _colours(found: PersonsSeen, box: BoxPx, place: str) -> tuple[DominantColour, ...]:
    best = max(found.persons, key=lambda person: _shared(found, person.box_px, box), default=None)
    if best is None or _shared(found, best.box_px, box) < 0.5:
        return ()
    return best.upper if place == "upper" else best.lower


def _shared(found: PersonsSeen, one: BoxPx, other: BoxPx) -> float:
    return overlap(one.to_ratio(found.size), other.to_ratio(found.size))


if __name__ == "__main__":
    main()
