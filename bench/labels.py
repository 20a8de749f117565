"""What labels and moderation are worth, and what a call costs beside its networks.

Run: ``.venv/bin/python bench/labels.py [--quick]``. Needs ``../shared/data`` (COCO train photos, LFW) and is
skipped, saying so, without. COCO train was seen by both detectors in training: trust the differences, and
compare the level with NanoDet's published 23.5 mAP on val2017, not with ours here. ``--quick`` takes a tenth.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parents[1] / "scripts"))
import fit_surroundings

import report
from average_precision import Photo, hits, mean_average_precision
from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.labels.assembly import open_objects, open_scenes
from custodes.engine.labels.boxes import Boxes
from custodes.engine.labels.objects import ObjectDetector, ObjectRules
from custodes.engine.labels.pipeline import LabelPipeline, LabelSteps, confidence_pct
from custodes.engine.labels.scenes import SceneClassifier
from custodes.engine.labels.surroundings import SIGNS, Surroundings, load_surroundings
from custodes.engine.labels.taxonomy import load_taxonomy
from custodes.engine.moderation.assembly import open_moderation_engine
from custodes.engine.results.label import LabelsWanted
from custodes.engine.runtime.networks import Networks
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root

DATA = report.ROOT.parent / "shared" / "data"
SLOT = Slot(0, RequestId("bench"))
TARGET_RATIO = 1.25


@dataclass
class Timed:
    """A network that adds up its own processor time."""

    run_it: Callable[..., Any]
    spent_s: list[float] = field(default_factory=list)

    def run(self, *given: Any) -> Any:
        start = time.thread_time()
        result = self.run_it(*given)
        self.spent_s.append(time.thread_time() - start)
        return result


def coco(limit: int | None) -> list[tuple[Image, NDArray[np.float64], NDArray[np.intp]]]:
    """Photos with true boxes in pixels and classes."""
    found = []
    for path in sorted((DATA / "coco-train" / "images").glob("*.jpg"))[:limit]:
        image = decode(path.read_bytes())
        labels = DATA / "coco-train" / "labels" / f"{path.stem}.txt"
        lines = labels.read_text().splitlines() if labels.exists() else []
        rows = np.array([line.split()[:5] for line in lines], np.float64).reshape(-1, 5)
        centre, half = rows[:, 1:3], rows[:, 3:5] / 2
        places = np.hstack([centre - half, centre + half]) * ([image.size.width, image.size.height] * 2)
        found.append((image, places, rows[:, 0].astype(np.intp)))
    return found


def photo(found: Boxes, places: NDArray[np.float64], classes: NDArray[np.intp]) -> Photo:
    return Photo(found.places.astype(np.float64), found.classes, found.scores.astype(np.float64), places, classes)


def detectors(networks: Networks, photos: list[Any]) -> tuple[str, list[Photo]]:
    """mAP of both networks and of their fusion, at a low threshold; what the fusion found is returned, too."""
    detector = ObjectDetector(networks.session("centernet"), networks.session("nanodet"), ObjectRules(min_score=0.05))
    ways: Mapping[str, Callable[[Any], Boxes]] = {
        "CenterNet": detector.by_centernet,
        "NanoDet": detector.by_nanodet,
        "**fused, as DetectLabels uses them**": detector.detect,
    }
    rows: list[tuple[object, ...]] = []
    made: list[Photo] = []
    for name, way in ways.items():
        made = [photo(way(image.rgb), *truth) for image, *truth in photos]
        half, whole = mean_average_precision(made)
        rows.append((name, f"{100 * half:.1f}", f"{100 * whole:.1f}"))
    head = ("detector", "mAP@0.5", "mAP@[.5:.95]")
    return report.table(
        head, rows
    ) + f"\n\n{len(photos)} photos, {sum(len(p.true_classes) for p in made)} objects.", made


def judged(photos: list[Photo]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores of all boxes, and whether each holds what it says (overlap of at least a half)."""
    parts = [hits(one, kind) for one in photos for kind in range(80)]
    return np.concatenate([scores for scores, _ in parts]), np.concatenate([right[0] for _, right in parts])


def fitted(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Steepness and middle of the logistic that tells right from wrong best, by Newton's method."""
    x, w = np.stack([scores, np.ones_like(scores)], axis=1), np.array([7.0, -3.0])
    for _ in range(40):
        chance = 1 / (1 + np.exp(-x @ w))
        w = w + np.linalg.solve((x * (chance * (1 - chance))[:, None]).T @ x, x.T @ (right - chance))
    return float(w[0]), float(-w[1] / w[0])


def calibration(made: list[Photo]) -> str:
    """The published curve on the photos that it was not fitted on."""
    fit_scores, fit_right = judged(made[::2])
    steep, middle = fitted(fit_scores[fit_scores >= 0.2], fit_right[fit_scores >= 0.2])
    scores, right = judged(made[1::2])
    sure = np.array([confidence_pct(score) for score in scores])
    rows: list[tuple[object, ...]] = []
    for low, high in ((20, 40), (40, 55), (55, 70), (70, 90), (90, 100.1)):
        here = (sure >= low) & (sure < high)
        if here.any():
            mean, held = sure[here].mean(), 100 * right[here].mean()
            rows.append((f"{low} to {min(high, 100):.0f} %", int(here.sum()), f"{mean:.0f} %", f"{held:.0f} %"))
    every = sum(len(one.true_classes) for one in made[1::2])
    recall = 100 * right[sure >= 55].sum() / every
    text = report.table(("confidence", "boxes", "mean", "right"), rows)
    return text + (
        f"\n\nOdd photos; the curve was fitted on even ones, where it comes out today as steepness {steep:.1f}, middle "
        f"{middle:.3f}. At the default of 55 % {100 * right[sure >= 55].mean():.0f} % of boxes are right and "
        f"{recall:.0f} % of all labelled objects, most of them small, are found."
    )


def scenes(networks: Networks, photos: list[Any]) -> str:
    """Whole-picture labels where COCO's labels decide."""
    classifier, taxonomy = open_scenes(networks), load_taxonomy()
    known = set(taxonomy.objects)
    said, right = 0, 0
    for image, _, classes in photos:
        there = {taxonomy.objects[kind] for kind in classes}
        sure = taxonomy.scene_confidences(classifier.probabilities(image.rgb))
        for name in known & sure.keys():
            if 100 * sure[name] >= 55:
                said, right = said + 1, right + (name in there)
    return (
        f"The whole-picture classifier alone gave {said} labels that COCO also has at 55 % or more; {right} of them "
        "are among the photo's own."
    )


def surroundings(networks: Networks, photos: list[Any]) -> str:
    """What is told around objects, each photo by heads that it had no part in, and how many labels a photo gets."""
    made = fit_surroundings.read(networks)
    crossed = fit_surroundings.crossed(made)
    rows: list[tuple[object, ...]] = []
    for name, truth in made.truth.items():
        known = ~np.isnan(truth)
        told = (crossed[name] >= 55) & known
        sure = (crossed[name] >= 80) & known
        rows.append(
            (name, int(known.sum()), int(np.nansum(truth)), int(told.sum()), int(np.nansum(truth[told])),
             int(sure.sum()), int(np.nansum(truth[sure])))
        )  # fmt: skip
    total = ["all", *(sum(int(row[i]) for row in rows) for i in range(1, 7))]
    head = ("label", "photos", "there", "told", "right", "told with 80 %", "right")
    street = np.array([made.truth["Road"] == 1, made.truth["City"] == 1]).any(0)
    counts = np.array([_labels_without_and_with(networks, image, said) for (image, *_), said in zip(
        photos, _by_photo(crossed), strict=False)])  # fmt: skip
    means = [counts[rows_].mean(0) for rows_ in (street[: len(counts)], slice(None))]
    each = [f"{without:.1f} and {together:.1f}" for without, together in means]
    return report.table(head, [*rows, tuple(total)]) + (
        "\n\nAt 55 % and more where nothing else is said, on photos that we labelled by looking, each judged by heads "
        "fitted on the other nine tenths (what ships is fitted on all). Labels a photo without and with them: "
        f"{each[0]} on the {int(street.sum())} photos of streets, {each[1]} on all."
    )


def _by_photo(crossed: Mapping[str, NDArray[np.float64]]) -> list[dict[str, float]]:
    count = len(next(iter(crossed.values())))
    return [{name: float(values[i]) for name, values in crossed.items()} for i in range(count)]


def _labels_without_and_with(networks: Networks, image: Image, around: Mapping[str, float]) -> tuple[int, int]:
    """How many labels a photo gets at 55 %, without heads for surroundings and with ``around``, what these say."""
    taxonomy = load_taxonomy()
    none = Surroundings((), np.zeros((0, SIGNS), np.float32), np.zeros(0, np.float32))
    engine = LabelPipeline(LabelSteps(open_objects(networks), open_scenes(networks), taxonomy, none))
    seen = {one.name for one in engine.labels(SLOT, image, LabelsWanted(labels=True, min_confidence_pct=55)).labels}
    more = {name for name, pct in taxonomy.raised(around).items() if pct >= 55}
    return len(seen), len(seen | more)


def cost(networks: Networks, photos: list[Any]) -> tuple[str, float]:
    """Processor time of a call beside that of its networks, one thread."""
    nets = {name: Timed(networks.session(name).run) for name in ("centernet", "nanodet", "efficientnet-lite2")}
    classifier = SceneClassifier(lambda rgb: nets["efficientnet-lite2"].run({"rgb": rgb})["logits"])
    engine = LabelPipeline(
        LabelSteps(ObjectDetector(nets["centernet"], nets["nanodet"]), classifier, load_taxonomy(), load_surroundings())
    )
    rows: list[tuple[object, ...]] = []
    ratios = []
    for name, wanted in (
        ("GENERAL_LABELS", LabelsWanted(labels=True, min_confidence_pct=55)),
        ("IMAGE_PROPERTIES", LabelsWanted(labels=False, properties=True)),
        ("both", LabelsWanted(labels=True, properties=True, min_confidence_pct=55)),
    ):
        engine.labels(SLOT, photos[0][0], wanted)
        for net in nets.values():
            net.spent_s.clear()
        start = time.thread_time()
        for image, *_ in photos:
            engine.labels(SLOT, image, wanted)
        whole = time.thread_time() - start
        inside = sum(sum(net.spent_s) for net in nets.values())
        ratios.append(whole / inside)
        each = [f"{1000 * value / len(photos):.0f} ms" for value in (whole, inside)]
        rows.append((name, *each, f"**{whole / inside:.2f}**", TARGET_RATIO if name == "GENERAL_LABELS" else ""))
    return report.table(("features", "call", "its networks", "ratio", "target"), rows), ratios[0]


def moderation(networks: Networks, sets: Mapping[str, list[Path]]) -> str:
    """False alarms on photos that hold nothing of the kind, by name."""
    engine = open_moderation_engine(networks, nudenet=False)
    rows: list[tuple[object, ...]] = []
    for name, paths in sets.items():
        alarms: dict[int, Counter[str]] = {50: Counter(), 80: Counter()}
        for path in paths:
            found = engine.concerns(SLOT, decode(path.read_bytes()), 0)
            for least, counter in alarms.items():
                counter.update(concern.name for concern in found.concerns if concern.confidence_pct >= least)
        for least, counter in alarms.items():
            rows.append((name, len(paths), f"{least} %", ", ".join(f"{k} {v}" for k, v in counter.items()) or "none"))
    return report.table(("photos", "number", "at", "alarms by name"), rows)


def main() -> int:
    """Measure, print, write; 1 when the call costs more than the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything; prints and writes nothing")
    quick = parser.parse_args().quick
    if not (DATA / "coco-train").is_dir():
        print(f"skipped: there are no photos in {DATA / 'coco-train'}")
        return 0
    store = ModelStore(default_root(os.environ))
    networks = Networks(store, Device.CPU, threads=1)
    photos = coco(9 if quick else None)
    table, made = detectors(networks, photos)
    costs, ratio = cost(networks, photos[:: 1 if quick else 3])
    lfw = sorted((DATA / "lfw" / "images").rglob("*.jpg"))
    sets = {
        "COCO train": sorted((DATA / "coco-train" / "images").glob("*.jpg"))[: 9 if quick else None],
        "LFW": random.Random(2026).sample(lfw, min(len(lfw), 20 if quick else 500)),
    }
    parts = [
        "### Objects\n", table,
        "\n### Confidence of boxes\n", calibration(made),
        "\n### Whole pictures\n", scenes(networks, photos),
        "\n### Around the objects\n", surroundings(networks, photos),
        "\n### Cost of a call, processor time of one thread\n", costs,
        "\n### Moderation: false alarms\n", moderation(networks, sets),
        "\nHow much is found cannot be stated: no picture set for it may be had here. The authors of nsfwjs state "
        "about 93 % of five classes for this model.",
    ]  # fmt: skip
    made_section = report.Section("labels", "Labels and moderation", "python bench/labels.py", "\n".join(parts))
    print(made_section.text)
    if not quick:
        report.write(made_section)
    return 0 if ratio <= TARGET_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
