"""Whether answers through Milvus are the exact ones, at limits and thresholds of the API, on faces of real photographs.

Run: ``python bench/milvus.py [--queries N] [--set lfw|utkface] [--json]``. Needs Milvus's embedded edition (``make
clusters``), ../shared/data and the fetched networks. All faces of the set are in the index; queries are among them. The
embedded edition speaks as a server does and is one Python process: times here are not a server's.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import face_features
import report
from custodes.engine.faces.assembly import face_recipe
from custodes.gallery.entities import Hit
from custodes.gallery.ports import VectorIndex
from custodes.operations.images.scale import min_cosine
from custodes.storage.vectors.faiss_index import FaissIndex
from custodes.storage.vectors.milvus_index import MilvusIndex, MilvusServer

SETS = {"lfw": "LFW", "utkface": "UTKFace"}
ASKED = ((1, 80.0), (10, 99.0), (100, 80.0), (4096, 99.0), (4096, 80.0), (4096, 0.0))
"""Limits of the API, with FaceMatchThreshold in percent."""


def answers(
    index: VectorIndex, queries: np.ndarray, floors: list[list[float]]
) -> tuple[list[list[tuple[Hit, ...]]], list[float]]:
    """Hits by what is asked and query, and milliseconds at the median by what is asked."""
    found, took = [], []
    for (limit, _), each in zip(ASKED, floors, strict=True):
        hits, times = [], []
        for query, floor in zip(queries, each, strict=True):
            begin = time.perf_counter()
            hits.append(index.search(query, limit, floor))
            times.append((time.perf_counter() - begin) * 1e3)
        found.append(hits)
        took.append(round(sorted(times)[len(times) // 2], 1))
    return found, took


def measure(count: int, name_of_set: str) -> dict[str, Any]:
    """All figures."""
    engine = face_features.open_engine()
    faces = face_features.lfw() if name_of_set == "lfw" else face_features.utkface()
    vectors = np.ascontiguousarray(face_recipe().lookalikes.vectors(faces.enrol), np.float32)
    queries = vectors[np.random.default_rng(5).integers(len(vectors), size=count)]
    floors = [[min_cosine(engine.scale(query), percent) for query in queries] for _, percent in ASKED]
    found: dict[str, Any] = {"load": os.getloadavg()[0], "faces": len(vectors), "queries": count, "ways": []}
    found["set"] = SETS[name_of_set]
    memory = FaissIndex(vectors.shape[1])
    memory.add(np.arange(len(vectors)), vectors)
    truth, took = answers(memory, queries, floors)
    found["ways"].append({"name": "in memory", "ms": took, "other": [0] * len(ASKED), "missed": [0] * len(ASKED)})
    found["hits"] = [sum(map(len, each)) for each in truth]
    for name, approximate in (("Milvus, flat: exact", False), ("Milvus, graph: approximate", True)):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            server = MilvusServer(str(Path(folder) / "milvus.db"), approximate=approximate)
            index = MilvusIndex(vectors.shape[1], server, lambda rows: (rows, vectors[rows]))
            begin = time.perf_counter()
            index.add(np.arange(len(vectors)), vectors)
            server.settle(server.collection(vectors.shape[1]))
            filled = time.perf_counter() - begin
            hits, took = answers(index, queries, floors)
            server.close()
        pairs = [list(zip(mine, true, strict=True)) for mine, true in zip(hits, truth, strict=True)]
        found["ways"].append(
            {
                "name": name,
                "ms": took,
                "other": [sum(one != other for one, other in each) for each in pairs],
                "missed": [sum(len(set(other) - set(one)) for one, other in each) for each in pairs],
                "fill_s": filled,
            }
        )
    return found


def section(found: dict[str, Any], command: str) -> report.Section:
    """The section of the page."""
    head = ("", *(f"{limit} hits, {percent:g} % or more" for limit, percent in ASKED))
    rows: list[tuple[object, ...]] = [("hits in all", *(f"{count:,}" for count in found["hits"]))]
    rows += [
        (
            one["name"],
            *(
                f"{other} ({missed:,}); {ms} ms"
                for other, missed, ms in zip(one["other"], one["missed"], one["ms"], strict=True)
            ),
        )
        for one in found["ways"]
    ]
    text = report.table(head, rows)
    text += (
        f"\n\nOf {found['queries']} answers so many differ from the exact ones, in brackets how many hits they miss "
        f"together, and how long one takes at the median, among {found['faces']:,} faces of {found['set']}. Scores "
        f"come from our own vectors. Milvus is its embedded edition, slower than a server. Load {found['load']:.1f} at "
        "the start."
    )
    return report.Section("milvus", "Faces in Milvus", command, text)


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--set", choices=SETS, default="lfw")
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    found = measure(options.queries, options.set)
    report.tell(
        found,
        lambda: section(found, f"python bench/milvus.py --queries {options.queries} --set {options.set}"),
        as_json=options.json,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
