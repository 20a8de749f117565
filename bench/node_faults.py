"""Three servers over one PostgreSQL database, killed, stopped and cut off at random while four clients work.

Run: ``python bench/node_faults.py [--faults N] [--seed N] [--json]``. The code is that of ``tests/nodes``, with more
faults: a process is killed (SIGKILL) and started again, stands still (SIGSTOP) for up to 6.5 seconds, which is longer
than a lease, or the database ends all sessions. After it every server has every acknowledged face and none that was
erased, the log holds every promise at its place, no checkpoint that was ever public is of another history, and the
audit finds no difference; anything else ends the program with an error, and nothing is written.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.fakes.node_faults import Plan, Survived, survive
from tests.fakes.nodes import cluster
from tests.fakes.postgres import postgres_server

NODES, STOPS_S = ("one", "two", "three"), (0.2, 0.5, 1.5, 6.5)


def measure(faults: int, seed: int) -> Survived:
    """One run."""
    plan = Plan(NODES, faults, 0.0, STOPS_S, seed)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "postgres").mkdir()
        with postgres_server(folder / "postgres") as server, cluster(server.database(), folder) as nodes:
            return survive(nodes, server, plan)


def page(done: Survived, load: float) -> str:
    """Markdown."""
    rows = [
        ("processes killed and started again", done.faults["kill"]),
        ("processes stopped for 0.2 to 6.5 s", done.faults["stop"]),
        ("times that all sessions of the database were ended", done.faults["cut"]),
        ("acknowledged requests, each with a promise that the log holds", f"{done.promises:,}"),
        ("acknowledged faces that are there, and that are gone", f"{done.faces:,} / {done.erased:,}"),
        ("lost faces, lost entries, forks, differences of the audit", 0),
        ("different checkpoints that were public", f"{done.checkpoints:,}"),
        ("entries in the log", f"{done.entries:,}"),
        ("seconds", f"{done.seconds:.0f}"),
    ]
    head = f"{sum(done.faults.values())} faults", ""
    return f"{report.table(head, rows)}\n\nLoad before: {load:.1f}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--json", action="store_true", help="print figures, write nothing")
    asked, load = parser.parse_args(), os.getloadavg()[0]
    done = measure(asked.faults, asked.seed)
    if asked.json:
        print(json.dumps(asdict(done), indent=1))
        return
    command = f"python bench/node_faults.py --faults {asked.faults} --seed {asked.seed}"
    report.write(report.Section("node_faults", "Faults among three servers", command, page(done, load)))


if __name__ == "__main__":
    main()
