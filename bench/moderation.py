"""DetectModerationLabels: false alarms per 1,000 on pictures that show nothing of the kind, portraits by age; what
is found of the few things that are there, wine and swimwear on photos of COCO.

Run: ``.venv/bin/python bench/moderation.py [--print]``. Reads ``../shared/data`` (UTKFace, LFW, COCO train photos) and
the fetched model pack; sets that are absent are left out. Of the COCO photos random parts are shown as well, because
people crop. Nothing was fitted on these pictures; the classifier's authors trained it.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from scipy.stats import beta

import report
from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.labels.letterbox import stretched
from custodes.engine.moderation.assembly import open_moderation_engine
from custodes.engine.moderation.pipeline import CLASSES, SIDE_PX, ModerationPipeline
from custodes.engine.runtime.networks import Networks
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root

DATA = report.ROOT.parent / "shared" / "data"
SLOT = Slot(0, RequestId("bench"))
AGES = ((0, 2), (3, 6), (7, 12), (13, 17), (18, 39), (40, 64), (65, 120))
CROPS = 10
SHOWN = {"Alcohol": (46, 49), "Swimwear or Underwear": (52,)}
"""COCO photos, by their place in the order of names, that show something of the kind, as we see it: wine, swimwear."""
PER_AGE = 150
EXPLICIT = [CLASSES.index("hentai"), CLASSES.index("porn")]


def portraits_by_age() -> dict[str, list[Path]]:
    """Portraits of UTKFace by the age that their file names state."""
    found: dict[str, list[Path]] = {f"portraits, {low} to {high} years": [] for low, high in AGES}
    for path in sorted((DATA / "utkface").glob("*.jpg")):
        age = int(path.name.split("_")[0])
        for low, high in AGES:
            if low <= age <= high:
                found[f"portraits, {low} to {high} years"].append(path)
    chosen = random.Random(2026)
    return {name: chosen.sample(paths, min(PER_AGE, len(paths))) for name, paths in found.items() if paths}


def crops(image: Image, seed: int) -> Iterator[Image]:
    """Random parts of a photo, a third to two thirds of its sides."""
    rng = random.Random(seed)
    width, height = image.size.width, image.size.height
    for _ in range(CROPS):
        w, h = (max(80, round(side * rng.uniform(0.33, 0.67))) for side in (width, height))
        x, y = rng.randrange(max(1, width - w)), rng.randrange(max(1, height - h))
        yield Image(np.ascontiguousarray(image.rgb[y : y + h, x : x + w]), b"")


def interval(count: int, total: int) -> str:
    """Per 1,000, with its interval of 95 % (Clopper and Pearson)."""
    low = float(beta.ppf(0.025, count, total - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, total - count)) if count < total else 1.0
    return f"{1000 * count / max(1, total):.1f} ({1000 * low:.1f} to {1000 * high:.1f})"


def found(engine: ModerationPipeline, photos: Mapping[str, list[Image]]) -> str:
    """Of each kind, how many photos and how many of their parts are told at 50 and at 80."""
    rows: list[tuple[object, ...]] = []
    for name, some in photos.items():
        parts = [part for i, image in enumerate(some) for part in crops(image, 1000 + i)]
        for what, pictures in (("photos", some), ("parts of these", parts)):
            said = [engine.concerns(SLOT, image, 0).concerns for image in pictures]
            sure = [max((one.confidence_pct for one in each if one.name == name), default=0) for each in said]
            rows.append((name, what, len(sure), sum(pct >= 50 for pct in sure), sum(pct >= 80 for pct in sure)))
    return report.table(("shown", "pictures", "number", "told at 50", "at 80"), rows)


def row(name: str, engine: ModerationPipeline, pictures: Iterator[Image]) -> tuple[object, ...]:
    """Pictures, those that the classifier alone would call explicit, and alarms by name, all at 50."""
    count = alone = 0
    alarms: Counter[str] = Counter()
    for image in pictures:
        count += 1
        alone += float(engine.whole(stretched(image.rgb, SIDE_PX))[0, EXPLICIT].sum()) >= 0.5
        alarms.update(concern.name for concern in engine.concerns(SLOT, image, 50.0).concerns)
    explicit = alarms.pop("Explicit", 0)
    others = ", ".join(f"{name} {number}" for name, number in sorted(alarms.items())) or "none"
    return name, count, alone, explicit, interval(explicit, count), others


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", action="store_true", help="do not write BENCHMARKS.md")
    options = parser.parse_args()
    engine = open_moderation_engine(Networks(ModelStore(default_root(os.environ)), Device.CPU, 1), nudenet=False)
    lfw = random.Random(2026).sample(paths, 300) if (paths := sorted((DATA / "lfw" / "images").rglob("*.jpg"))) else []
    coco = [decode(path.read_bytes()) for path in sorted((DATA / "coco-train" / "images").glob("*.jpg"))]
    sets = {name: (decode(path.read_bytes()) for path in paths) for name, paths in portraits_by_age().items()}
    sets["press portraits (LFW)"] = (decode(path.read_bytes()) for path in lfw)
    shown = {place for places in SHOWN.values() for place in places}
    plain = [image for i, image in enumerate(coco) if i not in shown]
    sets["COCO photos that show nothing of the kind"] = iter(plain)
    sets["parts of these"] = (part for i, image in enumerate(coco) if i not in shown for part in crops(image, i))
    rows = [row(name, engine, pictures) for name, pictures in sets.items()]
    count, first, explicit = (sum(int(str(one[i])) for one in rows) for i in (1, 2, 3))
    rows.append(("all", count, first, explicit, interval(explicit, count), ""))
    head = ("pictures", "number", "explicit by the first look alone", "Explicit", "per 1,000", "other alarms")
    text = report.table(head, rows) + (
        "\n\nAlarms at a confidence of 50; at most 2 per 1,000 are wanted. Of what is there, is told:\n\n"
        + found(engine, {name: [coco[i] for i in places if i < len(coco)] for name, places in SHOWN.items()})
        + "\n\nParts need not show the thing. Of everything else, how much is found cannot be stated: no pictures of"
        " it may be had here; what the second look withholds of pictures that are explicit is not known either."
    )
    print(text)
    if not options.print:
        report.write(
            report.Section(
                "moderation",
                "Moderation: false alarms, and what is found",
                ".venv/bin/python bench/moderation.py",
                text,
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
