"""What a gallery of a million to a billion faces takes: bytes, seconds and money, from constants measured here.

Run: ``python bench/billion.py [--rows N] [--memory-usd USD] [--disk-usd USD] [--core-usd USD] [--json]``. Makes a
collection of N faces (100,000), measures what one face costs in time of the processor, enrolment from photos of
../shared/data/lfw included, and multiplies: a scan, a start and an enrolment are proportional to the faces. Prices are
assumptions, for a gigabyte and a month and for an hour of a core; put in your own. Nothing of that size was run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import face_features
import report
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.results.face import VectorUse
from custodes.imaging.image import decode
from first_search import DIMENSION, child, make

PHOTOS = 100
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
            "enrol_s": enrolment_s(),
            "load": os.getloadavg()[0],
        }


def enrolment_s() -> float:
    """Processor seconds from a photo's file to the vector of its face, on one thread."""
    engine = face_features.open_engine()
    files = [path.read_bytes() for path in sorted(face_features.LFW.glob("*/*.jpg"))[: PHOTOS + 5]]
    slot = Slot(0, RequestId("bench"))
    for number, data in enumerate(files):
        if number == 5:
            begun = time.thread_time()
        image = decode(data)
        found = engine.detect(slot, image)
        engine.embed(slot, image, found.faces[:1], VectorUse.ENROL)
    return (time.thread_time() - begun) / PHOTOS


def plan(faces: int, of_one: dict[str, float], prices: argparse.Namespace) -> dict[str, float]:
    """Of ``faces``: gigabytes, seconds, dollars a month, hours of a core and dollars to enrol them."""
    memory_gb = faces * MEMORY_BYTES / 1e9
    disk_gb = faces * (of_one["database_bytes"] + of_one["copy_bytes"]) / 1e9
    return {
        "faces": faces,
        "memory_gb": memory_gb,
        "disk_gb": disk_gb,
        "first_start_s": faces * of_one["rows_s"],
        "start_s": faces * of_one["copied_s"],
        "scan_s": faces * of_one["scan_s"],
        "usd": memory_gb * prices.memory_usd + disk_gb * prices.disk_usd,
        "enrol_h": faces * of_one["enrol_s"] / 3600,
        "enrol_usd": faces * of_one["enrol_s"] / 3600 * prices.core_usd,
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
            f"{item['enrol_h']:,.0f} h, {item['enrol_usd']:,.0f} $",
        )
        for item in found["plans"]
    ]
    head = (
        "faces",
        "memory",
        "disk",
        "start without copies",
        "start",
        "one exact search",
        "a month",
        "enrolment, cores",
    )
    one = found["constants"]
    text = report.table(head, rows)
    text += (
        f"\n\nMultiplied from one of {found['rows']:,} faces: {MEMORY_BYTES} bytes of memory, "
        f"{one['database_bytes']:.0f} in the database, {one['copy_bytes']:.0f} of sealed copy; seconds of one core: "
        f"{1e6 * one['rows_s']:.1f} µs to open, {1e6 * one['copied_s']:.2f} µs from the copy, "
        f"{1e9 * one['scan_s']:.0f} ns to scan, {1e3 * one['enrol_s']:.0f} ms from a photo of LFW to a vector (load "
        f"{one['load']:.1f}). Prices assumed: {found['memory_usd']} $ for a GB of memory and {found['disk_usd']} $ for "
        f"one of disk, a month, {found['core_usd']} $ for an hour of a core. A million faces take "
        f"{found['plans'][0]['usd']:.1f} $ a month and {found['plans'][0]['enrol_usd']:.1f} $ once. A scan of a "
        f"billion reads {SIZES[-1] * TEMPLATE_BYTES / 1e9:.0f} GB, so memory bandwidth decides. Lines beyond 20 million"
        " are beyond what a collection may have by default, for an engine on several machines (docs/scaling.md)."
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
    parser.add_argument("--core-usd", type=float, default=0.04)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    of_one = constants(options.rows)
    plans = [plan(faces, of_one, options) for faces in SIZES]
    found = {
        "rows": options.rows,
        "constants": of_one,
        "plans": plans,
        "memory_usd": options.memory_usd,
        "disk_usd": options.disk_usd,
        "core_usd": options.core_usd,
    }
    report.tell(found, lambda: section(found, "python bench/billion.py"), as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
