"""What pgvector's graph misses of the exact answers, and how long both take, beside the index in memory.

Run: ``python bench/pgvector.py [--faces N] [--json]``. Needs the PostgreSQL of requirements/test.txt, which brings
pgvector. Faces are drawn: people with four shots each, alike by 0.6 at the median, among strangers.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

import report
from custodes.gallery.entities import Hit
from custodes.gallery.ports import VectorIndex
from custodes.storage.vectors.choice import exact_index
from custodes.storage.vectors.pgvector_index import PgvectorIndex
from databases import server

DIMENSION, SHOTS, QUERIES = 128, 4, 100
ASKED = ((1, 0.5), (10, 0.5), (100, -1.0), (1000, -1.0), (4096, -1.0))
"""Limits of the API with least cosines: a threshold, and none."""
OWNER, NAME = "ab12", "0123456789abcdef"


def people(count: int, seed: int = 3) -> np.ndarray:
    """Unit vectors (N, D), shots of one person one after the other."""
    chance = np.random.default_rng(seed)
    centres = chance.standard_normal((-(-count // SHOTS), DIMENSION)).astype(np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    shots = np.repeat(centres, SHOTS, axis=0)[:count]
    shots += chance.standard_normal(shots.shape).astype(np.float32) * np.float32(0.82 / np.sqrt(DIMENSION))
    return np.ascontiguousarray(shots / np.linalg.norm(shots, axis=1, keepdims=True), np.float32)


def answers(index: VectorIndex, queries: np.ndarray) -> tuple[list[list[tuple[Hit, ...]]], list[float]]:
    """Hits by what is asked and query, and milliseconds at the median by what is asked."""
    found, took = [], []
    for limit, least in ASKED:
        hits, each = [], []
        for query in queries:
            begin = time.perf_counter()
            hits.append(index.search(query, limit, least))
            each.append((time.perf_counter() - begin) * 1e3)
        found.append(hits)
        took.append(round(sorted(each)[len(each) // 2], 2))
    return found, took


def started(url: str, vectors: np.ndarray, *, approximate: bool) -> float:
    """Seconds until the index of a name has ``vectors``, as a process does that starts."""
    begin = time.perf_counter()
    with closing(PgvectorIndex(DIMENSION, url, approximate=approximate, owner=OWNER, name=NAME)) as index:
        index.add(np.arange(len(vectors)), vectors)
        return time.perf_counter() - begin


def measure(faces: int) -> dict[str, Any]:
    """All figures."""
    drawn = people(faces + QUERIES)
    vectors, queries = drawn[:-QUERIES], drawn[np.random.default_rng(5).integers(faces, size=QUERIES)]
    found: dict[str, Any] = {"load": os.getloadavg()[0], "cores": os.cpu_count(), "faces": faces, "ways": []}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, server(Path(folder)) as url:
        memory = exact_index()(DIMENSION)
        memory.add(np.arange(faces), vectors)
        truth, took = answers(memory, queries)
        found["ways"].append({"name": "in memory", "ms": took, "missed": [0] * len(ASKED), "fill_s": 0, "again_s": 0})
        for name, approximate in (("pgvector, scan", False), ("pgvector, graph", True)):
            filled, again = (started(url, vectors, approximate=approximate) for _ in range(2))
            index = PgvectorIndex(DIMENSION, url, approximate=approximate, owner=OWNER, name=NAME)
            hits, took = answers(index, queries)
            missed = [
                sum(one != other for one, other in zip(mine, true, strict=True))
                for mine, true in zip(hits, truth, strict=True)
            ]
            found["ways"].append(
                {"name": name, "ms": took, "missed": missed, "fill_s": round(filled, 1), "again_s": round(again, 2)}
            )
            index.erase()
    return found


def section(found: dict[str, Any], command: str) -> report.Section:
    """The section of the page."""
    head = (
        "",
        "filled in",
        "at the next start compared in",
        *(f"{limit} hits{f', {least} or more' if least > 0 else ''}" for limit, least in ASKED),
    )
    rows: list[tuple[object, ...]] = [
        (
            one["name"],
            f"{one['fill_s']} s" if one["fill_s"] else "",
            f"{one['again_s']} s" if one["again_s"] else "",
            *(f"{missed}; {ms} ms" for missed, ms in zip(one["missed"], one["ms"], strict=True)),
        )
        for one in found["ways"]
    ]
    text = report.table(head, rows)
    text += (
        f"\n\nOf {QUERIES} answers so many differ from the exact ones, and how long one takes at the median, among "
        f"{found['faces']:,} drawn faces (no photographs). On {found['cores']} cores, load {found['load']:.1f} at the "
        "start."
    )
    return report.Section("pgvector", "Faces in pgvector", command, text)


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    found = measure(options.faces)
    report.tell(found, lambda: section(found, "python bench/pgvector.py"), as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
