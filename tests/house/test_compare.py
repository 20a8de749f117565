"""The comparison with an earlier commit: which figures it reads, and when it calls one worse."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGE = """
<!-- search -->
## Search

| faces | a search, ms | searches a second | memory | people |
|---|---|---|---|---|
| 10,000 | 1.5 (1.4 to 1.6) | 640 | 1,024 MB | 3 |
| 100,000 | - | 12 | 2 GB | 3 |

Text with 5 numbers.
<!-- /search -->
"""


def _comparison() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_compare", ROOT / "bench" / "compare.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


COMPARISON = _comparison()


def test_every_cell_with_a_number_is_a_figure() -> None:
    found = {(figure.row, figure.column): (value, figure.better) for figure, value in COMPARISON.figures(PAGE)}
    assert found == {
        ("10,000", "a search, ms"): (1.5, -1),
        ("10,000", "searches a second"): (640.0, 1),
        ("10,000", "memory"): (1024.0, -1),
        ("10,000", "people"): (3.0, 0),
        ("100,000", "searches a second"): (12.0, 1),
        ("100,000", "memory"): (2.0, -1),
        ("100,000", "people"): (3.0, 0),
    }


@pytest.mark.parametrize(
    ("better", "old", "new", "worse"),
    [(-1, 100, 104, 0.04), (-1, 100, 90, 0), (1, 104, 100, 0.04), (1, 100, 110, 0), (0, 100, 500, 0), (-1, 0, 5, 0)],
)
def test_worse_is_by_the_direction_of_a_figure(better: int, old: float, new: float, worse: float) -> None:
    figure = COMPARISON.Figure("s", "r", "c", better)
    assert COMPARISON.worse_by(figure, old, new) == pytest.approx(worse)


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [((10, 10, 10), (10, 50, 10), False), ((10, 14, 10), (12, 12, 12), False), ((10, 11, 10), (12, 13, 12), True)],
)
def test_what_single_runs_do_is_no_difference(before: tuple[float, ...], now: tuple[float, ...], worse: bool) -> None:
    figure = COMPARISON.Figure("s", "r", "ms", -1)
    (row,) = COMPARISON.compared([{figure: value} for value in before], [{figure: value} for value in now])
    assert row.is_worse(0.03) is worse
