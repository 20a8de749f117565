"""Our name scores beside those of nomenklatura's logic-v2 on the same labelled pairs.

In: a Python that has nomenklatura (it needs ICU to build, so it is in no environment of ours): ``python3 -m venv V &&
V/bin/pip install nomenklatura``, then the path of ``V/bin/python`` as the argument. Without one, nothing is measured
and the section of BENCHMARKS.md stays.
"""

from __future__ import annotations

import csv
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from custodes.screening.comparison import REVIEW, compare_names
from custodes.screening.names.name import prepare
from report import ROOT, Section, table, write

PAIRS = ROOT.parent / "shared" / "data" / "sanctions" / "bench" / "name_cases.csv"
WORKER = Path(__file__).parent / "workers" / "logic_v2.py"
_KINDS = {"Person": "person", "Vessel": "vessel"}


def main() -> None:
    if len(sys.argv) < 2:
        print(__doc__)
        return
    rows = list(csv.DictReader(PAIRS.read_text(encoding="utf-8").splitlines()))
    same = [row["is_match"] == "true" for row in rows]
    value = subprocess.run([sys.argv[1], str(WORKER), str(PAIRS)], check=True, capture_output=True, text=True)
    theirs = [float(score) for score in json.loads(value.stdout)]
    ours = [_score(row) for row in rows]
    points = [
        ("Custodes", REVIEW, ours),
        ("logic-v2", 0.7, theirs),
        ("logic-v2", 0.8, theirs),
        ("logic-v2", 0.9, theirs),
    ]
    lines: list[tuple[object, ...]] = []
    for who, threshold, scores in points:
        precision, recall = _quality(scores, same, threshold)
        f1 = 2 * precision * recall / (precision + recall)
        agree = sum((a >= threshold) == (b >= REVIEW) for a, b in zip(scores, ours, strict=True)) / len(rows)
        lines.append((who, threshold, f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", f"{agree:.3f}"))
    correlation = statistics.correlation(_ranks(ours), _ranks(theirs))
    text = table(("matcher", "threshold", "precision", "recall", "F1", "same verdict as Custodes"), lines)
    text += (
        f"\n\n{len(rows)} labelled pairs; rank correlation of the scores (Spearman) {correlation:.2f}. logic-v2 scores"
    )
    text += " lower for the same likeness: its 0.75 to 0.8 corresponds to our 0.86."
    print(text)
    command = ".venv/bin/python bench/screening_oracle.py PYTHON"
    write(Section("screening-oracle", "Name scores beside nomenklatura's logic-v2", command, text))


def _score(row: dict[str, str]) -> float:
    kind = _KINDS.get(row["schema"], "organisation")
    return compare_names(prepare(row["name1"], kind), prepare(row["name2"], kind)).score


def _quality(scores: Sequence[float], same: Sequence[bool], threshold: float) -> tuple[float, float]:
    right = sum(score >= threshold and is_same for score, is_same in zip(scores, same, strict=True))
    return right / sum(score >= threshold for score in scores), right / sum(same)


def _ranks(scores: Sequence[float]) -> list[float]:
    """Ranks; equal scores share the mean of theirs."""
    order = sorted(scores)
    first = {score: at for at, score in reversed(list(enumerate(order)))}
    last = {score: at for at, score in enumerate(order)}
    return [(first[score] + last[score]) / 2 for score in scores]


if __name__ == "__main__":
    main()
