"""LFW View 2 through the product's own pipeline: accuracy, TAR at fixed FAR, ROC; and what each percentage means.

In: ../shared/data/lfw (7,701 photos, pairs.txt) and the fetched model pack. Out: two sections of BENCHMARKS.md, the ROC
as docs/lfw-roc.svg, the table in docs/scores.md. The calibration knots are fitted on one half of the people and every
figure of the table is measured on the other half. Vectors are kept in build/ for a second run; --fresh ignores them.
Source of the protocol: Huang et al., Labeled Faces in the Wild, UMass TR 07-49, View 2: ten folds, the threshold of
each fold chosen on the other nine.
"""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.calibrate import Knot
from custodes.engine.faces.assembly import FALSE_MATCH_RATES, KNOTS, open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import DetectedFace, FacesFound, FloatArray, VectorUse
from custodes.engine.runtime.session import Device
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root
from custodes.operations.collections.same_face import overlap
from report import ROOT, Section, table, write

LFW = ROOT.parent / "shared" / "data" / "lfw"
CACHE = ROOT / "build" / "lfw_vectors.npz"
COMMAND = ".venv/bin/python bench/lfw.py"
FARS = (1e-2, 1e-3)
FIT_AT = ((0.5, 5.0), (1e-2, 45.0), (1e-3, 80.0), (1e-4, 95.0), (1e-5, 99.0), (1e-6, 99.9))
"""(false match rate on the fitting half, percentage that shows there)."""
SHOWN = (50.0, 80.0, 90.0, 95.0, 99.0, 99.9)
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


def central(found: FacesFound) -> int:
    """LFW centres the person meant: the face whose area minus squared distance from the middle is greatest."""
    size = found.size

    def worth(i: int) -> float:
        box = found.faces[i].box_px
        dx, dy = (box.x1 + box.x2 - size.width) / 2, (box.y1 + box.y2 - size.height) / 2
        return box.area - 2 * (dx * dx + dy * dy)

    return max(range(len(found.faces)), key=worth)


def asked(engine: FacePipeline, slot: Slot, image: Image, central_face: DetectedFace) -> DetectedFace:
    """The face as a search finds it, which looks for the largest only; another person's is not what LFW asks for."""
    (largest,) = engine.detect(slot, image, at_most=1).faces
    a, b = (face.box_px.to_ratio(image.size) for face in (largest, central_face))
    return largest if overlap(a, b) > 0.5 else central_face


def extract(engine: FacePipeline, files: list[Path]) -> Vectors:
    """Both vectors of the central face of each file; a file without a face would fail the run."""
    slot = Slot(0, RequestId("bench"))
    rows: dict[VectorUse, list[FloatArray]] = {use: [] for use in VectorUse}
    started = time.perf_counter()
    for i, file in enumerate(files):
        image = decode(file.read_bytes())
        found = engine.detect(slot, image)
        face = found.faces[central(found)]
        rows[VectorUse.ENROL].append(engine.embed(slot, image, [face], VectorUse.ENROL)[0])
        sought = asked(engine, slot, image, face)
        rows[VectorUse.QUERY].append(engine.embed(slot, image, [sought], VectorUse.QUERY)[0])
        if i % 1000 == 999:
            print(f"{i + 1}/{len(files)} photos, {time.perf_counter() - started:.0f} s", flush=True)
    people = sorted({file.parent.name for file in files})
    number = {name: i for i, name in enumerate(people)}
    return Vectors(
        [f.name for f in files],
        np.array([number[f.parent.name] for f in files]),
        np.stack(rows[VectorUse.ENROL]),
        np.stack(rows[VectorUse.QUERY]),
    )


def vectors() -> Vectors:
    """From the cache of an earlier run with the same engine sources, else computed."""
    files = sorted((LFW / "images").glob("*/*.jpg"))
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=os.cpu_count() or 1)
    if CACHE.exists() and "--fresh" not in sys.argv:
        kept = np.load(CACHE)
        return Vectors([f.name for f in files], kept["person"], kept["enrol"], kept["query"])
    found = extract(engine, files)
    CACHE.parent.mkdir(exist_ok=True)
    np.savez(CACHE, person=found.person, enrol=found.enrol, query=found.query)
    return found


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


class Halves:
    """Two disjoint halves of the people, and scores of enrolled against asked vectors within each."""

    def __init__(self, found: Vectors) -> None:
        """Split by a fixed permutation of the people."""
        people = np.random.default_rng(20261124).permutation(int(found.person.max()) + 1)
        first = np.isin(found.person, people[: len(people) // 2])
        self._parts = [(found.enrol[m], found.query[m], found.person[m]) for m in (first, ~first)]

    def scores(self, half: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Sorted genuine and impostor cosines of half 0 or 1 (different photos only)."""
        enrol, query, person = self._parts[half]
        genuine, impostor = [], []
        for start in range(0, len(enrol), 500):
            cosines = enrol[start : start + 500] @ query.T
            same = person[start : start + 500, None] == person[None]
            own = np.arange(start, start + len(cosines))[:, None] == np.arange(len(person))[None]
            genuine.append(cosines[same & ~own])
            impostor.append(cosines[~same])
        return np.sort(np.concatenate(genuine)), np.sort(np.concatenate(impostor))


def fit(impostor: NDArray[np.float32]) -> tuple[Knot, ...]:
    """Knots: the cosine that each false match rate of FIT_AT leaves, and its percentage."""
    return tuple(
        Knot(round(float(impostor[min(len(impostor) - 1, int(len(impostor) * (1 - rate)))]), 4), percent)
        for rate, percent in FIT_AT
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
        "enrolment vectors on both sides": (found.enrol[pairs.a] * found.enrol[pairs.b]).sum(1),
        "one enrolment, one query vector": (found.enrol[pairs.a] * found.query[pairs.b]).sum(1),
    }
    (ROOT / "docs" / "lfw-roc.svg").write_text(roc_svg(both, pairs), encoding="utf-8")
    rows: list[tuple[object, ...]] = []
    for name, cosines in both.items():
        mean, error = accuracy_pct(cosines, pairs)
        rows.append((name, f"{mean:.2f} ± {error:.2f}", *(f"{tar_pct(cosines, pairs, far):.2f}" for far in FARS)))
    rows.append(("target", "99.30", "99.30", "97.00"))
    text = table(("vectors", "accuracy %", "TAR % at FAR 1e-2", "TAR % at FAR 1e-3"), rows)
    text += (
        "\n\n![ROC](docs/lfw-roc.svg)\n\nTen folds, 6,000 pairs, decode to score through the product's own pipeline."
    )
    return Section("lfw", "Face verification: LFW View 2", COMMAND, text)


def meaning_table(found: Vectors) -> tuple[str, tuple[Knot, ...]]:
    """Markdown: percentage, cosine, false match rate and true match rate on the held-out half; and the fitted knots."""
    halves = Halves(found)
    knots = fit(halves.scores(0)[1])
    genuine, impostor = halves.scores(1)
    curve = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, 1)
    rows: list[tuple[object, ...]] = []
    rates = []
    for percent in SHOWN:
        cut = curve.cosine(percent)
        rate = above(impostor, cut)
        rates.append((percent, float(f"{rate:.1e}")))
        chances = (chance_text(-np.expm1(size * np.log1p(-rate))) for size in GALLERIES)
        rows.append((percent, f"{cut:.4f}", f"{rate:.1e}", f"{100 * above(genuine, cut):.1f} %", *chances))
    head = ("similarity %", "cosine", "false match rate", "true match rate", *(f"{n:,}" for n in GALLERIES))
    text = table(head, rows)
    counts = f"{len(impostor):,} impostor and {len(genuine):,} genuine scores"
    if tuple(rates) != FALSE_MATCH_RATES:
        print("measured rates differ from engine/faces/assembly.py:", rates)
    return f"{text}\n\nMeasured on the held-out half of the people: {counts}.", knots


def main() -> int:
    """Measure, write both sections, the picture and the table of docs/scores.md."""
    if not LFW.exists():
        print("skipped: no LFW photos in ../shared/data/lfw")
        return 0
    found = vectors()
    accuracy = accuracy_section(found)
    write(accuracy)
    print(accuracy.text)
    text, knots = meaning_table(found)
    write(Section("scores", "What a similarity percentage means", COMMAND, text))
    print(text)
    page = ROOT / "docs" / "scores.md"
    marked = re.compile("<!-- scores -->.*?<!-- /scores -->", re.DOTALL)
    page.write_text(
        marked.sub(lambda _: f"<!-- scores -->\n{text}\n<!-- /scores -->", page.read_text(encoding="utf-8")),
        encoding="utf-8",
    )
    print("fitted knots:", knots)
    if knots != KNOTS:
        print("differ from engine/faces/assembly.py: put them there, with a new model version if released")
    return 0


if __name__ == "__main__":
    sys.exit(main())
