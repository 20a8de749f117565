"""Tests of pages wait for what they read.

In: the source of all tests. Out: a failure naming each line that reads too early.

A click returns before the page that it leads to is there. What Playwright reads at once (a count, all of a kind, what
is visible) is then read of the page before, on a busy machine: the test fails at random, or never can.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
AT_ONCE = {"all", "all_inner_texts", "all_text_contents", "count", "is_visible", "is_checked", "evaluate", "content"}
LEADS_ON = "click"
WAITS = {
    "follow", "go", "goto", "wait_for", "wait_for_url", "wait_for_selector", "wait_for_function", "inner_text",
    "text_content", "get_attribute", "settle", "verdict", "wait_for_load_state", "path",
}  # fmt: skip


def calls(function: ast.AST) -> Iterator[tuple[str, int]]:
    """The names of methods and functions that are called, in the order of the lines."""
    found = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    for node in sorted(found, key=lambda one: (one.end_lineno or 0, one.end_col_offset or 0)):
        if isinstance(node.func, ast.Attribute | ast.Name):
            yield (node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id), node.lineno


def read_too_early(source: str) -> list[int]:
    """Lines that read at once what a click may only lead to."""
    early = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        pending = False
        for name, line in calls(function):
            if name == LEADS_ON:
                pending = True
            elif name in WAITS:
                pending = False
            elif name in AT_ONCE and pending:
                early.append(line)
    return early


def test_no_page_is_read_before_it_is_there() -> None:
    early = {
        f"{path.relative_to(TESTS)}:{line}"
        for path in TESTS.rglob("*.py")
        if ".click()" in (source := path.read_text(encoding="utf-8"))
        for line in read_too_early(source)
    }
    assert early == set(), "use Watched.follow, or wait for something that only the next page has"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def f(p):\n p.link.click()\n p.rows.count()", [3]),
        ("def f(p):\n p.link.click()\n p.row.wait_for()\n p.rows.count()", []),
        ("def f(w):\n w.follow(w.link)\n w.rows.all()", []),
    ],
)
def test_the_rule_finds_what_it_is_for(source: str, lines: list[int]) -> None:
    assert read_too_early(source) == lines
