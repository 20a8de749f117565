"""What labels of one's own are worth with few pictures, how sure they say they are, and how long training takes.

Run: ``.venv/bin/python bench/custom_labels.py [--quick] [--note TEXT]``. Needs ``../shared/data/coco-train`` and is
skipped, saying so, without. Classification is on crops of objects of at least 48 px, of the twelve kinds with the most
of them, ten draws. Detection is of kinds whose names the detector may not use; but its features have seen them in its
own training on COCO, so the level is flattering: compare with the baseline beside it, not with papers. ``--quick``: two
draws.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import report
from average_precision import Photo, mean_average_precision
from custodes.core.box import BoxPx
from custodes.core.device import Device
from custodes.engine.custom.backbone import Backbone, views
from custodes.engine.custom.cells import CELL_OUTPUTS, Cells, Run, look
from custodes.engine.custom.classify import train_classifier
from custodes.engine.custom.detector import MAX_PROPOSALS, crop, detect, study, train_detector
from custodes.engine.custom.head import unit
from custodes.engine.labels.boxes import Boxes, suppress
from custodes.engine.runtime.networks import Networks
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root

DATA = report.ROOT.parent / "shared" / "data" / "coco-train"
KINDS, LEAST_PX, VIEWS = 12, 48, 3
ANIMALS, TABLE = (14, 16, 20, 23), (41, 45, 54, 58, 60)
"""COCO classes: bird, dog, elephant, giraffe; cup, bowl, donut, potted plant, dining table."""
PUBLISHED = (
    "10 shots, AP of novel COCO classes: TFA 10, DeFRCN 18.5, DE-ViT (frozen DINOv2) 34 (other protocol, as published)"
)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """A photo with its objects: class and place."""

    image: Image
    objects: list[tuple[int, BoxPx]]


def scenes() -> list[Scene]:
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


def crops(all_scenes: list[Scene], backbone: Backbone) -> tuple[Floats, NDArray[np.intp]]:
    """(n, views, d) features and (n,) classes of objects that are large enough; people are left out."""
    features, kinds = [], []
    for scene in all_scenes:
        for kind, box in scene.objects:
            if kind and min(box.width, box.height) >= LEAST_PX:
                place = np.array([box.x1, box.y1, box.x2, box.y2], np.float32)
                features.append(backbone.features(views(crop(scene.image.rgb, place), VIEWS)))
                kinds.append(kind)
    return np.array(features, np.float64), np.array(kinds)


@dataclass(frozen=True)
class Draw:
    """Accuracy, confidences with whether each was right, and seconds of training of one draw."""

    accuracy: float
    sure: Floats
    right: NDArray[np.bool_]
    training_s: float


def classify(features: Floats, kinds: NDArray[np.intp], shots: int, seed: int) -> Draw:
    random = np.random.default_rng(seed)
    names = [kind for kind, count in Counter(kinds.tolist()).most_common(KINDS) if count > shots]
    train, test = [], []
    for kind in names:
        places = random.permutation(np.flatnonzero(kinds == kind))
        train += places[:shots].tolist()
        test += places[shots:].tolist()
    truth = np.array([names.index(kind) for kind in kinds[test]])
    targets = (kinds[train][:, None] == np.array(names)).astype(np.float64)
    begun = time.perf_counter()
    head = train_classifier([features[i] for i in train], targets, several=False)
    spent = time.perf_counter() - begun
    shares = head.shares(unit(features[test][:, 0]))
    right = shares.argmax(1) == truth
    return Draw(float(right.mean()), shares.max(1), right, spent)


def calibration_error(draws: Sequence[Draw]) -> float:
    """Mean distance of confidence and accuracy over ten bins of confidence, in points."""
    sure, right = np.concatenate([d.sure for d in draws]), np.concatenate([d.right for d in draws])
    bins = np.minimum((sure * 10).astype(int), 9)
    return 100 * float(
        sum(abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins))
    )


def classification(features: Floats, kinds: NDArray[np.intp], draws: int) -> str:
    rows: list[tuple[object, ...]] = []
    for shots, target in ((1, 57), (3, 65), (5, 72), (10, None)):
        found = [classify(features, kinds, shots, seed) for seed in range(draws)]
        accuracy = [100 * draw.accuracy for draw in found]
        names = sum(count > shots for _, count in Counter(kinds.tolist()).most_common(KINDS))
        rows.append(
            (
                f"{shots} ({names} kinds)",
                f"{np.mean(accuracy):.1f} ± {np.std(accuracy):.1f} %",
                "" if target is None else f"{target} %",
                f"{calibration_error(found):.1f} points",
                f"{np.mean([draw.training_s for draw in found]):.2f} s",
            )
        )
    return report.table(("pictures a kind", "accuracy", "aim", "calibration error", "training after features"), rows)


def detection(
    all_scenes: list[Scene], kinds: Sequence[int], shots: int, run: Run, backbone: Backbone
) -> tuple[str, ...]:
    """AP50 and AP of our heads, and of nearest neighbours on the detector's proposals."""
    random, counts = np.random.default_rng(0), Counter[int]()
    train, test = list[Scene](), list[Scene]()
    for place in random.permutation(len(all_scenes)):
        scene = all_scenes[place]
        own = [kind for kind, _ in scene.objects if kind in kinds]
        chosen = own and min(counts[kind] for kind in own) < shots
        (train if chosen else test).append(scene)
        counts.update(own if chosen else ())
    if not any(kind in kinds for scene in test for kind, _ in scene.objects):
        return (f"{len(train)} / none left", *["-"] * 4)
    examples = [
        study(run, backbone.features, s.image.rgb, [(kinds.index(k), b) for k, b in s.objects if k in kinds], i)
        for i, s in enumerate(train)
    ]
    heads = train_detector(examples, len(kinds))
    known = np.concatenate([unit(e.crops[e.crop_labels >= 0]) for e in examples])
    labels = np.concatenate([e.crop_labels[e.crop_labels >= 0] for e in examples])

    def nearest(rgb: NDArray[np.uint8]) -> Boxes:
        cells = look(run, rgb)
        chosen = _likely(cells)
        near = unit(backbone.features([crop(rgb, place) for place in cells.places[chosen]])) @ known.T
        best = near.argmax(1)
        shares = near.max(1) * cells.objectness[chosen]
        return suppress(Boxes(cells.places[chosen], labels[best], shares.astype(np.float32)), 0.5)

    ours = _judged(test, kinds, lambda rgb: detect(run, backbone.features, rgb, heads))
    theirs = _judged(test, kinds, nearest)
    return (f"{len(train)} / {len(test)}", *(f"{100 * value:.1f}" for value in (*ours, *theirs)))


def _likely(cells: Cells) -> NDArray[np.intp]:
    order = np.argsort(-cells.objectness, kind="stable")[:300]
    found = suppress(Boxes(cells.places[order], np.zeros(len(order), np.intp), cells.objectness[order]), 0.7)
    rows = {tuple(row): i for i, row in zip(order[::-1], cells.places[order][::-1], strict=True)}
    return np.array([rows[tuple(row)] for row in found.places[:MAX_PROPOSALS]], np.intp)


def _judged(
    test: Sequence[Scene], kinds: Sequence[int], ask: Callable[[NDArray[np.uint8]], Boxes]
) -> tuple[float, float]:
    photos = []
    for scene in test:
        found = ask(scene.image.rgb)
        true = [(kinds.index(kind), box) for kind, box in scene.objects if kind in kinds]
        places = np.array([[b.x1, b.y1, b.x2, b.y2] for _, b in true]).reshape(-1, 4)
        photos.append(
            Photo(
                found.places.astype(np.float64),
                found.classes,
                found.scores.astype(np.float64),
                places,
                np.array([kind for kind, _ in true], np.intp),
            )
        )
    return mean_average_precision(photos)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--note", default="")
    given = parser.parse_args()
    if not DATA.is_dir():
        print(f"skipped: {DATA} is not here")
        return
    networks = Networks(ModelStore(default_root(os.environ)), Device.CPU, os.cpu_count() or 1)
    spent = [0.0]
    detector, classifier = networks.session("nanodet"), networks.session("efficientnet-lite2")

    def features(rgb: NDArray[np.generic]) -> NDArray[np.float32]:
        begun = time.perf_counter()
        found = classifier.run({"rgb": rgb}, ("features",))["features"]
        spent[0] += time.perf_counter() - begun
        return found

    backbone = Backbone("efficientnet-lite2", 260, features)
    run: Run = lambda planes: detector.run({"rgb": planes}, CELL_OUTPUTS)  # noqa: E731
    found = scenes()
    begun = time.perf_counter()
    vectors, kinds = crops(found, backbone)
    whole = time.perf_counter() - begun
    text = classification(vectors, kinds, 2 if given.quick else 10)
    share = 100 * (whole - spent[0]) / whole
    text += (
        f"\n\nFeatures: {1000 * whole / vectors.shape[0] / VIEWS:.0f} ms a view, {share:.0f} % of it outside of the "
        "network (aim: 15 %).\n\n"
    )
    rows = [
        (name, shots, *detection(found, list(which), shots, run, backbone))
        for name, which in (("four animals", ANIMALS), ("five things on tables", TABLE))
        for shots in ((5,) if given.quick else (3, 5, 10))
    ]
    head = ("detection", "boxes a label", "photos to train / test", "AP50", "AP", "AP50 nearest", "AP nearest")
    text += report.table(head, rows) + f"\n\n{PUBLISHED}. {given.note}"
    print(text)
    report.write(
        report.Section("custom-labels", "Labels of one's own", ".venv/bin/python bench/custom_labels.py", text)
    )


if __name__ == "__main__":
    main()
