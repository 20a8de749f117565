"""What benchmarks and scripts take from the product is there: nobody runs all of them after each change.

In: the source of bench/, scripts/ and docs/. Out: a failure naming each name that the product has no more.
"""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(path for folder in ("bench", "scripts", "docs") for path in (ROOT / folder).rglob("*.py"))


def missing(source: str) -> list[str]:
    """Names of the product that ``source`` imports in vain."""
    absent = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "custodes":
            names = [alias.name for alias in node.names]
            absent += [f"{node.module}.{name}" for name in names if not _is_there(str(node.module), name)]
    return absent


def _is_there(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name) or bool(importlib.import_module(f"{module}.{name}"))
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_program_imports_what_there_is(path: Path) -> None:
    assert missing(path.read_text(encoding="utf-8")) == []


def test_a_name_that_is_gone_is_found() -> None:
    assert missing("from custodes.core.errors import CustodesError, NobodyError") == [
        "custodes.core.errors.NobodyError"
    ]
