"""Exact search against numpy: 1,000,000 x 128, one thread each, both timed in turn in one process.

Run: ``python bench/search.py [--rows N] [--queries N] [--json] [--no-write]``. Prints a table and puts it into
BENCHMARKS.md. Vectors are identities with noise, four samples each and forty groups of shared variance, so that scores
look like those of faces. Results are checked against float64 brute force.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import report

DIMENSION = 128
LIMIT = 10
TARGET_RATIO = 0.5
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def measure(rows: int = 1_000_000, queries: int = 31) -> dict[str, Any]:
    """Run the comparison in a process of its own, one thread per library; see ``_measure`` for the members."""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    environment |= dict.fromkeys(_THREADS, "1")
    command = [sys.executable, str(Path(__file__)), "--child", "--rows", str(rows), "--queries", str(queries)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def section(found: dict[str, Any]) -> report.Section:
    """``found`` as a section of BENCHMARKS.md."""
    rows: list[tuple[object, ...]] = [
        (
            f"top {LIMIT} of {case['rows']:,} x {DIMENSION}",
            f"{case['ours_ms']:.3f}",
            f"{case['numpy_ms']:.3f}",
            f"**{case['ratio']:.2f}**",
        )
        for case in found["cases"]
    ]
    used = found["used"]
    text = report.table(("what", "ours, ms", "numpy, ms", "ours / numpy"), rows)
    text += (
        f"\n\nMedians, one thread each, numpy's is `A @ q` in float32 plus a partition; target for a million: "
        f"{TARGET_RATIO}. Load {used['load']:.1f}; numpy {used['numpy']} with {used['blas']}, faiss {used['faiss']}. "
        f"{found['checked']} answers equal float64 brute force (scores within {found['tolerance']:g}; order may differ "
        "only inside that)."
    )
    return report.Section("search", "Exact search", found["command"], text)


def _measure(rows: int, queries: int) -> dict[str, Any]:
    """Times, ratios and checks; the threads must have been limited before numpy was loaded."""
    import faiss
    import numpy as np

    rng = np.random.default_rng(20240)
    vectors = _vectors(rng, rows)
    faiss.omp_set_num_threads(1)
    cases, checked = [], 0
    for count in (rows, min(rows, 10_000)):
        case, equal = _case(rng, vectors[:count], queries if count > 10_000 else 10 * queries)
        cases.append(case)
        checked += equal
    return {
        "command": f"python bench/search.py --rows {rows} --queries {queries}",
        "cases": cases,
        "checked": checked,
        "tolerance": _tolerance(),
        "used": {
            "load": os.getloadavg()[0],
            "numpy": np.__version__,
            "blas": _blas(),
            "faiss": faiss.__version__,
        },
    }


def _case(rng: Any, vectors: Any, queries: int) -> tuple[dict[str, Any], int]:
    import numpy as np

    from custodes.storage.vectors.faiss_index import FaissIndex

    index = FaissIndex(DIMENSION)
    index.add(np.arange(len(vectors)), vectors)
    asked = _noisy(rng, vectors[rng.integers(len(vectors), size=queries + 2)])
    ours, theirs, equal = [], [], 0
    for number, query in enumerate(asked):
        hits, our_s = _timed(lambda query=query: index.search(query, LIMIT, -1.0))
        _, their_s = _timed(lambda query=query: _numpy_top(vectors, query))
        if number < 2:
            continue  # the first runs warm caches and page tables
        ours.append(our_s)
        theirs.append(their_s)
        if equal < 20:
            _check(hits, vectors, query)
            equal += 1
    our_ms, their_ms = 1e3 * float(np.median(ours)), 1e3 * float(np.median(theirs))
    case = {"rows": len(vectors), "ours_ms": our_ms, "numpy_ms": their_ms, "ratio": our_ms / their_ms}
    return case | {"ours_p99_ms": 1e3 * float(np.percentile(ours, 99)), "queries": queries}, equal


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def _numpy_top(vectors: Any, query: Any) -> Any:
    """What one would write without a library: one matrix-vector product, a partition and a sort of the best."""
    import numpy as np

    scores = vectors @ query
    best = np.argpartition(scores, len(scores) - LIMIT)[-LIMIT:]
    return best[np.argsort(-scores[best])]


def _check(hits: Any, vectors: Any, query: Any) -> None:
    """The scores are those of float64 brute force, and no row above the last one is missing."""
    import numpy as np

    true = np.concatenate([part.astype(np.float64) @ query.astype(np.float64) for part in np.array_split(vectors, 16)])
    best = np.sort(true)[::-1][:LIMIT]
    found = np.array([hit.cosine for hit in hits])
    named = true[[hit.row for hit in hits]]
    if len({hit.row for hit in hits}) != LIMIT or max(abs(found - best).max(), abs(named - best).max()) > _tolerance():
        raise AssertionError("the index and float64 brute force disagree")


def _tolerance() -> float:
    from custodes.gallery.kernel import error_bound

    return error_bound(DIMENSION)


def _vectors(rng: Any, rows: int) -> Any:
    """(rows, D) float32 unit: people of four samples in forty groups that share 12 % of their variance."""
    import numpy as np

    groups = rng.standard_normal((40, DIMENSION), dtype=np.float32)
    people = np.sqrt(0.88, dtype=np.float32) * rng.standard_normal((-(-rows // 4), DIMENSION), dtype=np.float32)
    people += np.sqrt(0.12, dtype=np.float32) * groups[rng.integers(40, size=len(people))]
    return _noisy(rng, np.repeat(people, 4, axis=0)[:rows] / np.sqrt(np.float32(DIMENSION)))


def _noisy(rng: Any, vectors: Any) -> Any:
    import numpy as np

    noise = rng.standard_normal(vectors.shape, dtype=np.float32)
    spread = np.sqrt(rng.uniform(0.3, 1.05, (len(vectors), 1)).astype(np.float32) / DIMENSION)
    noisy = vectors + spread * noise
    noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
    return noisy


def _blas() -> str:
    """The kernel that numpy's OpenBLAS chose at run time; other builds of numpy do not tell."""
    import numpy as np

    folder = Path(np.__file__).parent.parent / "numpy.libs"
    for library in sorted(folder.glob("*openblas*")):
        ask = getattr(ctypes.CDLL(str(library)), "scipy_openblas_get_corename64_", None)
        if ask is not None:
            ask.restype = ctypes.c_char_p
            return f"OpenBLAS kernel {ask().decode()}"
    return "an unknown BLAS kernel"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=31)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave BENCHMARKS.md as it is")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_measure(options.rows, options.queries)))
        return 0
    found = measure(options.rows, options.queries)
    if options.json:
        print(json.dumps(found, indent=1))
        return 0
    made = section(found)
    print(made.text)
    if options.write:
        report.write(made)
    return 0 if found["cases"][0]["ratio"] <= TARGET_RATIO or options.rows < 1_000_000 else 1


if __name__ == "__main__":
    sys.exit(main())
