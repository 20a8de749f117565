"""What labels of one's own are worth with few pictures, how sure they say they are, and how long training takes.

Run: ``.venv/bin/python bench/custom_labels.py [--quick] [--note TEXT]``. Needs ``../shared/data/coco-train`` and is
skipped, saying so, without. Classification is on crops of objects of at least 48 px, of the twelve kinds with the most
of them; for ten pictures a kind, of at least 16 px, as there are too few large ones. "Photos apart": no photo has crops
to train on and to test on. Ideas for confidence were chosen on other sets (expressions, ages, people, rare objects) and
are measured beside each other on both. ``--quick``: two draws, no other sets, no command.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

import report
from coco_scenes import SHARED, Frozen, Scene, asked, scenes
from custodes.engine.custom.backbone import Backbone, views
from custodes.engine.custom.classify import train_classifier
from custodes.engine.custom.detector import crop
from custodes.engine.custom.head import TrainedHead, unit
from custodes.engine.custom.logistic import Samples, best_scale, exclusive_loss, fit_chosen
from custodes.imaging.image import decode

KINDS, LARGE_PX, SMALL_PX, VIEWS = 12, 48, 16, 3
AIMS = {1: "57 %", 3: "65 %", 5: "72 %"}
FOLDER_PICTURES = 200
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pictures:
    """(n, views, d) features, (n,) kinds, (n,) the photo that each comes from."""

    features: Floats
    kinds: NDArray[np.generic]
    photos: NDArray[np.intp]


def crops(all_scenes: Sequence[Scene], backbone: Backbone, least_px: int, most_px: float = np.inf) -> Pictures:
    """Objects of a size; people are left out."""
    features, kinds, photos = [], [], []
    for number, scene in enumerate(all_scenes):
        for kind, box in scene.objects:
            if kind and least_px <= min(box.width, box.height) < most_px:
                place = np.array([box.x1, box.y1, box.x2, box.y2], np.float32)
                features.append(backbone.features(views(crop(scene.image.rgb, place), VIEWS)))
                kinds.append(kind)
                photos.append(number)
    return Pictures(np.array(features, np.float64), np.array(kinds), np.array(photos))


def together(first: Pictures, second: Pictures) -> Pictures:
    """Both."""
    pairs = ((first.features, second.features), (first.kinds, second.kinds), (first.photos, second.photos))
    return Pictures(*(np.concatenate(pair) for pair in pairs))


def other_sets(backbone: Backbone, large: Pictures) -> list[Pictures]:
    """What the ideas were chosen on: expressions, ages, people, and objects of rarer kinds."""
    found = []
    fer = [(p, d.name) for d in sorted((SHARED / "fer2013-publictest").glob("*/")) for p in sorted(d.iterdir())[:30]]
    people = [d for d in sorted((SHARED / "lfw" / "images").glob("*/")) if len(list(d.iterdir())) >= 11]
    lfw = [(p, d.name) for d in people for p in sorted(d.iterdir())[:13]]
    ages = Counter[str]()
    utk = []
    for path in sorted((SHARED / "utkface").iterdir(), key=lambda p: p.name[::-1]):
        age = path.name.partition("_")[0]
        group = f"{min(int(age) // 15, 4)}" if age.isdigit() else ""
        if group and ages[group] < 30:
            ages[group] += 1
            utk.append((path, group))
    for rows in (fer, lfw, utk):
        looked = [backbone.features(views(decode(path.read_bytes()).rgb, VIEWS)) for path, _ in rows]
        kinds = np.array([name for _, name in rows])
        if looked:
            found.append(Pictures(np.array(looked, np.float64), kinds, np.arange(len(rows))))
    rare = ~np.isin(large.kinds, frequent(large, KINDS))
    return [*found, Pictures(large.features[rare], large.kinds[rare], large.photos[rare])]


def frequent(pictures: Pictures, count: int) -> list[object]:
    """The kinds with the most pictures."""
    return [kind for kind, _ in Counter(pictures.kinds.tolist()).most_common(count)]


@dataclass(frozen=True)
class Task:
    """Places of pictures to train and to test on, and the kinds."""

    train: list[int]
    test: list[int]
    names: list[object]


def drawn(pictures: Pictures, shots: int, seed: int, *, apart: bool = False) -> Task:
    """``shots`` pictures of each kind that has more; ``apart``: tested on other photos only."""
    random = np.random.default_rng(seed)
    enough = Counter(pictures.kinds.tolist())
    names = [kind for kind in frequent(pictures, KINDS) if enough[kind] > shots]
    train, test = list[int](), list[int]()
    for kind in names:
        places = random.permutation(np.flatnonzero(pictures.kinds == kind))
        train += places[:shots].tolist()
        test += places[shots:].tolist()
    if apart:
        used = set(pictures.photos[train].tolist())
        test = [place for place in test if pictures.photos[place] not in used]
    return Task(train, test, names)


@dataclass(frozen=True)
class Draw:
    """Accuracy, confidences with whether each was right, and processor seconds of training of one draw."""

    accuracy: float
    sure: Floats
    right: NDArray[np.bool_]
    training_s: float


Train = Callable[[Sequence[Floats], Floats], TrainedHead]


def ours(features: Sequence[Floats], targets: Floats) -> TrainedHead:
    """As versions are trained."""
    return train_classifier(features, targets, several=False)


def by_temperature(features: Sequence[Floats], targets: Floats) -> TrainedHead:
    """The first idea: temperature scaling on left-out pictures, twice as sure where none can be left out."""
    groups = np.repeat(np.arange(len(features)), VIEWS)
    first = np.arange(len(groups)) % VIEWS == 0
    samples = Samples(unit(np.concatenate(features)), targets[groups], np.full(len(groups), 1 / VIEWS), groups)
    left_out = fit_chosen(samples, exclusive_loss, single_view=first).left_out[first]
    judged = ~np.isnan(left_out).any(1)
    scale = best_scale(left_out[judged], targets[judged], exclusive_loss) if judged.sum() >= 6 else 2.0
    head = ours(features, targets)
    return replace(head, scale=np.full(targets.shape[1], scale))


def as_it_comes(features: Sequence[Floats], targets: Floats) -> TrainedHead:
    """No idea: outputs are taken for log odds."""
    head = ours(features, targets)
    return replace(head, scale=np.ones(targets.shape[1]))


def measured(pictures: Pictures, task: Task, train: Train = ours) -> Draw:
    """One training and its test."""
    truth = np.array([task.names.index(kind) for kind in pictures.kinds[task.test].tolist()])
    targets = np.array([[float(kind == name) for name in task.names] for kind in pictures.kinds[task.train].tolist()])
    begun = time.process_time()
    head = train([pictures.features[i] for i in task.train], targets)
    spent = time.process_time() - begun
    shares = head.shares(unit(pictures.features[task.test][:, 0]))
    right = shares.argmax(1) == truth
    return Draw(float(right.mean()), shares.max(1), right, spent)


def calibration_error(draws: Sequence[Draw]) -> float:
    """Mean distance of confidence and accuracy over ten bins of confidence, in points."""
    sure, right = np.concatenate([d.sure for d in draws]), np.concatenate([d.right for d in draws])
    bins = np.minimum((sure * 10).astype(int), 9)
    return 100 * float(
        sum(abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins))
    )


def one_model_off(draws: Sequence[Draw]) -> float:
    """Mean distance of a single model's mean confidence and its accuracy, in points."""
    return 100 * float(np.mean([abs(d.sure.mean() - d.right.mean()) for d in draws]))


def classification(large: Pictures, small: Pictures, draws: int) -> str:
    """The table of accuracy."""
    rows: list[tuple[object, ...]] = []
    for shots, pictures, apart in (
        (1, large, False),
        (3, large, False),
        (5, large, False),
        (10, small, False),
        (1, large, True),
        (3, large, True),
        (5, large, True),
    ):
        tasks = [drawn(pictures, shots, seed, apart=apart) for seed in range(draws)]
        found = [measured(pictures, task) for task in tasks if task.test]
        accuracy = [100 * draw.accuracy for draw in found]
        size = f", {SMALL_PX} px and more" if pictures is small else ""
        rows.append(
            (
                f"{shots} ({len(tasks[0].names)} kinds{size}{', photos apart' if apart else ''})",
                f"{np.mean(accuracy):.1f} ± {np.std(accuracy):.1f} %",
                "" if apart else AIMS.get(shots, ""),
                f"{calibration_error(found):.1f} points",
                f"{one_model_off(found):.1f} points",
                f"{np.mean([draw.training_s for draw in found]):.2f} s",
            )
        )
    head = ("pictures a kind", "accuracy", "aim", "calibration error", "one model off by", "training after features")
    return report.table(head, rows)


def ideas(large: Pictures, small: Pictures, others: Sequence[Pictures], draws: int) -> str:
    """The table of calibration errors by idea."""
    rows: list[tuple[object, ...]] = []
    tried = (
        ("outputs as they come", as_it_comes),
        ("temperature on left-out pictures", by_temperature),
        ("what to expect of likeness, corrected by left-out pictures (in use)", ours),
    )
    for name, train in tried:
        cells = []
        for shots in (1, 3, 5, 10):
            chosen = [
                calibration_error([measured(p, drawn(p, shots, seed), train) for seed in range(draws)])
                for p in others
                if max(Counter(p.kinds.tolist()).values()) > shots and len(drawn(p, shots, 0).names) > 1
            ]
            shown = small if shots == 10 else large
            here = calibration_error([measured(shown, drawn(shown, shots, seed), train) for seed in range(draws)])
            cells.append(f"{np.mean(chosen):.1f}; {here:.1f}")
        rows.append((name, *cells))
    return report.table(("calibration error: sets chosen on; these crops", "1", "3", "5", "10"), rows)


def hundred(pictures: Pictures) -> float:
    """Wall seconds of a training on 100 pictures of up to twelve kinds, the median of five."""
    chosen = np.flatnonzero(np.isin(pictures.kinds, frequent(pictures, KINDS)))
    spent = []
    for seed in range(5):
        places = np.random.default_rng(seed).permutation(chosen)[:100]
        names = sorted({str(kind) for kind in pictures.kinds[places]})
        targets = np.array([[float(str(kind) == name) for name in names] for kind in pictures.kinds[places]])
        begun = time.perf_counter()
        ours([pictures.features[place] for place in places], targets)
        spent.append(time.perf_counter() - begun)
    return float(np.median(spent))


def command(all_scenes: Sequence[Scene]) -> tuple[float, float, float]:
    """Wall and processor seconds from a folder of 200 pictures to a model that serves, and its F1."""
    with tempfile.TemporaryDirectory() as place:
        folder, written = Path(place) / "things", 0
        counts = Counter(kind for scene in all_scenes for kind, _ in scene.objects if kind)
        kinds = [kind for kind, _ in counts.most_common(KINDS)]
        for scene in all_scenes:
            for kind, box in scene.objects:
                if kind in kinds and min(box.width, box.height) >= SMALL_PX and written < FOLDER_PICTURES:
                    cut = crop(scene.image.rgb, np.array([box.x1, box.y1, box.x2, box.y2], np.float32))
                    side = max(96, *cut.shape[:2])
                    (folder / str(kind)).mkdir(parents=True, exist_ok=True)
                    out = folder / str(kind) / f"{written}.jpg"
                    PIL.Image.fromarray(cut).resize((side, side)).save(out, quality=92)
                    written += 1
        words = [sys.executable, "-m", "custodes", "labels", "train", folder, "--data", Path(place) / "data", "--json"]
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ)
        wall = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return wall, spent, json.loads(done.stdout)["evaluation"]["AggregatedEvaluationResults"]["F1Score"]


def main() -> None:
    """Measure and write."""
    given = asked()
    if given is None:
        return
    frozen, all_scenes = Frozen(), scenes()
    frozen.backbone.features([all_scenes[0].image.rgb])
    frozen.spent_s, begun = 0.0, time.perf_counter()
    large = crops(all_scenes, frozen.backbone, LARGE_PX)
    whole = time.perf_counter() - begun
    outside, looked = 100 * (whole - frozen.spent_s) / whole, large.features.shape[0] * VIEWS
    small = together(large, crops(all_scenes, frozen.backbone, SMALL_PX, LARGE_PX))
    draws = 2 if given.quick else 20
    text = classification(large, small, draws)
    print(text, flush=True)
    text += (
        f"\n\nTraining on 100 pictures of twelve kinds after their features: {hundred(small):.2f} s (aim: 2 s; seconds "
        f"in the table are of the processor). Features: {1000 * whole / looked:.0f} ms a view, {outside:.0f} % of it "
        "outside of the network (aim: 15 %)."
    )
    if not given.quick:
        text += "\n\n" + ideas(large, small, other_sets(frozen.backbone, large), 6)
        wall, spent, f1 = command(all_scenes)
        text += (
            f"\n\n`custodes labels train` on a folder of {FOLDER_PICTURES} pictures of twelve kinds, from nothing to a "
            f"model that serves: {wall:.0f} s, {spent:.0f} s of the processor (aim: 60 s); F1 on the fifth held apart "
            f"{f1:.2f}."
        )
    text += (
        "\n\nThe crops come from 90 photos, so that crops of one photo are in training and test; rows with photos "
        f"apart are what to expect of new places, and have few crops to test on. {given.note}"
    )
    print(text)
    report.write(
        report.Section("custom-labels", "Labels of one's own", ".venv/bin/python bench/custom_labels.py", text)
    )


if __name__ == "__main__":
    main()
