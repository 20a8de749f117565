"""From ``custodes serve`` to an answer, and the memory it takes: idle, and after requests.

Run: ``.venv/bin/python bench/startup.py [--runs N] [--json]``. Needs the model pack (``custodes models fetch``). Each
run starts two processes: one over an empty data directory, one over the same directory again.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import report
from serving import Served, portrait, serving

START_TARGET_S, MEMORY_TARGET_MB = 4.0, 600.0


def one_run(data: Path, photo: bytes) -> dict[str, float]:
    """Figures of one fresh start, one more start, and requests to the latter."""
    with serving(data) as fresh:
        first_s = fresh.start_seconds
    with serving(data) as served:
        time.sleep(1.0)
        idle_mb = served.resident_mb()
        first_request_s = ask(served, photo)
        after_one_mb = served.resident_mb()
        for _ in range(20):
            last_request_s = ask(served, photo)
        return {
            "fresh_s": first_s,
            "start_s": served.start_seconds,
            "idle_mb": idle_mb,
            "after_one_mb": after_one_mb,
            "after_many_mb": served.resident_mb(),
            "first_request_s": first_request_s,
            "later_request_s": last_request_s,
        }


def ask(served: Served, photo: bytes) -> float:
    """Seconds of one DetectFaces with all that we tell."""
    client = served.client()
    start = time.perf_counter()
    answer = client.detect_faces(Image={"Bytes": photo}, Attributes=["ALL"])
    seconds = time.perf_counter() - start
    if len(answer["FaceDetails"]) != 1:
        raise SystemExit(f"{len(answer['FaceDetails'])} faces in a portrait")
    return seconds


def measure(runs: int) -> dict[str, Any]:
    """Medians and extremes over ``runs`` runs."""
    photo, found = portrait(), []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            found.append(one_run(Path(folder) / "data", photo))
    names = found[0]
    return {name: [pick(run[name] for run in found) for pick in (statistics.median, min, max)] for name in names}


def section(found: dict[str, Any], runs: int, command: str) -> report.Section:
    """The section of the page."""

    def row(title: str, name: str, unit: str, target: str = "") -> tuple[object, ...]:
        digits = 0 if unit == "MB" else 2
        median, low, high = (f"{value:.{digits}f}" for value in found[name])
        return title, f"**{median} {unit}**" if target else f"{median} {unit}", f"{low} to {high}", target

    rows = [
        row("start to `/healthz` 200, models cached", "start_s", "s", f"under {START_TARGET_S:.0f} s"),
        row("the same over an empty data directory", "fresh_s", "s", f"under {START_TARGET_S:.0f} s"),
        row("resident memory, idle", "idle_mb", "MB", f"under {MEMORY_TARGET_MB:.0f} MB"),
        row("resident memory after one DetectFaces", "after_one_mb", "MB"),
        row("resident memory after 21 of them", "after_many_mb", "MB"),
        row("first DetectFaces (ALL), 512 x 512", "first_request_s", "s"),
        row("a later one", "later_request_s", "s"),
    ]
    text = report.table(("what", "median", "range", "target"), rows)
    text += f"\n\n{runs} runs of a real `custodes serve` process with all networks of the face pack open."
    return report.Section("startup", "Start and memory", command, text)


def main() -> int:
    """Measure, print, write; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    found = measure(options.runs)
    report.tell(found, lambda: section(found, options.runs, "python bench/startup.py"), as_json=options.json)
    slowest = max(found["start_s"][0], found["fresh_s"][0])
    return 0 if slowest < START_TARGET_S and found["idle_mb"][0] < MEMORY_TARGET_MB else 1


if __name__ == "__main__":
    sys.exit(main())
