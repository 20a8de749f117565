"""A picture of how figures of BENCHMARKS.md went from commit to commit.

Run: ``.venv/bin/python bench/history.py``; ``make bench`` does at its end. In: the page as each commit had it. Out:
docs/bench-history.svg, a small curve per figure. It measures nothing. Commits were measured on machines of different
kinds and loads, so a step may be the machine's: bench/compare.py measures two commits side by side.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from compare import figures
from report import PAGE, ROOT

PICTURE = ROOT / "docs" / "bench-history.svg"
_WIDTH, _HEIGHT, _COLUMNS = 300, 130, 3
_LEFT, _TOP, _PLOT_WIDTH, _PLOT_HEIGHT = 14, 44, 220, 62


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure to follow: the first one in ``section`` whose row and column begin so."""

    title: str
    section: str
    row: str
    column: str


CURVES = (
    Curve("Exact search, 1 M x 128, ms", "search", "top 10 of 1,000,000", "ours, ms"),
    Curve("SearchFacesByImage, ms", "http_search", "512 x 512 (", "round trip"),
    Curve("of it outside the engine, ms", "http_search", "512 x 512 (", "outside the engine"),
    Curve("Query path, times face_recognition", "throughput", "1 process, 1 core", "ratio"),
    Curve("DetectFaces ALL, one face, CPU ms", "describe", "ALL", "processor ms"),
    Curve("LFW TAR at 1e-3, %", "lfw", "one enrolment, one query", "TAR % at FAR 1e-3"),
    Curve("Start to /healthz, s", "startup", "start to", "median"),
    Curve("Memory after start, MB", "startup", "resident memory, idle", "median"),
    Curve("Ledger, requests a second, 16 clients", "ledger", "ledger: requests", "per second"),
    Curve("16 clients, requests a second", "ledger_http", "as fast as possible, real engine", "requests/s"),
    Curve("DetectLabels, CPU ms", "labels", "GENERAL_LABELS", "call"),
)


def pages() -> list[tuple[str, str]]:
    """Day and text of the page, of each commit that changed it, oldest first, and as it is now."""
    lines = _git("log", "--reverse", "--format=%H %cs", "--", PAGE.name).splitlines()
    found = [(day, _git("show", f"{commit}:{PAGE.name}")) for commit, day in (line.split() for line in lines)]
    return [*found, ("now", PAGE.read_text(encoding="utf-8"))]


def followed(texts: Sequence[tuple[str, str]]) -> Mapping[Curve, list[tuple[str, float]]]:
    """Days and values of each curve, where it has one; a value that did not change is not repeated."""
    curves: dict[Curve, list[tuple[str, float]]] = {curve: [] for curve in CURVES}
    for day, text in texts:
        there = list(figures(text))
        for curve, points in curves.items():
            value = next(
                (
                    value
                    for figure, value in there
                    if figure.section == curve.section
                    and figure.row.strip("*").startswith(curve.row)
                    and figure.column.startswith(curve.column)
                ),
                None,
            )
            if value is not None and (not points or points[-1][1] != value):
                points.append((day, value))
    return curves


def drawn(curves: Mapping[Curve, list[tuple[str, float]]]) -> str:
    """All curves in one SVG, each from nothing to its largest value."""
    panels = [_panel(curve, points) for curve, points in curves.items() if points]
    rows = -(-len(panels) // _COLUMNS)
    placed = [
        f'<g transform="translate({n % _COLUMNS * _WIDTH} {n // _COLUMNS * _HEIGHT})">{panel}</g>'
        for n, panel in enumerate(panels)
    ]
    size = f"{_COLUMNS * _WIDTH} {rows * _HEIGHT}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(placed)}</svg>\n'
    )


def _panel(curve: Curve, points: Sequence[tuple[str, float]]) -> str:
    most = max(value for _, value in points) or 1.0
    step = _PLOT_WIDTH / max(1, len(points) - 1)
    places = [(_LEFT + n * step, _TOP + _PLOT_HEIGHT * (1 - value / most)) for n, (_, value) in enumerate(points)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    floor = _TOP + _PLOT_HEIGHT
    last_x, last_y = places[-1]
    return (
        f'<text x="{_LEFT}" y="20" font-weight="bold">{escape(curve.title)}</text>'
        f'<text x="{_LEFT}" y="34" fill="#666">{points[0][1]:g} on {points[0][0]}</text>'
        f'<line x1="{_LEFT}" y1="{floor}" x2="{_LEFT + _PLOT_WIDTH}" y2="{floor}" stroke="#ccc"/>'
        f'<polyline points="{line}" fill="none" stroke="#2563a8" stroke-width="1.5"/>'
        f'<circle cx="{last_x:.1f}" cy="{last_y:.1f}" r="2.5" fill="#2563a8"/>'
        f'<text x="{last_x + 6:.1f}" y="{last_y + 4:.1f}">{points[-1][1]:g}</text>'
    )


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def main() -> int:
    """Draw; without a history say so."""
    try:
        texts = pages()
    except (OSError, subprocess.CalledProcessError):
        print("skipped: this is no checkout with a history")
        return 0
    PICTURE.write_text(drawn(followed(texts)), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
