"""Tasks over whole collections: persons proposed among the photos of LFW, duplicates among a million vectors.

In: ../shared/data/lfw and the fetched networks (``--photos N``: the first N photos only); seeded vectors whose
variances fall as those of LFW do (``--faces N``). Out: two sections of BENCHMARKS.md. The clustering is scored by
pairs of photos, as the names of the files say whose they are: precision and recall of all that are put together.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import face_features
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.deployment.tasks import byte_products
from custodes.engine.faces.assembly import face_recipe
from custodes.engine.results.face import FloatArray, VectorUse
from custodes.gallery.groups import components, groups
from custodes.gallery.neighbours import PairWork, alike_pairs
from custodes.imaging.image import decode
from custodes.operations.tasks.commands import APART_PCT, SURE_PCT
from report import Section, table, write

COMMAND = ".venv/bin/python bench/tasks.py"
MIB = 1 << 20
VARIANCES = ((0, 1.86), (16, 1.43), (32, 1.22), (64, 0.95), (96, 0.74), (120, 0.58), (127, 0.0))
"""Of LFW's vectors along their own axes, in parts of the mean, by the number of the axis."""
SURE_COSINE = 0.516
"""The least that 99.9 % is among LFW's photos, for the network that ships."""
_SLOT = Slot(0, RequestId("bench"))


@dataclass(frozen=True, slots=True)
class Photos:
    """Vectors (N, D) and whose each is."""

    vectors: FloatArray
    person: NDArray[np.int64]


def number(option: str, default: int) -> int:
    """The number behind ``option`` on the command line."""
    return int(sys.argv[sys.argv.index(option) + 1]) if option in sys.argv else default


def photos(most: int) -> Photos:
    """Those of LFW, all from what is kept of an earlier bench, or the first ``most`` seen now."""
    if not most:
        found = face_features.lfw()
        return Photos(face_recipe().lookalikes.vectors(found.enrol), face_features.people(found))
    engine, vectors, names = face_features.open_engine(), [], []
    for path in sorted(face_features.LFW.glob("*/*.jpg"))[:most]:
        image = decode(path.read_bytes())
        seen = engine.detect(_SLOT, image)
        if seen.faces:
            face = seen.faces[face_features.central(seen)]
            vectors.append(engine.embed(_SLOT, image, [face], VectorUse.ENROL)[0])
            names.append(Path(path).parent.name)
    _, person = np.unique(names, return_inverse=True)
    return Photos(np.array(vectors), person.astype(np.int64))


def clustering(found: Photos) -> Section:
    """Precision and recall of pairs, and the time."""
    engine, vectors, person = face_features.open_engine(), found.vectors, found.person
    rows = []
    for link, apart in ((SURE_PCT, APART_PCT), (99.0, APART_PCT), (SURE_PCT, 50.0), (99.0, 95.0)):
        started = time.perf_counter()
        limits = {
            pct: np.array([engine.scale(one).cosine(pct) for one in vectors], np.float32) for pct in (link, apart)
        }
        linked = components(alike_pairs(vectors, limits[link]), len(vectors))

        def margins(at: NDArray[np.int64], least: FloatArray = limits[apart]) -> FloatArray:
            wanted = np.maximum(least[at][:, None], least[at][None, :])
            return np.asarray(vectors[at] @ vectors[at].T - wanted, np.float32)

        proposed = groups(linked, margins)
        seconds = time.perf_counter() - started
        together = right = 0
        for group in proposed:
            counts = np.unique(person[list(group.rows)], return_counts=True)[1]
            size = len(group.rows)
            together += size * (size - 1) // 2
            right += int((counts * (counts - 1) // 2).sum())
        counts = np.bincount(person)
        pairs = int((counts * (counts - 1) // 2).sum())
        rows.append(
            (
                f"{link:g} %, {apart:g} %",
                len(proposed),
                f"{100 * right / max(together, 1):.2f} %",
                f"{100 * right / pairs:.1f} %",
                f"{seconds:.1f} s",
            )
        )
    people = len(np.unique(person))
    head = (
        "linked from, apart below",
        "persons proposed",
        "precision of pairs",
        "recall of pairs",
        "time, vectors there",
    )
    text = f"{len(vectors)} photos of {people} people. The first row is what tasks do unless told otherwise.\n\n"
    return Section("tasks-clustering", "Persons proposed among photos", _command("--photos"), text + table(head, rows))


def duplicates(count: int) -> Section:
    """Every hundredth vector is there twice, a little changed, and all such pairs have to be found.

    Variances fall as those of LFW's vectors do; alike is what is as alike as 99.9 % is.
    """
    rng = np.random.default_rng(20)
    fall = np.sqrt(np.interp(np.arange(128), *zip(*VARIANCES, strict=True))).astype(np.float32)
    vectors = rng.standard_normal((count, 128), np.float32) * fall
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    copies = count // 100
    again = vectors[:copies] + 0.005 * rng.standard_normal((copies, 128), np.float32)
    vectors[-copies:] = again / np.linalg.norm(again, axis=1, keepdims=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    started, worked, found = time.perf_counter(), time.process_time(), 0
    limits = np.full(count, SURE_COSINE, np.float32)
    for part in alike_pairs(vectors, limits, PairWork(2, products=byte_products())):
        found += int((part.second - part.first == count - copies).sum())
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    if found != copies:
        raise SystemExit(f"{found} of {copies} pairs were found")
    head = (
        "vectors",
        "pairs found",
        "time, two threads",
        "for a million, in proportion",
        "half the processor time, in proportion",
        "memory beyond the vectors",
    )
    text = f"Load of the machine of two cores at the end: {os.getloadavg()[0]:.0f}; beside others half the processor "
    text += "time is nearer to what a quiet machine takes.\n\n"
    scale = (1_000_000 / count) ** 2
    row = (
        f"{count:,}",
        f"{found:,} of {copies:,}",
        f"{seconds:.0f} s",
        f"{seconds * scale:.0f} s",
        f"{worked / 2 * scale:.0f} s",
        f"{grown / MIB:.0f} MiB",
    )
    return Section("tasks-duplicates", "Duplicates among many vectors", _command("--faces"), text + table(head, [row]))


def _command(option: str) -> str:
    given = f" {option} {sys.argv[sys.argv.index(option) + 1]}" if option in sys.argv else ""
    return COMMAND + given


def main() -> None:
    """Both, or one alone by ``--only clustering`` or ``--only duplicates``."""
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    if only != "clustering":
        write(duplicates(number("--faces", 200_000)))
    if only != "duplicates":
        write(clustering(photos(number("--photos", 0))))


if __name__ == "__main__":
    main()
