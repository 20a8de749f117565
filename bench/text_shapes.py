"""DetectText on lines that are bent, stand upright letter below letter, or hardly differ from their ground.

Run: ``.venv/bin/python bench/text_shapes.py [--pictures N] [--print]``. Words are drawn on plain grounds with a little
noise, in the typefaces of bench/scenes.py, so that one thing at a time is measured. A word counts as found where it is
read with every letter right, wherever it lies. Beside ours stands RapidOCR, which uses the same networks. Out: a
section of BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

import report
from scenes import SIDE_PX, WORDS, Placed, Scene, drawn_word
from text import Reader, open_reader, peer_on, to_image

COMMAND = ".venv/bin/python bench/text_shapes.py"
_LETTERS_PX, _LEVELS = 32, 150
_WORDS = [word for word in WORDS if 3 <= len(word) <= 9]
BENDS_DEG = (0, 30, 60, 90, 120, 180)
CONTRASTS = (40, 24, 16, 10, 6)
Floats = np.ndarray


def bent(random: np.random.Generator, bend_deg: float) -> tuple[Floats, list[str]]:
    """Coverage (S, S) of one line of three words on an arc that turns by ``bend_deg``, and the words."""
    words = [str(word) for word in random.choice(_WORDS, 3, replace=False)]
    face = int(random.integers(0, 5))
    drawn = [drawn_word(word, _LETTERS_PX, face) for word in words]
    gap, height = round(_LETTERS_PX * 0.4), max(len(mask) for mask in drawn)
    line = np.zeros((height, sum(mask.shape[1] for mask in drawn) + 2 * gap), np.uint8)
    x = 0
    for mask in drawn:
        line[height - len(mask) :, x : x + mask.shape[1]] = mask
        x += mask.shape[1] + gap
    ys, xs = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32) - np.float32(SIDE_PX / 2)
    if bend_deg == 0:
        return _sampled(line, xs + line.shape[1] / 2, ys + height / 2), words
    # The middle of the line's height keeps its length; the arc opens downwards, its top in the middle of the picture.
    radius = line.shape[1] / np.radians(bend_deg)
    away = np.hypot(xs, ys - radius)
    along = np.arctan2(xs, radius - ys) * radius
    return _sampled(line, along + line.shape[1] / 2, radius - away + height / 2), words


def upright(random: np.random.Generator, _: float) -> tuple[Floats, list[str]]:
    """Coverage of two words, the letters of each below each other."""
    words = [str(word).upper() for word in random.choice(_WORDS, 2, replace=False)]
    layer = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    face = int(random.integers(0, 5))
    for column, word in enumerate(words):
        for row, letter in enumerate(word):
            mask = drawn_word(letter, _LETTERS_PX, face)
            top, left = 60 + round(row * _LETTERS_PX * 1.3), 240 + 180 * column - mask.shape[1] // 2
            layer[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return layer, words


def level(random: np.random.Generator, _: float) -> tuple[Floats, list[str]]:
    """Coverage of one straight line."""
    return bent(random, 0)


def _sampled(line: np.ndarray, x: Floats, y: Floats) -> Floats:
    return cv2.remap(line, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)


def scene_of(seed: int, shape: Callable[[np.random.Generator, float], tuple[Floats, list[str]]], bend: float,
             contrast: int) -> Scene:  # fmt: skip
    """A picture whose ink differs from its ground by ``contrast`` of 255 levels, with noise of 2 levels."""
    random = np.random.default_rng(seed)
    layer, words = shape(random, bend)
    ground = random.uniform(60, 195)
    sign = 1 if ground < 128 else -1
    grey = ground + sign * contrast * (layer / 255.0) + random.normal(0, 2, layer.shape)
    rgb = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    return Scene(rgb, tuple(Placed(word, np.zeros((4, 2))) for word in words))


def found(truth: Sequence[str], read: Sequence[str]) -> int:
    """How many of the words were read, each as often as it is there."""
    return sum((Counter(truth) & Counter(read)).values())


def rows_of(reader: Reader, cases: Mapping[str, Sequence[Scene]]) -> list[tuple[object, ...]]:
    """Words, ours, wrong ones of ours, and RapidOCR's, by case."""
    rows: list[tuple[object, ...]] = []
    for name, some in cases.items():
        said = [[word.text for line in reader.read(to_image(one.rgb)).lines for word in line.words] for one in some]
        theirs = [[word for text, _ in lines for word in text.split()] for lines in peer_on(some)[0]]
        truth = [[word.text for word in one.words] for one in some]
        total = sum(map(len, truth))
        ours, peers = (sum(map(found, truth, side)) for side in (said, theirs))
        rows.append(
            (name, total, f"{100 * ours / total:.1f} %", sum(map(len, said)) - ours, f"{100 * peers / total:.1f} %")
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=20, help="of each kind")
    parser.add_argument("--print", action="store_true", help="do not write BENCHMARKS.md")
    options = parser.parse_args()
    cases: dict[str, list[Scene]] = {
        f"bent by {bend}°": [scene_of(1000 * bend + i, bent, bend, _LEVELS) for i in range(options.pictures)]
        for bend in BENDS_DEG
    }
    cases["letters below each other"] = [scene_of(7 + i, upright, 0, _LEVELS) for i in range(options.pictures)]
    for contrast in CONTRASTS:
        cases[f"{contrast} of 255 levels from its ground"] = [
            scene_of(500_000 + 1000 * contrast + i, level, 0, contrast) for i in range(options.pictures)
        ]
    head = ("line", "words", "found", "other words said", "RapidOCR 3.10.0")
    text = report.table(head, rows_of(open_reader(), cases)) + (
        f"\n\n{options.pictures} pictures of 720 x 720 a row; letters of {_LETTERS_PX} px, {_LEVELS} levels from the "
        "ground where nothing else is said, noise of 2 levels."
    )
    print(text)
    if not options.print:
        report.write(report.Section("text-shapes", "Text: bent, upright, faint", COMMAND, text))


if __name__ == "__main__":
    main()
