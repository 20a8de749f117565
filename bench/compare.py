"""Benchmark subjects side by side with an earlier commit: is anything slower than it was?

In: a commit, subjects. Out: a table of every figure that both wrote, with the ratio of the medians, on standard output;
status 1 where one got worse by more than the tolerance, in every run. Each commit has a checkout of its own below
``build/compare``, and an environment of its own where its locked packages are others. The two take turns, so that a
machine that gets slower meanwhile is slower for both. What is not committed is not measured; BENCHMARKS.md stays.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build" / "compare"
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
_MORE_IS_BETTER = re.compile(r"(a|per) second|/ ?s\b|throughput|recall|precision|accuracy|found|mAP", re.IGNORECASE)
_LESS_IS_BETTER = re.compile(r"\b(µs|ms|s|seconds?|minutes|h|B|kB|MB|GB|KiB|MiB|GiB|bytes|lines)\b")


@dataclass(frozen=True, slots=True)
class Figure:
    """A cell of a table: which section, row and column. ``better`` is 1 for more, -1 for less, 0 for nobody knows."""

    section: str
    row: str
    column: str
    better: int


@dataclass(frozen=True, slots=True)
class Checkout:
    """A commit's files and the interpreter that runs them."""

    name: str
    folder: Path
    python: str


def figures(page: str) -> Iterator[tuple[Figure, float]]:
    """The first number of every cell behind the first of a row, in all tables of BENCHMARKS.md."""
    for section, text in re.findall(r"<!-- ([\w-]+) -->(.*?)<!-- /\1 -->", page, re.DOTALL):
        head: list[str] = []
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
            if not cells or set(line) <= set("|-: "):
                head = head if cells else []
            elif not head:
                head = cells
            else:
                yield from _cells(section, head, cells)


def _cells(section: str, head: Sequence[str], cells: Sequence[str]) -> Iterator[tuple[Figure, float]]:
    for column, cell in zip(head[1:], cells[1:], strict=False):
        found = _NUMBER.search(cell)
        if found is not None:
            figure = Figure(section, cells[0], column, direction(f"{cells[0]} {column} {cell}"))
            yield figure, float(found[0].replace(",", ""))


def direction(words: str) -> int:
    """Whether more of what ``words`` name is better (1), less (-1), or nobody knows (0)."""
    if _MORE_IS_BETTER.search(words):
        return 1
    return -1 if _LESS_IS_BETTER.search(words) else 0


def worse_by(figure: Figure, old: float, new: float) -> float:
    """By which share ``new`` is worse than ``old``; 0 where it is not, or nobody knows."""
    if not old or not new or not figure.better:
        return 0.0
    return max(0.0, (new / old if figure.better < 0 else old / new) - 1)


def check_out(revision: str, name: str) -> Checkout:
    """The files of ``revision`` in a folder of their own, which a later call uses again."""
    commit = _git("rev-parse", "--verify", f"{revision}^{{commit}}")
    folder = PLACE / name
    if folder.exists():
        _git("-C", str(folder), "checkout", "--quiet", "--force", "--detach", commit)
    else:
        PLACE.mkdir(parents=True, exist_ok=True)
        _git("worktree", "prune")
        _git("worktree", "add", "--quiet", "--force", "--detach", str(folder), commit)
    shared = PLACE / "shared"  # where subjects look for evaluation data: beside the checkout
    if not shared.is_symlink() and (ROOT.parent / "shared").exists():
        shared.symlink_to(ROOT.parent / "shared")
    locked = "requirements/test.txt"
    if (folder / locked).read_bytes() == (ROOT / locked).read_bytes():
        return Checkout(name, folder, sys.executable)
    subprocess.run(["make", "--silent", ".venv/.test", f"PYTHON={sys.executable}"], cwd=folder, check=True)
    return Checkout(name, folder, str(folder / ".venv" / "bin" / "python"))


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def measure(checkout: Checkout, subject: str) -> dict[Figure, float] | None:
    """What one run of a subject wrote, and what the whole process took; None where it failed or is not there."""
    script = checkout.folder / "bench" / f"{subject}.py"
    if not script.exists():
        return None
    page = checkout.folder / "BENCHMARKS.md"
    page.write_text("", encoding="utf-8")  # so that what stands there afterwards is of this run
    environment = {**os.environ, "PYTHONPATH": str(checkout.folder / "src")}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([checkout.python, str(script)], cwd=checkout.folder, env=environment, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        return None
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    whole = {"CPU s": cpu_s, "wall s": time.monotonic() - begun}
    found = {Figure(subject, "whole process", name, -1): value for name, value in whole.items()}
    return {**found, **dict(figures(page.read_text(encoding="utf-8")))}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure's medians. ``apart``: every run of the one side is worse than every run of the other."""

    figure: Figure
    old: float
    new: float
    apart: bool

    def is_worse(self, tolerance: float) -> bool:
        """Whether it got worse by more than ``tolerance``, and not by what a machine does to single runs."""
        return self.apart and worse_by(self.figure, self.old, self.new) > tolerance


def compared(olds: Sequence[Mapping[Figure, float]], news: Sequence[Mapping[Figure, float]]) -> list[Row]:
    """Figures that every run of both sides has."""
    rows = []
    for figure in news[0]:
        if all(figure in run for run in (*olds, *news)):
            old, new = [run[figure] for run in olds], [run[figure] for run in news]
            apart = max(old) < min(new) or max(new) < min(old)
            rows.append(Row(figure, statistics.median(old), statistics.median(new), apart))
    return rows


def show(rows: Sequence[Row], tolerance: float) -> int:
    """Print rows as a Markdown table; how many got worse by more than ``tolerance``."""
    print("| subject | what | before | now | now / before | |\n|---|---|---|---|---|---|")
    for row in rows:
        figure = row.figure
        ratio = f"{row.new / row.old:.3f}" if row.old else "-"
        said = "WORSE" if row.is_worse(tolerance) else "" if figure.better else "read it yourself"
        print(f"| {figure.section} | {figure.row}: {figure.column} | {row.old:g} | {row.new:g} | {ratio} | {said} |")
    return sum(row.is_worse(tolerance) for row in rows)


def main() -> int:
    """Compare; the exit status is 1 where something got worse or could not be run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", help="the commit to compare the present one with")
    parser.add_argument("subjects", nargs="*", default=["policy", "ledger", "accounts", "search", "startup"])
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, in turns")
    parser.add_argument("--tolerance", type=float, default=0.03, help="share by which a figure may be worse")
    given = parser.parse_args()
    before, now = check_out(given.revision, "before"), check_out("HEAD", "now")
    failed = 0
    for subject in given.subjects:
        runs: dict[str, list[dict[Figure, float]]] = {before.name: [], now.name: []}
        for _ in range(given.rounds):
            for one in (before, now):
                found = measure(one, subject)
                runs[one.name] += [] if found is None else [found]
        if any(len(found) < given.rounds for found in runs.values()):
            print(f"{subject}: a run failed, or one of the commits has no such subject")
            failed += 1
        else:
            failed += show(compared(runs[before.name], runs[now.name]), given.tolerance) > 0
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
