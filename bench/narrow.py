"""What bfloat16 costs and brings: labels, equipment, moderation and text beside float32, answers and time, in one run.

Run: ``.venv/bin/python bench/narrow.py [--quick]``. Needs ``custodes[bfloat16]``, a processor with bfloat16 and
``../shared/data`` (COCO train photos, RapidOCR's test pictures); skipped, saying so, without. Ways take turns picture
by picture; of each the best of three counts, which is what a loaded machine shows of a quiet one. ``--quick`` takes a
tenth and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

import report
from average_precision import mean_average_precision
from custodes.core.device import Arithmetic, Device
from custodes.core.errors import UnavailableError
from custodes.engine.equipment.assembly import open_equipment_engine
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.labels.assembly import object_rules, open_label_engine
from custodes.engine.labels.boxes import fuse
from custodes.engine.labels.objects import ObjectDetector
from custodes.engine.moderation.assembly import open_moderation_engine
from custodes.engine.results.label import LabelsWanted
from custodes.engine.runtime.beside import ALONE
from custodes.engine.runtime.narrow import require_bfloat16
from custodes.engine.runtime.networks import Networks
from custodes.engine.text.assembly import open_text_engine
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root
from labels import DATA, SLOT, coco, photo
from photo_views import VIEWS, views
from text import _SHOWN, EXPECTED, found_share, matched, scenes, to_image

THREADS = os.cpu_count() or 1
_ANGLES = (0, -30, 90)
_REPEATS = 3
_ON_PRECISION = """

Precision is over eight views of each photo (bench/photo_views.py), and of the photos alone: of these one way and
another differ by chance by 0.6 of fused mAP@0.5 and 0.3 of mAP@[.5:.95] (bootstrap over photos, one standard
deviation).

Tried on frames of videos, which are not the photos above, against what float32 finds (mAP@[.5:.95] of 100; processor
milliseconds of one thread beside 43 for CenterNet, 41 for NanoDet and 20 for the classifier in ONNX Runtime's float32):

| network | as | agreement | ms |
|---|---|---|---|
| CenterNet | bfloat16 | 99.5 | 24.5 |
| CenterNet | bfloat16, heads in float32, cut at four places | 99.2 to 99.4 | |
| CenterNet | part of its square, no margin, averages as they come | 91.3 | |
| CenterNet | the same, averages completed by those of a black square | 94.8 | |
| CenterNet | the same with a margin of 32 pixels | 99.1 | |
| CenterNet | bfloat16, 512 x 448 of its square (photos of 4:3 and 3:2) | | 22.5 |
| CenterNet | bfloat16, 512 x 384 (16:9) | | 20.1 |
| CenterNet | int8 by OpenVINO, by ONNX Runtime | | 31.6, 37.1 |
| NanoDet | bfloat16 | 99.8 | 22.5 |
| NanoDet | part of its square, no margin | 99.3 | |
| NanoDet | bfloat16, 416 x 352 (4:3, 3:2), 416 x 288 (16:9) | | 20.0, 16.1 |
| NanoDet | int8 by OpenVINO, by ONNX Runtime | | 19.4, 16.6 |
| classifier | int8 by OpenVINO, by ONNX Runtime, bfloat16 | | 12.6, 12.6, 11.6 |
| all three | float32 by OpenVINO | | 43.2, 43.2, 20.0 |"""
Call = Callable[[Any, Image], Any]
CALLS: Mapping[str, Call] = {
    "DetectLabels": lambda engine, image: engine.labels(SLOT, image, LabelsWanted(labels=True, min_confidence_pct=55)),
    "DetectProtectiveEquipment": lambda engine, image: engine.persons(SLOT, image),
    "DetectModerationLabels": lambda engine, image: engine.concerns(SLOT, image, 50),
    "DetectText": lambda engine, image: engine.read(SLOT, image),
}


class OnAllThreads(Networks):
    """Networks as they ran before two ran beside each other: one after the other, each on all threads."""

    def session(self, name: str, *, beside: bool = False, exact: bool = False) -> Any:  # noqa: ARG002
        return super().session(name, exact=exact)


@dataclass(frozen=True)
class Way:
    """One way to compute, with its engines by operation."""

    name: str
    networks: Networks
    engines: Mapping[str, Any]


def open_way(name: str, networks: Networks, store: ModelStore, faces: Any) -> Way:
    text = open_text_engine(store, Device.CPU, THREADS, arithmetic=networks.arithmetic)
    engines = {
        "DetectLabels": open_label_engine(networks),
        "DetectProtectiveEquipment": open_equipment_engine(networks, faces),
        "DetectModerationLabels": open_moderation_engine(networks, nudenet=False),
        "DetectText": text,
    }
    return Way(name, networks, engines)


def times(ways: Sequence[Way], images: Sequence[Image]) -> str:
    """Wall and processor milliseconds of a call, medians over pictures of the best of three."""
    rows: list[tuple[object, ...]] = []
    for operation, call in CALLS.items():
        spent = np.empty((len(images), len(ways), 2))
        for n, image in enumerate(images):
            for k, way in enumerate(ways):
                spent[n, k] = min(_spent(call, way.engines[operation], image) for _ in range(_REPEATS))
        wall, work = np.median(1e3 * spent[1:], axis=0).T
        ratio = np.median(spent[1:, -1, 0] / spent[1:, 0, 0])
        row = [f"{a:.0f} / {b:.0f}" for a, b in zip(wall, work, strict=True)]
        rows.append((operation, *row, f"**{ratio:.2f}**"))
        print(rows[-1], flush=True)
    return report.table(("ms, waited / of the processor", *(way.name for way in ways), "last to first"), rows)


def _spent(call: Call, engine: Any, image: Image) -> tuple[float, float]:
    work, wall = time.process_time(), time.perf_counter()
    call(engine, image)
    return time.perf_counter() - wall, time.process_time() - work


def answers(ways: Sequence[Way], share: int) -> str:
    """mAP of labels, recall of words drawn, items of RapidOCR's pictures."""
    photos = list(views([(image.rgb, *truth) for image, *truth in coco(None)[::share]]))
    grounds = sorted((DATA / "coco-train" / "images").glob("*.jpg"))
    drawn = [one for angle in _ANGLES for one in scenes(_SHOWN, 40 // share, angle, grounds)]
    rows: list[tuple[object, ...]] = []
    for way in ways:
        text = way.engines["DetectText"]
        objects = {name: f"{100 * ap[0]:.1f} / {100 * ap[1]:.1f}" for name, ap in _precisions(way, photos).items()}
        right = sum(_right(text.read(SLOT, to_image(one.rgb)), one.words) for one in drawn)
        words = sum(len(one.words) for one in drawn)
        items = [_items(text, name) for name in list(EXPECTED)[::share]]
        found = f"{sum(a for a, _ in items)} of {sum(b for _, b in items)}"
        rows.append((way.name, *objects.values(), f"{100 * right / words:.1f} % of {words}", found))
        print(rows[-1], flush=True)
    precisions = ("CenterNet, mAP@0.5 / @[.5:.95]", "NanoDet", "both fused", "fused, photos as they are")
    head = ("", *precisions, "drawn words", "items in test pictures")
    return report.table(head, rows)


def _precisions(way: Way, photos: Sequence[Any]) -> Mapping[str, tuple[float, float]]:
    nets = [way.networks.session(name, beside=True) for name in ("centernet", "nanodet")]
    rules = replace(object_rules(way.networks), min_score=0.05)
    detector = ObjectDetector(nets[0], nets[1], rules)
    found = [(detector.by_centernet(rgb), detector.by_nanodet(rgb)) for rgb, *_ in photos]
    fused = [fuse(pair, rules.trust, rules.fuse_iou) for pair in found]
    kinds = {"centernet": [a for a, _ in found], "nanodet": [b for _, b in found], "fused": fused}
    seen = {
        name: [photo(boxes, *truth) for boxes, (_, *truth) in zip(every, photos, strict=True)]
        for name, every in kinds.items()
    }
    seen["photos as they are"] = seen["fused"][::VIEWS]
    return {name: mean_average_precision(each) for name, each in seen.items()}


def _right(found: Any, truth: Any) -> int:
    return sum(matched(word, truth) is not None for line in found.lines for word in line.words)


def _items(text: Any, name: str) -> tuple[int, int]:
    path = next((DATA / "rapidocr-testfiles").rglob(name))
    lines = text.read(SLOT, decode(path.read_bytes())).lines
    return found_share(EXPECTED[name], [" ".join(word.text for word in line.words) for line in lines])


@contextmanager
def one_thread_in_opencv() -> Iterator[None]:
    """So that its threads do not wait for ours."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    if not (DATA / "coco-train").is_dir():
        print(f"skipped: there are no photos in {DATA / 'coco-train'}")
        return 0
    try:
        require_bfloat16()
    except UnavailableError as error:
        print(f"skipped: {error.message}")
        return 0
    store = ModelStore(default_root(os.environ))
    faces = open_face_engine(store, Device.CPU, THREADS)
    before = OnAllThreads(store, Device.CPU, THREADS)
    before.beside = ALONE
    ways = [
        open_way("one after the other", before, store, faces),
        open_way("float32", Networks(store, Device.CPU, THREADS), store, faces),
        open_way("bfloat16", Networks(store, Device.CPU, THREADS, arithmetic=Arithmetic.BFLOAT16), store, faces),
    ]
    images = [image for image, *_ in coco(4 if quick else 30)]
    with one_thread_in_opencv():
        parts = [
            times(ways, images),
            f"\n\n{len(images) - 1} COCO photos, {THREADS} cores, load {os.getloadavg()[0]:.1f}. Faces and what "
            "something was fitted to stay in float32; text has no networks beside each other.\n\n",
            answers(ways[1:], 10 if quick else 1),
            _ON_PRECISION,
        ]
    section = report.Section("narrow", "Narrow arithmetic", ".venv/bin/python bench/narrow.py", "".join(parts))
    print(section.text)
    if not quick:
        report.write(section)
    return 0


if __name__ == "__main__":
    sys.exit(main())
