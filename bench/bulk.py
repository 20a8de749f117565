"""How fast pictures are enrolled in bulk by workers of Ray, beside the server's own threads, on the same cores.

Run: ``python bench/bulk.py [--pictures N] [--rounds N]``. Needs Ray (``make clusters``), ../shared/data/lfw and
the fetched networks. The first N pictures of LFW are enrolled into a new collection each time: by the server itself and
by a Ray of this machine in turn, the order changing from round to round. Starting Ray is timed apart. Beside the time
stands the processor time of all processes, which others on the machine disturb less.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import face_features
import report
from custodes.cli.client.identity import find_credentials
from custodes.cli.client.local import LocalApi
from custodes.deployment.server import open_deployment
from custodes.settings import Settings

WAYS = ("LOCAL", "RAY")
_TICKS = os.sysconf("SC_CLK_TCK")


def processor_s() -> float:
    """Processor seconds of this process and all that it or they started, as far as they live or were waited for."""
    parents, used = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid], used[pid] = int(fields[1]), sum(map(int, fields[11:15])) / _TICKS
    mine = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in mine} - mine:
        mine |= more
    return sum(used.get(pid, 0.0) for pid in mine)


def enrol(api: LocalApi, collection: str, on: str) -> tuple[float, float, dict[str, Any]]:
    """Seconds, processor seconds, and what came of it."""
    api.call("CreateCollection", CollectionId=collection)
    begun, used = time.perf_counter(), processor_s()
    task = api.call("StartBulkEnrolment", CollectionId=collection, Bucket="photos", On=on)["TaskId"]
    while (told := api.call("GetTask", TaskId=task))["Task"]["Status"] in ("QUEUED", "RUNNING"):
        time.sleep(0.05)
    if told["Task"]["Status"] != "SUCCEEDED":
        raise SystemExit(str(told["Task"]))
    return time.perf_counter() - begun, processor_s() - used, dict(told["Summary"])


def measure(pictures: int, rounds: int) -> dict[str, Any]:
    """All figures."""
    found: dict[str, Any] = {"load": os.getloadavg()[0], "cores": os.cpu_count(), "pictures": pictures, "runs": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in sorted(face_features.LFW.glob("*/*.jpg"))[:pictures]:
            (folder / "photos" / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / "photos" / path.parent.name / path.name)
        for few in list((folder / "photos").iterdir())[:8]:
            shutil.copytree(few, folder / "few" / few.name)
        settings = Settings(
            data=folder / "data", buckets={"photos": folder / "photos", "few": folder / "few"}, ray="local"
        )
        with open_deployment(settings, endpoint_url="http://127.0.0.1:9") as deployment:
            api = LocalApi(deployment, find_credentials(settings.data))
            found["start_s"] = _warmed(api)
            for number in range(rounds):
                for on in WAYS if number % 2 == 0 else reversed(WAYS):
                    took, used, summary = enrol(api, f"round-{number}-{on}", on)
                    found["runs"].append({"on": on, "s": took, "processor_s": used, "faces": summary["Faces"]})
    found["load_end"] = os.getloadavg()[0]
    return found


def _warmed(api: LocalApi) -> float:
    """Seconds until Ray's workers have looked at their first pictures; the server's own networks look at some, too."""
    api.call("CreateCollection", CollectionId="warm")
    took = 0.0
    for on in WAYS:
        begun = time.perf_counter()
        task = api.call("StartBulkEnrolment", CollectionId="warm", Bucket="few", On=on)["TaskId"]
        while api.call("GetTask", TaskId=task)["Task"]["Status"] in ("QUEUED", "RUNNING"):
            time.sleep(0.05)
        took = time.perf_counter() - begun
    return took


def section(found: dict[str, Any], command: str) -> report.Section:
    """The section of the page."""
    rows: list[tuple[object, ...]] = []
    rates, used = {}, {}
    for on, name in zip(WAYS, ("the server's own threads", "Ray, one worker a core"), strict=True):
        runs = [one for one in found["runs"] if one["on"] == on]
        seconds = sum(one["s"] for one in runs) / len(runs)
        rates[on] = found["pictures"] / seconds
        used[on] = sum(one["processor_s"] for one in runs) / len(runs)
        each = ", ".join(f"{one['s']:.0f} s" for one in runs)
        cost = f"{1000 * used[on] / found['pictures']:.0f} ms"
        rows.append((name, f"{rates[on]:.1f}", each, cost, runs[0]["faces"]))
    head = ("computed by", "pictures a second", "runs", "processor time a picture", "faces")
    loaded = max(found["load"], found["load_end"]) > found["cores"] + 1
    text = report.table(head, rows)
    text += (
        f"\n\nRay has {rates['RAY'] / rates['LOCAL']:.2f} of the throughput without it and takes "
        f"{used['RAY'] / used['LOCAL']:.2f} of the processor time (target for 100,000 pictures: a throughput of 0.9 or "
        f"more). Measured with {found['pictures']:,} pictures a run, which take the same each; Ray's start, "
        f"{found['start_s']:.0f} s with its first pictures, comes once. On {found['cores']} cores, load "
        f"{found['load']:.1f} at the start and {found['load_end']:.1f} at the end"
        + (": **loaded**, others worked on the machine." if loaded else ".")
    )
    return report.Section("ray", "Bulk enrolment on Ray", command, text)


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    found = measure(options.pictures, options.rounds)
    report.tell(
        found,
        lambda: section(found, f"python bench/bulk.py --pictures {options.pictures} --rounds {options.rounds}"),
        as_json=options.json,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
