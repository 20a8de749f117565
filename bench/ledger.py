"""Durable entries per second, latency, and the time a start takes; side by side with one SQLite commit per entry.

Run: ``python bench/ledger.py [--seconds 5] [--entries 10000000] [--json FILE] [--dir DIR]``. Writes its section of
BENCHMARKS.md (with ``--json`` a file instead). Everything else is written to a temporary folder below DIR (default: the
system's), which needs about 2.5 GB for ten million entries.
``--kills 300`` also runs the random kills of tests/faults_ledger.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import report
from custodes.core.clock import SystemClock
from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.merkle import Frontier, leaf_hash, tree_root
from custodes.ledger.tlog.tiles import bundle_path
from custodes.ledger.tree.signing import sign_checkpoint
from custodes.ledger.tree.tiles import encode_bundle, tile_path
from custodes.ledger.writer.batch import LogState
from custodes.ledger.writer.log import LedgerLog
from custodes.ledger.writer.receipt import receipt_token
from custodes.storage.ledger.bodies import FileBodies
from custodes.storage.ledger.journal import FileJournal
from custodes.storage.ledger.open import LedgerPaths, ledger_key, open_ledger

ORIGIN = "bench.example/ledger"
BODY = {
    "acct": "123456789012",
    "op": "DetectFaces",
    "start": 1700000000000,
    "end": 1700000000100,
    "policy_digest": "x" * 43,
    "purpose": "identity check",
    "jurisdiction": "NL",
    "model_digest": "y" * 43,
    "collection_id": "employees",
    "threshold": 8000,
    "probe_digest": "z" * 43,
    "request_id": "6f0f0f0f-aaaa-bbbb-cccc-000000000000",
    "client_key_id": "AKIAXXXXXXXXXXXX",
}


def drive(threads: int, seconds: float, one: Callable[[int], None]) -> dict[str, float]:
    """Call ``one`` from many threads; entries per second and latency in ms."""
    latencies: list[list[float]] = [[] for _ in range(threads)]
    end = time.perf_counter() + seconds

    def client(number: int) -> None:
        mine = latencies[number]
        while (start := time.perf_counter()) < end:
            one(number)
            mine.append(time.perf_counter() - start)

    workers = [threading.Thread(target=client, args=(number,)) for number in range(threads)]
    begin = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - begin
    ordered = sorted(latency for mine in latencies for latency in mine)
    return {
        "clients": threads,
        "per_s": round(len(ordered) / took, 1),
        "p50_ms": round(ordered[len(ordered) // 2] * 1e3, 3),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1e3, 3),
    }


def bench_log(log: LedgerLog, clients: int, seconds: float) -> dict[str, float]:
    """Entries with bodies, each waited for with its inclusion proof and checkpoint."""
    return drive(clients, seconds, lambda number: log.append("inc", body=BODY, fields={"n": number}).wait() and None)


def bench_gate(log: LedgerLog, clients: int, seconds: float, work_s: float) -> dict[str, float]:
    """What a request pays: permission, some work meanwhile, use, receipt as text. Two entries per request."""

    def request(_: int) -> None:
        permission = log.append("auth", body=BODY, fields={"d": "allow"})
        if work_s:
            time.sleep(work_s)
        receipt_token(log.append("use", units=1, body=BODY, settles=permission).wait())

    return drive(clients, seconds, request)


def bench_sqlite(path: Path, clients: int, seconds: float) -> dict[str, float]:
    """One commit per entry, WAL and synchronous=FULL, one writer at a time as SQLite has it."""
    lock = threading.Lock()
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, envelope BLOB, body BLOB)")
    body = json.dumps(BODY)

    def one(number: int) -> None:
        with lock:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO entry (envelope, body) VALUES (?, ?)", (f"envelope {number}" * 8, body))
            database.execute("COMMIT")

    result = drive(clients, seconds, one)
    database.close()
    return result


def fdatasync_ms(folder: Path) -> float:
    """Median of 200 appends of 4 kB with fdatasync: what the disk allows one after the other."""
    fd = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT)
    times = []
    for _ in range(200):
        os.write(fd, bytes(4096))
        start = time.perf_counter()
        os.fdatasync(fd)
        times.append(time.perf_counter() - start)
    os.close(fd)
    return round(sorted(times)[100] * 1e3, 3)


def make_large(data: Path, size: int) -> None:
    """Write the public files of a log of ``size`` entries directly, without the time that appending takes."""
    open_ledger(data, ORIGIN, SystemClock())
    public = LedgerPaths(data).public
    rows: list[list[bytes]] = [[]]

    def put(path: str, content: bytes) -> None:
        target = public / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    for bundle in range(-(-size // 256)):
        count = min(256, size - bundle * 256)
        entries = [b'{"d":"deny","k":"auth","t":%d,"v":1}' % (10**12 + bundle * 256 + at) for at in range(count)]
        put(bundle_path(bundle, count), encode_bundle(entries))
        rows[0] = [leaf_hash(entry) for entry in entries]
        level = 0
        while level < len(rows) and len(rows[level]) == 256:
            put(tile_path(level, bundle >> (8 * level)), b"".join(rows[level]))
            if level + 1 == len(rows):
                rows.append([])
            rows[level + 1].append(tree_root(rows[level]))
            rows[level] = []
            level += 1
    for level, row in enumerate(rows):
        if row:
            put(tile_path(level, (size >> (8 * level)) // 256, len(row)), b"".join(row))
    _finish_large(data, size, rows)


def _finish_large(data: Path, size: int, rows: list[list[bytes]]) -> None:
    """Journal, checkpoint and the last slot of the bodies, as a server that was killed would have left them."""
    nodes: list[bytes | None] = []
    for row in rows:
        level = row
        for _ in range(8):
            nodes.append(level[-1] if len(level) % 2 else None)
            level = [tree_root(level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
    frontier = Frontier(size, tuple(nodes[: size.bit_length()]))
    key = ledger_key(data, ORIGIN)
    note = sign_checkpoint(Checkpoint(ORIGIN, size, frontier.root()), [key])
    paths = LedgerPaths(data)
    (paths.public / "checkpoint").write_bytes(note)
    FileBodies(paths.private / "bodies").put(size // 65536 * 65536, [None] * (size % 65536))
    journal = FileJournal(paths.private / "journal")
    journal.lock()
    journal.begin(LogState(frontier, note, 10**12 + size, frozenset()).encode())
    journal.close()


def bench_start(data: Path, size: int) -> dict[str, float]:
    """Start with many entries and a full journal segment to replay, until the first new entry is durable."""
    make_large(data, size)
    command = [sys.executable, __file__, "--leave-journal", str(data)]
    subprocess.run(command, check=True)
    start = time.perf_counter()
    log = open_ledger(data, ORIGIN, SystemClock())
    log.start()
    started = time.perf_counter() - start
    receipt = log.append("inc").wait()
    first = time.perf_counter() - start
    log.close()
    return {"entries": receipt.index, "start_s": round(started, 3), "first_entry_s": round(first, 3)}


def leave_journal(data: Path) -> None:
    """Append until the journal holds several megabytes and die without closing."""
    log = open_ledger(data, ORIGIN, SystemClock())
    log.start()
    for _ in range(12_000):
        last = log.append("inc", body=BODY)
    last.wait()
    os._exit(0)


def run(folder: Path, seconds: float, entries: int) -> dict[str, object]:
    """All measurements."""
    figures: dict[str, object] = {"fdatasync_p50_ms": fdatasync_ms(folder), "cpus": os.cpu_count()}
    log = open_ledger(folder / "log", ORIGIN, SystemClock())
    log.start()
    for clients in (1, 16, 64):
        figures[f"log_{clients}"] = bench_log(log, clients, seconds)
    figures["gate_16"] = bench_gate(log, 16, seconds, 0.0)
    figures["gate_16_with_20ms_work"] = bench_gate(log, 16, seconds, 0.02)
    log.close()
    figures["sqlite_64"] = sqlite = bench_sqlite(folder / "one.db", 64, seconds)
    per_s = figures["log_64"]
    assert isinstance(per_s, dict)
    figures["ratio_64"] = round(per_s["per_s"] / sqlite["per_s"], 1)
    if entries:
        figures["start"] = bench_start(folder / "large", entries)
    return figures


def section(figures: dict[str, Any], command: str) -> report.Section:
    """The section of the page."""
    titles = {
        "log": "ledger: entries with bodies, durable, with proof and checkpoint",
        "gate": "ledger: requests, two entries each",
        "gate_16_with_20ms_work": "the same with 20 ms of work in between",
        "sqlite": "SQLite: one commit per entry, without proofs",
    }
    rows: list[tuple[object, ...]] = []
    for name, found in figures.items():
        if isinstance(found, dict) and "per_s" in found:
            title = titles.get(name) or titles[name.split("_", maxsplit=1)[0]]
            rows.append((title, found["clients"], f"{found['per_s']:,.0f}", f"{found['p50_ms']}", f"{found['p99_ms']}"))
    text = report.table(("what", "clients", "per second", "median, ms", "99th percentile, ms"), rows)
    text += (
        f"\n\nAt 64 clients **{figures['ratio_64']}** times SQLite. One append of 4 kB with fdatasync takes "
        f"{figures['fdatasync_p50_ms']} ms here, which nothing durable can beat one after the other."
    )
    if "start" in figures:
        start = figures["start"]
        text += (
            f" A log of {start['entries']:,} entries whose process was killed with 12,000 in its journal starts in "
            f"{start['start_s']} s; its first new entry is durable after {start['first_entry_s']} s."
        )
    if "kills" in figures:
        outcome = "passed" if figures["kills"]["passed"] else "FAILED"
        text += f" {figures['kills']['rounds']} rounds of kill -9 at random moments: {outcome}."
    return report.Section("ledger", "Ledger", command, text)


def main() -> int:
    """Parse arguments, measure, print, write; 1 when kills were asked for and lost something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--json", type=Path, help="write figures to this file and leave BENCHMARKS.md as it is")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--leave-journal", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.leave_journal:
        leave_journal(options.leave_journal)
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        figures: dict[str, Any] = run(Path(folder), options.seconds, options.entries)
    if options.kills:
        tests = Path(__file__).parents[1] / "tests" / "faults_ledger"
        command = [sys.executable, "-m", "pytest", "-q", str(tests), "-k", "random_kills", "--timeout", "3000"]
        done = subprocess.run(command, env={**os.environ, "CUSTODES_TEST_KILLS": str(options.kills)}, check=False)
        figures["kills"] = {"rounds": options.kills, "passed": done.returncode == 0}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    else:
        flags = f" --seconds {options.seconds:g} --entries {options.entries}"
        flags += f" --kills {options.kills}" if options.kills else ""
        made = section(figures, f"python bench/ledger.py{flags}")
        print(made.text)
        report.write(made)
    return 0 if not options.kills or figures["kills"]["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
