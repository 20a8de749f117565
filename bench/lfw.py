"""LFW View 2 through the product's own pipeline: accuracy, TAR at fixed FAR, ROC; and what each percentage means.

In: ../shared/data/lfw (7,701 photos, pairs.txt) and the fetched model pack. Out: two sections of BENCHMARKS.md, the ROC
as docs/lfw-roc.svg, the table in docs/scores.md. Every figure of the table is measured on the half of the people that
nothing was fitted on (scripts/fit_lookalikes.py has the other). What the network says of each photo is kept in build/
for a second run; --fresh ignores it.
Source of the protocol: Huang et al., Labeled Faces in the Wild, UMass TR 07-49, View 2: ten folds, the threshold of
each fold chosen on the other nine.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import face_features
import look_alike_pairs
from custodes.engine.calibrate import FALSE_MATCH_RATES, Calibration
from custodes.engine.faces.assembly import KNOTS, face_recipe
from custodes.engine.faces.embedding.lookalikes import level_of
from custodes.engine.results.face import FloatArray
from halves import measured_rows
from report import ROOT, Section, table, write

LFW = ROOT.parent / "shared" / "data" / "lfw"
COMMAND = ".venv/bin/python bench/lfw.py"
FARS = (1e-2, 1e-3)
RARE_FARS = (1e-3, 1e-4, 1e-5)
GALLERIES = (1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Vectors:
    """File names, person number per file, and both kinds of vectors (N, D)."""

    names: list[str]
    person: NDArray[np.int64]
    enrol: FloatArray
    query: FloatArray


@dataclass(frozen=True, slots=True)
class Pairs:
    """View 2: indices of both photos, whether genuine, and the fold 0..9; arrays of 6,000."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    genuine: NDArray[np.bool_]
    fold: NDArray[np.int64]


def vectors() -> Vectors:
    """Of all photos, as the recipe makes them from what the network says."""
    features = face_features.lfw()
    recipe = face_recipe().lookalikes
    names = [Path(path).name for path in features.paths.tolist()]
    person = face_features.people(features)
    return Vectors(names, person, recipe.vectors(features.enrol), recipe.vectors(features.query))


def paired(one: FloatArray, other: FloatArray) -> NDArray[np.float32]:
    """Scores at level 0 of the rows of ``one`` with the same rows of ``other``."""
    level = np.array([max(level_of(a), level_of(b)) for a, b in zip(one, other, strict=True)])
    return np.asarray(((one * other).sum(1) - level) / (1 - level), np.float32)


def read_pairs(names: list[str]) -> Pairs:
    """pairs.txt: ten folds of 300 genuine then 300 impostor lines."""
    index = {name: i for i, name in enumerate(names)}
    rows = []
    lines = (LFW / "pairs.txt").read_text().splitlines()[1:]
    for number, line in enumerate(line for line in lines if line.strip()):
        cells = line.split("\t")
        genuine = len(cells) == 3
        left, right = (cells[0], cells[1]), ((cells[0], cells[2]) if genuine else (cells[2], cells[3]))
        a, b = (index[f"{name}_{int(photo):04d}.jpg"] for name, photo in (left, right))
        rows.append((a, b, genuine, number // 600))
    a_, b_, genuine_, fold_ = (np.array(column) for column in zip(*rows, strict=True))
    return Pairs(a_, b_, genuine_.astype(bool), fold_)


def accuracy_pct(cosines: NDArray[np.floating], pairs: Pairs) -> tuple[float, float]:
    """Mean and standard error over folds, thresholds from the other nine folds."""
    found = []
    for fold in range(10):
        train = pairs.fold != fold
        values = np.unique(cosines[train])
        cuts = (values[1:] + values[:-1]) / 2
        genuine = np.sort(cosines[train & pairs.genuine])
        impostor = np.sort(cosines[train & ~pairs.genuine])
        right = len(genuine) - np.searchsorted(genuine, cuts) + np.searchsorted(impostor, cuts)
        cut = cuts[np.argmax(right)]
        found.append(((cosines[~train] >= cut) == pairs.genuine[~train]).mean())
    return 100 * float(np.mean(found)), 100 * float(np.std(found) / np.sqrt(10))


def tar_pct(cosines: NDArray[np.floating], pairs: Pairs, far: float) -> float:
    """True accept rate at the threshold that ``far`` of the 3,000 impostors pass."""
    impostors = np.sort(cosines[~pairs.genuine])[::-1]
    return 100 * float((cosines[pairs.genuine] > impostors[int(far * len(impostors))]).mean())


def roc_svg(curves: dict[str, NDArray[np.floating]], pairs: Pairs) -> str:
    """TAR over FAR (logarithmic, 1e-3 to 1) as a plain SVG."""
    colours = ("#1f5fa8", "#c2571a")
    lines, width, height = [], 640, 420
    for (name, cosines), colour in zip(curves.items(), colours, strict=True):
        impostors = np.sort(cosines[~pairs.genuine])[::-1]
        points = []
        for k in np.unique(np.geomspace(3, len(impostors) - 1, 120).astype(int)):
            tar = float((cosines[pairs.genuine] > impostors[k]).mean())
            x = 60 + (np.log10(k / len(impostors)) + 3) / 3 * (width - 90)
            points.append(f"{x:.1f},{30 + (1 - (tar - 0.95) / 0.05) * (height - 90):.1f}")
        lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(points)}"/>')
        y = 250 + 22 * len(lines)
        lines.append(f'<text x="330" y="{y}" fill="{colour}">{name}</text>')
    for power in (-3, -2, -1, 0):
        x = 60 + (power + 3) / 3 * (width - 90)
        lines.append(f'<line x1="{x}" y1="30" x2="{x}" y2="{height - 60}" stroke="#ddd"/>')
        lines.append(f'<text x="{x - 14}" y="{height - 40}">1e{power}</text>')
    for percent in (95, 96, 97, 98, 99, 100):
        y = 30 + (1 - (percent - 95) / 5) * (height - 90)
        lines.append(f'<line x1="60" y1="{y}" x2="{width - 30}" y2="{y}" stroke="#ddd"/>')
        lines.append(f'<text x="14" y="{y + 4}">{percent} %</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(lines)}'
        f'<text x="230" y="{height - 14}">false accept rate</text>'
        '<text x="60" y="20">true accept rate, LFW View 2</text></svg>\n'
    )


def above(sorted_scores: NDArray[np.float32], cut: float) -> float:
    """Share of scores that are at least ``cut``."""
    return 1.0 - float(np.searchsorted(sorted_scores, np.float32(cut))) / len(sorted_scores)


def chance_text(chance: float) -> str:
    """A probability as a percentage a person can read."""
    return "> 99 %" if chance > 0.99 else f"{100 * chance:.2g} %"


def accuracy_section(found: Vectors) -> Section:
    """Accuracy and TAR of both cases, and the picture."""
    pairs = read_pairs(found.names)
    both = {
        "enrolment vectors on both sides": paired(found.enrol[pairs.a], found.enrol[pairs.b]),
        "one enrolment, one query vector": paired(found.enrol[pairs.a], found.query[pairs.b]),
    }
    (ROOT / "docs" / "lfw-roc.svg").write_text(roc_svg(both, pairs), encoding="utf-8")
    rows: list[tuple[object, ...]] = []
    for name, cosines in both.items():
        mean, error = accuracy_pct(cosines, pairs)
        rows.append((name, f"{mean:.2f} ± {error:.2f}", *(f"{tar_pct(cosines, pairs, far):.2f}" for far in FARS)))
    rows.append(("target", "99.50", "", "98.50"))
    text = table(("vectors", "accuracy %", "TAR % at FAR 1e-2", "TAR % at FAR 1e-3"), rows)
    text += "\n\n" + all_pairs_text(found)
    text += (
        "\n\n![ROC](docs/lfw-roc.svg)\n\nTen folds, 6,000 pairs, decode to score through the product's own pipeline."
    )
    return Section("lfw", "Face verification: LFW View 2", COMMAND, text)


def all_pairs_text(found: Vectors) -> str:
    """True accept rates at rarer false ones, which 3,000 pairs do not show."""
    scores = look_alike_pairs.Scores.of_vectors(found.enrol, found.query, found.person)
    cuts = [scores.impostor[int(len(scores.impostor) * (1 - far))] for far in RARE_FARS]
    shown = [
        f"{100 * above(scores.genuine, float(cut)):.1f} % at {far:.0e}"
        for far, cut in zip(RARE_FARS, cuts, strict=True)
    ]
    return (
        f"All pairs of one enrolment and one query vector ({len(scores.genuine):,} of one person, "
        f"{len(scores.impostor):,} of two): TAR {', '.join(shown)}; wanted 95 % at 1e-05."
    )


def meaning_table(found: Vectors) -> str:
    """Markdown: percentage, score, false match rates and true match rate on the held-out half."""
    half = measured_rows([name.rsplit("_", 1)[0] for name in found.names], found.person)
    scores = look_alike_pairs.Scores.of_vectors(found.enrol[half], found.query[half], found.person[half])
    curve = Calibration(KNOTS)
    rows: list[tuple[object, ...]] = []
    for percent, rate in FALSE_MATCH_RATES:
        cut = curve.cosine(percent)
        chances = (chance_text(-np.expm1(size * np.log1p(-rate))) for size in GALLERIES)
        strangers, genuine = above(scores.impostor, cut), above(scores.genuine, cut)
        rows.append((percent, f"{cut:.4f}", f"{rate:.1e}", f"{strangers:.1e}", f"{100 * genuine:.1f} %", *chances))
    head = (
        "similarity %",
        "score",
        "false match rate",
        "of strangers",
        "true match rate",
        *(f"{n:,}" for n in GALLERIES),
    )
    counts = f"{len(scores.impostor):,} impostor and {len(scores.genuine):,} genuine scores"
    return f"{table(head, rows)}\n\nStrangers and true matches: the half of LFW's people held out, {counts}."


def main() -> int:
    """Measure, write both sections, the picture and the table of docs/scores.md."""
    if not LFW.exists():
        print("skipped: no LFW photos in ../shared/data/lfw")
        return 0
    found = vectors()
    accuracy = accuracy_section(found)
    write(accuracy)
    print(accuracy.text)
    text = meaning_table(found)
    write(Section("scores", "What a similarity percentage means", COMMAND, text))
    print(text)
    page = ROOT / "docs" / "scores.md"
    marked = re.compile("<!-- scores -->.*?<!-- /scores -->", re.DOTALL)
    page.write_text(
        marked.sub(lambda _: f"<!-- scores -->\n{text}\n<!-- /scores -->", page.read_text(encoding="utf-8")),
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
