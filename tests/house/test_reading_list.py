"""What an auditor has to read: ``ledger/tlog`` and ``ledger/verifier`` and the command over them, and not a line more.

Lines are counted as they stand, with docstrings and blank ones. A ceiling may be lowered here and not be raised without
somebody saying what the new lines check. Of the last 975, 250 check all rules of the log with --ledger
(``public_log``), and that each head of the account map continues the one before (``maps``); 550
check time stamps of outside authorities (``timestamps``, ``tlog/consistency``) and states that
witnesses saw before a period; 80 check whose a receipt is, nested quorums and unknown sectors; 350 check changes of the
VRF key (``maps/key_change``, ``key_change_file``): the file about one names nobody since, and statements stay small;
200 check clocks and notices in moratorium reports (``moratorium/notice``, ``check``), summaries from a wrong minute
(``expected``), and keys of authorities that may sign by RSASSA-PSS only.
"""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
LEDGER = SOURCE / "custodes/ledger"
MAX_LINES = 7_100
MAX_LINES_OF_ONE_QUESTION = 2_860
"""The path of "was X a customer?"; the aim is 1,500, and 3,500 for the whole list.

Whether all public entries obey the rules of the log is a question of its own (``public_log``), which the command asks.
"""


def _file(module: str) -> Path | None:
    path = SOURCE / Path(*module.split("."))
    for found in (path.with_suffix(".py"), path / "__init__.py"):
        if found.is_file():
            return found
    return None


def _reached(module: str) -> set[Path]:
    """Files that importing ``module`` runs, packages left out."""
    todo, seen = [module], dict[str, Path]()
    while todo:
        name = todo.pop()
        path = _file(name)
        if name in seen or path is None:
            continue
        seen[name] = path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                todo += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                todo += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return {path for path in seen.values() if path.name != "__init__.py"}


def _lines(paths: set[Path]) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def test_the_command_reaches_nothing_but_the_two_folders() -> None:
    rooms = {path.relative_to(LEDGER).parts[0] for path in _reached("custodes.ledger.__main__")}
    assert rooms == {"__main__.py", "tlog", "verifier"}


def test_the_reading_list_stays_short() -> None:
    listed = {*LEDGER.glob("tlog/*.py"), *LEDGER.glob("verifier/**/*.py"), LEDGER / "__main__.py"}
    assert 1_000 < _lines(listed) <= MAX_LINES


def test_the_path_of_one_question_stays_short() -> None:
    assert 1_000 < _lines(_reached("custodes.ledger.verifier.verdict")) <= MAX_LINES_OF_ONE_QUESTION
