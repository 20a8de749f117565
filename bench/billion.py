"""What a gallery of a million to a billion faces takes: bytes, seconds and money, from constants measured here.

Run: ``python bench/billion.py [--rows N] [--memory-usd USD] [--disk-usd USD] [--json]``. Makes a collection of N faces
(100,000), measures what one face costs in time of the processor, and multiplies: a scan and a start are proportional to
the faces. Prices are assumptions, for a gigabyte and a month; put in your own. Nothing of that size was run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import report
from first_search import DIMENSION, child, make

SIZES = (1_000_000, 20_000_000, 100_000_000, 1_000_000_000)
MEMORY_BYTES = 5 * DIMENSION + 8
"""float32 vector, one byte per component, row number; see ``storage.vectors.faiss_index``."""
TEMPLATE_BYTES = DIMENSION
"""What a scan has to read of a face."""


def constants(rows: int) -> dict[str, float]:
    """Of one face: bytes on the disk; seconds of one core to open it, to open its copy, and to scan it."""
    with tempfile.TemporaryDirectory() as folder:
        empty, data = Path(folder) / "empty", Path(folder) / "data"
        make(empty, 0)
        make(data, rows)
        none = child(empty, copies=True)
        by_rows = child(data, copies=False)
        child(data, copies=True)
        copied = child(data, copies=True)
        return {
            "database_bytes": (data / "custodes.sqlite3").stat().st_size / rows,
            "copy_bytes": sum(path.stat().st_size for path in (data / "cache").iterdir()) / rows,
            "rows_s": (by_rows["cpu_s"] - none["cpu_s"]) / rows,
            "copied_s": (copied["cpu_s"] - none["cpu_s"]) / rows,
            "scan_s": copied["later_cpu_s"] / rows,
            "load": os.getloadavg()[0],
        }


def plan(faces: int, of_one: dict[str, float], memory_usd: float, disk_usd: float) -> dict[str, float]:
    """Of ``faces``: gigabytes, seconds, dollars a month."""
    memory_gb = faces * MEMORY_BYTES / 1e9
    disk_gb = faces * (of_one["database_bytes"] + of_one["copy_bytes"]) / 1e9
    return {
        "faces": faces,
        "memory_gb": memory_gb,
        "disk_gb": disk_gb,
        "first_start_s": faces * of_one["rows_s"],
        "start_s": faces * of_one["copied_s"],
        "scan_s": faces * of_one["scan_s"],
        "usd": memory_gb * memory_usd + disk_gb * disk_usd,
    }


def section(found: dict[str, Any], command: str) -> report.Section:
    """The section of the page."""
    rows: list[tuple[object, ...]] = [
        (
            f"{item['faces']:,}",
            f"{item['memory_gb']:,.1f} GB",
            f"{item['disk_gb']:,.1f} GB",
            _time(item["first_start_s"]),
            _time(item["start_s"]),
            _time(item["scan_s"]),
            f"{item['usd']:,.0f} $",
        )
        for item in found["plans"]
    ]
    head = ("faces", "memory", "disk", "start without copies", "start", "one exact search", "a month")
    one = found["constants"]
    text = report.table(head, rows)
    text += (
        f"\n\nMultiplied from one of {found['rows']:,} faces: {MEMORY_BYTES} bytes of memory, "
        f"{one['database_bytes']:.0f} in the database, {one['copy_bytes']:.0f} of sealed copy; seconds of one core: "
        f"{1e6 * one['rows_s']:.1f} µs to open, {1e6 * one['copied_s']:.2f} µs from the copy, "
        f"{1e9 * one['scan_s']:.0f} ns to scan (load {one['load']:.1f}). Prices assumed: {found['memory_usd']} $ for a"
        f" GB of memory and {found['disk_usd']} $ for one of disk, a month. A scan of a billion reads"
        f" {SIZES[-1] * TEMPLATE_BYTES / 1e9:.0f} GB, so memory bandwidth decides. Lines beyond 20 million are beyond"
        " what a collection may have by default, and one collection over several machines is not there yet."
    )
    return report.Section("billion", "From a million to a billion faces, calculated", command, text)


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:,.0f} ms"
    return f"{seconds:,.1f} s" if seconds < 600 else f"{seconds / 60:,.0f} min"


def main() -> int:
    """Measure, calculate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--memory-usd", type=float, default=3.0)
    parser.add_argument("--disk-usd", type=float, default=0.1)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    of_one = constants(options.rows)
    plans = [plan(faces, of_one, options.memory_usd, options.disk_usd) for faces in SIZES]
    found = {
        "rows": options.rows,
        "constants": of_one,
        "plans": plans,
        "memory_usd": options.memory_usd,
        "disk_usd": options.disk_usd,
    }
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        made = section(found, "python bench/billion.py")
        report.write(made)
        print(made.text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
