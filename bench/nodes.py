"""The same requests to a server with its own database, to one on PostgreSQL, and to three over PostgreSQL in turn.

Run: ``python bench/nodes.py [--requests N] [--json]``. Compares every answer, and what the ledgers say was done: uses
with their units, by operation and end, and erasures. Servers and client are threads of one process, with the
predictable engine of the tests, so that what is left is the server itself.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import report
from databases import server

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from custodes.storage.sql.postgres_database import PostgresDatabase
from tests.fakes.engine import SquareEngine
from tests.fakes.everyday import Everyday, closed, on_record
from tests.fakes.live import running
from tests.fakes.nodes import running_node

SETUPS = (("embedded", 0), ("one server on PostgreSQL", 1), ("three servers on PostgreSQL", 3))


def asked(data: Path, database: str, nodes: int, requests: int) -> dict[str, Any]:
    """Answers, what is on record, milliseconds of each request in order of size."""
    took: list[float] = []
    with ExitStack() as opened:
        names = [f"node-{number}" for number in range(nodes)]
        servers: list[Any] = [opened.enter_context(running_node(name, database, data)) for name in names]
        servers = servers or [opened.enter_context(running(data, engine=SquareEngine()))]
        clients = [one.client() for one in servers]
        everyday = Everyday(clients)
        begin = time.perf_counter()
        while len(everyday.answers) < requests:
            before = time.perf_counter()
            everyday.step()
            took.append((time.perf_counter() - before) * 1e3)
        whole_s = time.perf_counter() - begin
        closed(*clients)
    took.sort()
    record = on_record(data, database)
    return {"answers": everyday.answers, "record": record, "p50_ms": took[len(took) // 2], "whole_s": whole_s}


def measure(requests: int) -> dict[str, Any]:
    """All setups, and how many answers and sums differ from those of the first."""
    found: dict[str, Any] = {"load": os.getloadavg()[0], "cores": os.cpu_count(), "requests": requests, "setups": []}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, server(Path(folder)) as url:
        first: dict[str, Any] = {}
        for name, nodes in SETUPS:
            database = _fresh(url, f"nodes_{nodes}") if nodes else ""
            done = asked(Path(folder) / name.replace(" ", "-"), database, nodes, requests)
            first = first or done
            pairs = zip(done["answers"], first["answers"], strict=True)
            sums = done["record"].keys() | first["record"].keys()
            found["setups"].append(
                {
                    "name": name,
                    "different_answers": sum(one != other for one, other in pairs),
                    "different_sums": sum(done["record"][key] != first["record"][key] for key in sums),
                    "uses": sum(count for key, count in done["record"].items() if key[0] == "uses"),
                    "units": sum(count for key, count in done["record"].items() if key[0] == "units"),
                    "erased": done["record"]["erased",],
                    "p50_ms": round(done["p50_ms"], 1),
                    "seconds": round(done["whole_s"], 1),
                }
            )
    return found


def _fresh(url: str, name: str) -> str:
    """A new database beside the one of ``url``, with empty tables."""
    from sqlalchemy import create_engine, make_url, text

    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"))
    engine.dispose()
    made = make_url(url).set(database=name).render_as_string(hide_password=False)
    PostgresDatabase.beside(made).close()
    return made


def section(found: dict[str, Any], command: str) -> report.Section:
    """The section of the page."""
    rows = [
        (
            one["name"],
            f"{one['different_answers']}",
            f"{one['different_sums']}",
            f"{one['uses']:,} uses, {one['units']:,} units, {one['erased']:,} erased",
            f"{one['p50_ms']} ms",
        )
        for one in found["setups"]
    ]
    text = report.table(("", "answers that differ", "sums that differ", "on record", "a request, median"), rows)
    text += (
        f"\n\nThe same {found['requests']:,} requests of 15 operations, one after the other, to the servers in turn. "
        f"Servers, client and PostgreSQL on {found['cores']} cores, load {found['load']:.1f} at the start; nothing is "
        "computed."
    )
    return report.Section("nodes", "The same requests to one server and to several", command, text)


def main() -> int:
    """Measure, print, write; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    found = measure(options.requests)
    report.tell(found, lambda: section(found, "python bench/nodes.py"), as_json=options.json)
    return int(any(one["different_answers"] or one["different_sums"] for one in found["setups"]))


if __name__ == "__main__":
    sys.exit(main())
