"""Exact search against numpy: 1,000,000 x 128, one thread each, both timed in turn in one process.

Run: ``python bench/search.py [--rows N] [--queries N] [--json] [--no-write]``. Prints a table and puts it into
BENCHMARKS.md. Vectors are identities with noise, four samples each and forty groups of shared variance, so that scores
look like those of faces. Results are checked against float64 brute force. Where a C compiler and AVX-512 VNNI are, a
plain scan of as many int8 rows without any answer runs beside (workers/raw_scan.c), and 32 queries at once run beside
one multiplication of matrices.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import report

DIMENSION = 128
LIMIT = 10
TARGET_RATIO = 0.5
_CLIENTS, _SEARCHES = 16, 8
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
    text += "\n\n" + report.table(("what", "ours, ms", "beside it, ms", "ratio", "wanted"), _limits(found))
    text += (
        f"\n\nMedians, one thread each, numpy's is `A @ q` in float32 plus a partition; target for a million: "
        f"{TARGET_RATIO}. Ratios of the second table are medians of pairs taken in turn. Scan: {used['scan']}. "
        f"Load {used['load']:.1f}; numpy {used['numpy']} with {used['blas']}. "
        f"{found['checked']} answers equal float64 brute force (scores within {found['tolerance']:g}; order may differ "
        "only inside that)."
    )
    return report.Section("search", "Exact search", found["command"], text)


def _limits(found: dict[str, Any]) -> list[tuple[object, ...]]:
    """Rows that compare with what the machine can do at most."""
    case = found["cases"][0]
    rows: list[tuple[object, ...]] = []
    for key, what, beside, wanted in (
        ("raw", "one query", "a plain int8 scan without an answer", "1.25 or less"),
        ("read", "one query", "reading as many bytes", ""),
        ("clients", "a search of 16 clients at once", "the same over faiss", ""),
        ("batch", "32 queries at once", "`Q @ A.T` in float32, no answer", "0.59 or less"),
    ):
        if key in case:
            ours, other, ratio = case[key]
            rows.append((f"{what}, beside {beside}", f"{ours:.2f}", f"{other:.2f}", f"**{ratio:.2f}**", wanted))
    return rows


def _measure(rows: int, queries: int) -> dict[str, Any]:
    """Times, ratios and checks; the threads must have been limited before numpy was loaded."""
    import numpy as np

    from custodes.storage.vectors.scan_library import open_library

    library = open_library()
    rng = np.random.default_rng(20240)
    vectors = _vectors(rng, rows)
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
            "scan": "faiss" if library is None else f"own, {library.variant.name}",
        },
    }


def _case(rng: Any, vectors: Any, queries: int) -> tuple[dict[str, Any], int]:
    import numpy as np

    from custodes.storage.vectors.choice import exact_index

    index = exact_index()(DIMENSION)
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
    beside = _beside(rng, index, vectors, asked) if len(vectors) > 10_000 else {}
    case = beside | {"rows": len(vectors), "ours_ms": our_ms, "numpy_ms": their_ms, "ratio": our_ms / their_ms}
    return case | {"ours_p99_ms": 1e3 * float(np.percentile(ours, 99)), "queries": queries}, equal


def _beside(rng: Any, index: Any, vectors: Any, asked: Any) -> dict[str, tuple[float, float, float]]:
    """Our median, that of what runs beside it, both in ms, and the median ratio of pairs."""
    import numpy as np

    from custodes.storage.vectors.faiss_index import FaissIndex
    from custodes.storage.vectors.scanned_index import ScannedIndex
    from custodes.storage.vectors.shared_pass import SearchAsked

    found = {}
    raw = _raw_scan()
    if raw is not None:
        rows = _in_whole_lines(rng.integers(1, 255, (len(vectors), DIMENSION), np.uint8))
        codes = rng.integers(-127, 127, DIMENSION).astype(np.int8)
        place, words = ctypes.c_void_p(rows.ctypes.data), rows.nbytes // 64
        scan = partial(raw.raw_scan, place, ctypes.c_int64(len(rows)), ctypes.c_void_p(codes.ctypes.data))
        found["raw"] = _pairs(lambda n: index.search(asked[n], LIMIT, -1.0), lambda _: scan(), len(asked))
        read = partial(raw.raw_read, place, ctypes.c_int64(words))
        found["read"] = _pairs(lambda n: index.search(asked[n], LIMIT, -1.0), lambda _: read(), len(asked))
    if isinstance(index, ScannedIndex):
        some = [SearchAsked(query, LIMIT, -1.0) for query in _noisy(rng, vectors[rng.integers(len(vectors), size=32)])]
        queries = np.stack([each.query for each in some])
        found["batch"] = _pairs(lambda _: index.searched(some), lambda _: queries @ vectors.T, 9)
        faiss = FaissIndex(DIMENSION)
        faiss.add(np.arange(len(vectors)), vectors)
        found["clients"] = _pairs(lambda _: _clients(index, asked), lambda _: _clients(faiss, asked), 5)
        each = 1 / (_CLIENTS * _SEARCHES)
        found["clients"] = (found["clients"][0] * each, found["clients"][1] * each, found["clients"][2])
    return found


def _clients(index: Any, asked: Any) -> None:
    """As many threads as clients, each with some searches."""
    queries = [asked[n % len(asked)] for n in range(_CLIENTS * _SEARCHES)]
    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(lambda query: index.search(query, LIMIT, -1.0), queries))


def _pairs(ours: Callable[[int], Any], other: Callable[[int], Any], runs: int) -> tuple[float, float, float]:
    import numpy as np

    pairs = np.array([(_timed(partial(ours, n))[1], _timed(partial(other, n))[1]) for n in range(runs)])[2:] * 1e3
    medians = np.median(pairs, axis=0)
    return float(medians[0]), float(medians[1]), float(np.median(pairs[:, 0] / pairs[:, 1]))


def _in_whole_lines(array: Any) -> Any:
    """The same, beginning a line of the cache, in large pages as far as the system gives them."""
    import numpy as np

    from custodes.storage.vectors.huge_pages import advise

    raw = np.empty(array.nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    made = raw[start : start + array.nbytes]
    advise(made)
    made[:] = array.reshape(-1)
    return made.reshape(array.shape)


def _raw_scan() -> ctypes.CDLL | None:
    """``workers/raw_scan.c``, compiled; None without a compiler or the instructions."""
    source = Path(__file__).parent / "workers" / "raw_scan.c"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "raw_scan.so"
        try:
            subprocess.run(["cc", "-O3", "-shared", "-fPIC", "-o", made, source], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        library = ctypes.CDLL(str(made))
    library.raw_read.restype = ctypes.c_int64
    return library if library.raw_scan_there() else None


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
