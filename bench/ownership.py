"""The ownership rules over large graphs: one of 100,000 parties under all three regimes, and a chain of shells.

In: nothing; the graph is drawn with a fixed seed. Out: the section "Ownership" of BENCHMARKS.md, with the party map.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

import report
from custodes.core.clock import SystemClock
from custodes.deployment.record.statements import open_statements
from custodes.ledger.tlog.trust import parse_policy
from custodes.ledger.verifier.party import PartyQuestion, verify_party
from custodes.ledger.writer.log import LedgerLog
from custodes.screening.entities import Edge
from custodes.screening.ownership import REGIMES, Holdings, blocked, paths
from custodes.storage.ledger.open import open_ledger

SEED = 20260128


def web(parties: int, chance: random.Random) -> list[Edge]:
    """Draw a web: everybody has one to three holders among all others, loops included, some of them in ranges."""
    edges = []
    for asset in range(parties):
        left = 100
        for _ in range(chance.randint(1, 3)):
            low = chance.randint(1, max(1, left - 1))
            left = max(1, left - low)
            kind = chance.choices(["shares", "control", "director"], [90, 4, 6])[0]
            owner = f"p{chance.randrange(parties)}"
            edges.append(Edge(owner, f"p{asset}", low, min(100, low + chance.choice([0, 0, 24])), kind))
    # One chain of shells through the whole, so that there is something deep to follow.
    deep = range(0, parties - 1, max(1, parties // 2000))
    edges += [Edge(f"p{a}", f"p{b}", 60, 60) for a, b in itertools.pairwise(deep)]
    return edges


def measure(parties: int, repeat: int) -> list[tuple[object, ...]]:
    """Time arranging and following, all regimes together, in seconds of processor time."""
    chance = random.Random(SEED)
    edges = web(parties, chance)
    listed = [f"p{chance.randrange(parties)}" for _ in range(max(1, parties // 100))]
    subject = f"p{max(range(0, parties - 1, max(1, parties // 2000)))}"
    total, wall = [], []
    found: list[object] = []
    for _ in range(repeat):
        start, begun = time.process_time(), time.perf_counter()
        found = list(paths(Holdings.of(edges), ["p0", *listed], subject))
        total.append(time.process_time() - start)
        wall.append(time.perf_counter() - begun)
    holdings = Holdings.of(edges)
    caught = [len(blocked(holdings, ["p0", *listed], regime).because) for regime in REGIMES]
    return [(f"{parties:,}", f"{len(edges):,}", len(listed) + 1, " / ".join(f"{one:,}" for one in caught), len(found),
             f"{statistics.median(total):.2f} s", f"{statistics.median(wall):.2f} s")]  # fmt: skip


def parties(dossiers: int) -> list[tuple[object, ...]]:
    """Onboard customers of five parties each, close a head, state about one who is there and one who is not."""
    with tempfile.TemporaryDirectory() as folder:
        log = open_ledger(Path(folder), "ledger.example/bench", SystemClock())
        log.start()
        try:
            return [_parties(dossiers, Path(folder), log)]
        finally:
            log.close()


def _parties(dossiers: int, data: Path, log: LedgerLog) -> tuple[object, ...]:
    statements = open_statements(data)
    start = time.process_time()
    for number in range(dossiers):
        rows = [
            (name, {"acct": f"{number:012}", "role": "owner", "low": 50_000, "high": 75_000})
            for one in range(5)
            for name in (f"lei:{number:012}{one:06}00", f"namefp:firm{number}-{'abcde'[one]}")
        ]
        kept = statements.parties.keep(rows, os.urandom)
        log.append("org", body={"acct": f"{number:012}"}, fields=kept.fields())
    onboarding = (time.process_time() - start) / dossiers
    start = time.process_time()
    statements.close_party_head(log)
    head = time.process_time() - start
    log.append("inc").wait()
    start = time.process_time()
    statements.close_party_head(log)
    again = time.process_time() - start
    key = (data / "ledger.pub").read_text().strip()
    policy = parse_policy(f"log {key}\nquorum none\n".encode())
    sizes, checks = [], []
    for asked in (
        PartyQuestion(("Firm7 A",), (("lei", f"{7:012}{0:06}00"),)),
        PartyQuestion(("Nobody",), (("lei", "9" * 20),)),
    ):
        file = statements.create_party(asked, None, None)
        start = time.process_time()
        verdict = verify_party(file, policy)
        checks.append(time.process_time() - start)
        sizes.append(f"{verdict.word.value} {len(file):,} B")
    costs = (f"{onboarding * 1e3:.1f} ms", f"{head:.2f} s", f"{again * 1e3:.0f} ms")
    return (f"{dossiers:,}", f"{dossiers * 10:,}", *costs, ", ".join(sizes), f"{max(checks) * 1e3:.0f} ms")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dossiers", type=int, default=2_000)
    parser.add_argument("--parties", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="print, write nothing")
    asked = parser.parse_args()
    rows = [row for parties in (1_000, 10_000, asked.parties) for row in measure(parties, asked.repeat)]
    head = ("parties", "edges", "listed", "caught: OFAC / EU / UK", "paths", "processor time", "wall time")
    text = (
        "From edges to the answer for one subject: the graph is arranged once and followed under three regimes, on the "
        "lower and, where that answers nothing, on the upper ends of all ranges. One in a hundred parties is listed; "
        "loops and a chain of 2,000 shells are in it. Wanted: 100,000 parties in under 2 s. Medians of "
        f"{asked.repeat}.\n\n" + report.table(head, rows)
    )
    head = (
        "customers",
        "places",
        "to onboard one",
        "first head",
        "a later head",
        "two names of a party",
        "to check them",
    )
    text += (
        "\n\nThe party map: customers with five parties of a number and a name each. Onboarding one finds ten "
        "new places, writes a file and an entry; the first head reads all files, a later one "
        "what is new. Processor time.\n\n" + report.table(head, parties(asked.dossiers))
    )
    if asked.dry:
        print(text)
    else:
        report.write(report.Section("ownership", "Ownership", ".venv/bin/python bench/ownership.py", text))


if __name__ == "__main__":
    main()
