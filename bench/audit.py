"""Time of the deep audit, and size and time of the proofs that each head of the account map continues the one before.

Run: ``python bench/audit.py [--entries 40000] [--accounts 100] [--heads 40] [--json FILE]``. Writes its section of
BENCHMARKS.md (with ``--json`` a file instead). The log is a real one on disk, with bodies like those of a server: half
of its entries are permissions with excerpts, half uses. What a million entries would take is said in proportion,
because every step goes entry by entry.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import report
from custodes.core.clock import SystemClock
from custodes.deployment.record.audits import audit_deeply
from custodes.deployment.record.statements import open_statements
from custodes.deployment.record.stored import LedgerSource
from custodes.ledger.__main__ import main as verifier
from custodes.ledger.tlog.note import VerifierKey
from custodes.storage.ledger.open import LedgerPaths, open_ledger

ORIGIN = "bench.example/audit"


def build(data: Path, entries: int, accounts: int, heads: int) -> None:
    """A log with its heads."""
    log, chance = open_ledger(data, ORIGIN, SystemClock()), random.Random(1)
    log.start()
    statements, each = open_statements(data), entries // 2 // heads
    for _ in range(heads):
        for _ in range(each):
            account = f"{chance.randrange(accounts):012d}"
            request = f"{chance.getrandbits(128):032x}"
            body = {"acct": account, "key": "AKIA" + "Q" * 16, "op": "SearchFacesByImage", "request_id": request}
            grounds = {
                "purpose": "access-control",
                "rules": ["baseline.active"],
                "sector": "retail",
            }
            slot = log.append("auth", body={**body, "resource": "arn:x", **grounds}, fields={"d": "allow"})
            more = {"code": "Done", "counts": {"faces": 1}, "images": 1, "model": "7.0/" + "0" * 64, "start": 1}
            log.append("use", units=1, body={**body, **more}, settles=slot)
        statements.close_head(log)
    log.close()


def timed(work: Any) -> tuple[float, Any]:
    begin = time.perf_counter()
    found = work()
    return time.perf_counter() - begin, found


def measure(entries: int, accounts: int, heads: int) -> dict[str, float]:
    """Seconds and bytes."""
    with tempfile.TemporaryDirectory() as folder:
        data, file, trust = Path(folder) / "data", Path(folder) / "growth", Path(folder) / "trust.policy"
        build(data, entries, accounts, heads)
        key = VerifierKey.parse(LedgerPaths(data).verifier.read_text())
        trust.write_text(f"log {key}\nquorum none\n")
        audited, found = timed(lambda: audit_deeply(LedgerSource(data), [key], lambda _done, _all: None))
        assert found[0].difference is None and found[1] is not None, found
        made, lines = timed(lambda: list(open_statements(data).maps.growth()))
        file.write_bytes(b"".join(lines))
        command = ["growth", str(file), "--trust", str(trust), "--ledger", str(data / "ledger")]
        checked, status = timed(lambda: verifier(command))
        assert status == 0
        size = found[0].checkpoint.size
    return {
        "entries": size,
        "accounts": accounts,
        "heads": heads,
        "deep_audit_s": audited,
        "deep_audit_million_min": audited * 1e6 / size / 60,
        "growth_made_s": made,
        "growth_checked_s": checked,
        "growth_bytes_per_head": file_bytes(lines),
        "growth_ms_per_head": checked * 1000 / heads,
    }


def file_bytes(lines: list[bytes]) -> float:
    """Mean size of a head's proof."""
    return sum(map(len, lines)) / len(lines)


def section(found: dict[str, float]) -> report.Section:
    """What stands in BENCHMARKS.md."""
    per_head = found["entries"] / 2 / found["heads"]
    rows: list[tuple[object, ...]] = [
        ("deep audit, two processes", f"{found['deep_audit_s']:.1f} s"),
        ("in proportion, a million entries (limit 5 min)", f"{found['deep_audit_million_min']:.1f} min"),
        ("proofs of growth made from the private bodies", f"{found['growth_made_s']:.1f} s"),
        ("the same, checked with the public log alone", f"{found['growth_checked_s']:.1f} s"),
        (f"size of a head's proof, {per_head:,.0f} uses each", f"{found['growth_bytes_per_head'] / 1000:.1f} kB"),
    ]
    text = (
        f"A log of {found['entries']:,.0f} entries, {found['accounts']:,.0f} accounts, {found['heads']:,.0f} heads.\n\n"
        + report.table(("what", "figure"), rows)
    )
    return report.Section("audit", "Deep audit, and heads that continue each other", "python bench/audit.py", text)


def main() -> int:
    """Measure and write; 1 when the limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=40_000)
    parser.add_argument("--accounts", type=int, default=100)
    parser.add_argument("--heads", type=int, default=40)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measure(options.entries, options.accounts, options.heads)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    else:
        made = section(found)
        report.write(made)
        print(made.text)
    return 0 if found["deep_audit_million_min"] <= 5 else 1


if __name__ == "__main__":
    sys.exit(main())
