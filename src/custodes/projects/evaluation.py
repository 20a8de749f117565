"""How good a version is on its test data: thresholds, precision, recall, F1, average precision, confusion.

In: what is true of each test picture and what the model says of it. Out: numbers by label. Shares are 0 to 1. It looks
at no pictures. Definitions: Custom Labels guide, "Metrics for evaluating your model"; boxes match where they overlap by
half (intersection over union), each true box once, the surest first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""x1 y1 x2 y2, in pixels or ratios."""
MATCHING_IOU = 0.5
DEFAULT_THRESHOLD = 0.5
NOTHING = ""
"""In a confusion, where no label was true or none was said."""


@dataclass(frozen=True, slots=True)
class Said:
    """One label that the model gives, with its share, and its place where labels have places."""

    name: str
    share: float
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class TestedPicture:
    """What is true of a test picture, and what was said."""

    true_names: frozenset[str]
    true_boxes: tuple[tuple[str, Box], ...]
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Numbers of one label; ``pictures`` are the test pictures that have it, ``average_precision`` is of boxes."""

    name: str
    threshold: float
    precision: float
    recall: float
    f1: float
    pictures: int
    average_precision: float = 0.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All labels, their means, and how often each label was said where another one was true."""

    labels: tuple[LabelScore, ...]
    precision: float
    recall: float
    f1: float
    average_precision: float
    confusion: Mapping[tuple[str, str], int]
    """By true and by said label."""


def evaluate(pictures: Sequence[TestedPicture], names: Sequence[str], *, boxes: bool) -> Evaluation:
    """Judge a model by its test pictures."""
    scores = tuple(_label_score(pictures, name, boxes=boxes) for name in names)
    count = max(1, len(scores))
    thresholds = {score.name: score.threshold for score in scores}
    return Evaluation(
        scores,
        sum(score.precision for score in scores) / count,
        sum(score.recall for score in scores) / count,
        sum(score.f1 for score in scores) / count,
        sum(score.average_precision for score in scores) / count,
        {} if boxes else confusion(pictures, thresholds),
    )


def confusion(pictures: Sequence[TestedPicture], thresholds: Mapping[str, float]) -> Counter[tuple[str, str]]:
    """The surest label said of each picture, counted by the labels that are true of it."""
    found: Counter[tuple[str, str]] = Counter()
    for picture in pictures:
        sure = [said for said in picture.said if said.share >= thresholds.get(said.name, DEFAULT_THRESHOLD)]
        best = max(sure, key=lambda said: said.share).name if sure else NOTHING
        for name in sorted(picture.true_names) or [NOTHING]:
            right = any(said.name == name for said in sure)
            found[name, name if right else best] += 1
    return found


def _label_score(pictures: Sequence[TestedPicture], name: str, *, boxes: bool) -> LabelScore:
    outcomes: list[tuple[float, bool]] = []
    true = 0
    for picture in pictures:
        if boxes:
            places = [box for label, box in picture.true_boxes if label == name]
            true += len(places)
            outcomes += _matches(places, [said for said in picture.said if said.name == name])
        else:
            true += name in picture.true_names
            share = max((said.share for said in picture.said if said.name == name), default=0.0)
            outcomes.append((share, name in picture.true_names))
    outcomes.sort(key=lambda outcome: -outcome[0])
    threshold = best_threshold(outcomes, true)
    right = sum(hit for share, hit in outcomes if share >= threshold)
    told = sum(share >= threshold for share, _ in outcomes)
    precision, recall = right / told if told else 0.0, right / true if true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    having = sum(name in picture.true_names or any(n == name for n, _ in picture.true_boxes) for picture in pictures)
    return LabelScore(name, threshold, precision, recall, f1, having, average_precision(outcomes, true))


def best_threshold(outcomes: Sequence[tuple[float, bool]], true: int) -> float:
    """The share from which on F1 is highest; of several, in the widest gap between right and wrong.

    Args:
        outcomes: share and whether it is right, surest first.
        true: how many there are to be found.
    """
    best, threshold, right = 0.0, DEFAULT_THRESHOLD, 0
    for place, (share, hit) in enumerate(outcomes):
        right += hit
        below = outcomes[place + 1][0] if place + 1 < len(outcomes) else 0.0
        if below == share:
            continue
        f1 = 2 * right / (place + 1 + true)
        if f1 > best + 1e-12:
            best, threshold = f1, (share + below) / 2
    return min(max(threshold, 0.01), 0.99)


def average_precision(outcomes: Sequence[tuple[float, bool]], true: int) -> float:
    """Area under precision over recall, precision made falling (COCO's definition, all points)."""
    if not true:
        return 0.0
    right, curve = 0, list[tuple[float, float]]()
    for place, (_, hit) in enumerate(outcomes, 1):
        right += hit
        curve.append((right / true, right / place))
    area, best, upper = 0.0, 0.0, 0.0
    for recall, precision in reversed(curve):
        if not upper:
            upper = recall
        area += best * max(0.0, upper - recall)
        best, upper = max(best, precision), recall
    return area + best * upper


def _matches(places: Sequence[Box], said: Sequence[Said]) -> list[tuple[float, bool]]:
    free, found = list(places), list[tuple[float, bool]]()
    for one in sorted(said, key=lambda each: -each.share):
        near = [(_overlap(one.box, place), i) for i, place in enumerate(free)] if one.box is not None else []
        best = max(near, default=(0.0, -1))
        if best[0] >= MATCHING_IOU:
            free.pop(best[1])
        found.append((one.share, best[0] >= MATCHING_IOU))
    return found


def _overlap(a: Box | None, b: Box) -> float:
    assert a is not None
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (areas - shared)
