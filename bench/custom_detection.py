"""Labels with boxes from few of them: objects whose names the detector may not use, against nearest neighbours.

Run: ``.venv/bin/python bench/custom_detection.py [--quick] [--note TEXT]``. Needs ``../shared/data/coco-train``. The
classes are taken away as far as a frozen detector allows: its outputs for them are set to nothing before anybody looks,
both while heads are trained and while they are asked. Its features were trained with them, and so were those of the
classifier, partly; published figures are of networks that never saw the new classes. One draw. ``--quick``: with ten
boxes only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

import report
from average_precision import Photo, mean_average_precision
from coco_scenes import Frozen, Scene, asked, scenes
from custodes.engine.custom.cells import Cells, look
from custodes.engine.custom.detector import MAX_PROPOSALS, crop, detect, study, train_detector
from custodes.engine.custom.head import unit
from custodes.engine.labels.boxes import Boxes, suppress

TEN, THIRTY = (16, 5), (60, 20)
"""Boxes and photos that a class needs at least to be measured with ten, and with thirty boxes."""
PUBLISHED = (
    ("TFA (Wang et al., 2020)", "10.0", "13.7"),
    ("DeFRCN (Qiao et al., 2021)", "18.5", "22.6"),
    ("DE-ViT, frozen DINOv2 (Zhang et al., 2023)", "34.0", ""),
)
"""AP of the 20 novel classes of COCO at 10 and 30 shots, as their authors state them."""
Ask = Callable[[NDArray[np.uint8]], Boxes]


def enough(all_scenes: Sequence[Scene], boxes: int, photos: int) -> list[int]:
    """Classes with so many boxes in so many photos."""
    every = Counter(kind for scene in all_scenes for kind, _ in scene.objects)
    within = Counter(kind for scene in all_scenes for kind in {kind for kind, _ in scene.objects})
    return sorted(kind for kind, count in every.items() if count >= boxes and within[kind] >= photos)


def split(all_scenes: Sequence[Scene], kinds: Sequence[int], shots: int, seed: int) -> tuple[list[Scene], list[Scene]]:
    """Photos until each class has ``shots`` boxes, with only so many of each; and all other photos."""
    counts, train, test = Counter[int](), list[Scene](), list[Scene]()
    for place in np.random.default_rng(seed).permutation(len(all_scenes)):
        scene = all_scenes[place]
        own = [(kind, box) for kind, box in scene.objects if kind in kinds]
        if not any(counts[kind] < shots for kind, _ in own):
            test.append(scene)
            continue
        kept = []
        for kind, box in own:
            counts[kind] += 1
            if counts[kind] <= shots:
                kept.append((kind, box))
        train.append(Scene(scene.image, kept))
    return train, test


def measure(frozen: Frozen, all_scenes: Sequence[Scene], shots: int, kinds: Sequence[int], seed: int) -> list[float]:
    """Photos to train and to test on; AP50 and AP of our heads, and of nearest neighbours on the same proposals."""
    train, test = split(all_scenes, kinds, shots, seed)
    run, backbone = partial(frozen.cells, hidden=kinds), frozen.backbone
    examples = [
        study(run, backbone.features, s.image.rgb, [(kinds.index(k), b) for k, b in s.objects], i)
        for i, s in enumerate(train)
    ]
    heads = train_detector(examples, len(kinds))
    known = np.concatenate([unit(e.crops[e.crop_labels >= 0]) for e in examples])
    labels = np.concatenate([e.crop_labels[e.crop_labels >= 0] for e in examples])

    def nearest(rgb: NDArray[np.uint8]) -> Boxes:
        cells = look(run, rgb)
        chosen = likely(cells)
        near = unit(backbone.features([crop(rgb, place) for place in cells.places[chosen]])) @ known.T
        shares = near.max(1) * cells.objectness[chosen]
        return suppress(Boxes(cells.places[chosen], labels[near.argmax(1)], shares.astype(np.float32)), 0.5)

    ours = judged(test, kinds, lambda rgb: detect(run, backbone.features, rgb, heads))
    theirs = judged(test, kinds, nearest)
    return [len(train), len(test), *(100 * value for value in (*ours, *theirs))]


def likely(cells: Cells) -> NDArray[np.intp]:
    """The proposals of nearest neighbours: what looks most like any object, apart from each other."""
    order = np.argsort(-cells.objectness, kind="stable")[:300]
    found = suppress(Boxes(cells.places[order], np.zeros(len(order), np.intp), cells.objectness[order]), 0.7)
    rows = {tuple(row): i for i, row in zip(order[::-1], cells.places[order][::-1], strict=True)}
    return np.array([rows[tuple(row)] for row in found.places[:MAX_PROPOSALS]], np.intp)


def judged(test: Sequence[Scene], kinds: Sequence[int], ask: Ask) -> tuple[float, float]:
    """AP50 and AP."""
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
    """Measure and write."""
    given = asked()
    if given is None:
        return
    frozen, all_scenes = Frozen(), scenes()
    rows: list[tuple[object, ...]] = []
    for shots, least in ((10, TEN), (30, THIRTY)):
        if given.quick and shots == 30:
            continue
        kinds = enough(all_scenes, *least)
        trained, tested, *found = measure(frozen, all_scenes, shots, kinds, 0)
        rows.append((shots, len(kinds), f"{trained:.0f} / {tested:.0f}", *(f"{value:.1f}" for value in found)))
        print(rows[-1], flush=True)
    head = ("boxes a class", "classes", "photos to train / test", "AP50", "AP", "AP50 nearest", "AP nearest")
    text = report.table(head, rows)
    text += "\n\n" + report.table(
        ("published, 20 novel classes of COCO", "AP at 10 shots", "AP at 30"), list(PUBLISHED)
    )
    text += (
        "\n\nClasses are those with enough boxes among 90 photos: 10 shots, 16 boxes in 5 photos; 30 shots, 60 in 20, "
        "which is people alone. They were taken away from the detector by silencing its outputs for them; what its "
        "features learnt of them in its own training stays, so the first table flatters and is no claim against the "
        "second, whose networks never saw the new classes. Compare with the nearest neighbours beside it. "
        f"{given.note}"
    )
    print(text)
    command = ".venv/bin/python bench/custom_detection.py"
    report.write(report.Section("custom-labels-boxes", "Labels of one's own with boxes", command, text))


if __name__ == "__main__":
    main()
