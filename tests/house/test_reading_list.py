"""What an auditor has to read, question by question: ``ledger/tlog`` and ``ledger/verifier``, and not a line more.

Lines are counted as they stand, with docstrings and blank ones. A ceiling may be lowered here and not be raised without
somebody saying what the new lines check. Nobody reads everything for one question: each kind of file has a path of its
own, ``docs/ledger.md`` names them, and a path reaches no check of another kind. The aim was 1,500 lines for "was X a
customer?" and 3,500 for the whole list; ADR 0029 says why it is not reached, and how many are lines of code.

Of what is more than that in the whole list, 250 lines check all rules of the log with --ledger (``public_log``) and
that each head of the account map continues the one before (``maps``); 550 check time stamps of outside authorities
(``timestamps``, ``tlog/consistency``) and states that witnesses saw before a period; 80 check whose a receipt is,
nested quorums and unknown sectors; 350 check changes of the VRF key; 200 check clocks and notices in moratorium
reports, summaries from a wrong minute (``expected``), and keys of authorities that may sign by RSASSA-PSS only; 60
check promises that come before receipts (``tlog/proof``); 230 check what a processor says of the machine that a start
ran on (``attestation``).
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
LEDGER = SOURCE / "custodes/ledger"
MAX_LINES = 7_350
PATHS = {
    # question: (module at the end of its path, most lines)
    "statement": ("verdict", 2_790),
    "erasure": ("erasure", 1_960),
    "invoice": ("invoices.invoice", 2_700),
    "moratorium": ("moratorium.check", 2_520),
    "regulation": ("regulation.check", 4_540),
    "party": ("party", 3_560),
    "vrf": ("maps.key_change_file", 2_030),
    "growth": ("map_chain", 2_280),
    "log": ("public_log", 2_020),
    "stamps": ("timestamps.bracket", 3_030),
    "attestation": ("attestation.check", 2_280),
}
OWN = {
    "erasure": "verifier/erasure.py",
    "invoice": "verifier/invoices",
    "moratorium": "verifier/moratorium",
    "regulation": "verifier/regulation",
    "party": "verifier/party.py",
    "vrf": "verifier/maps/key_change_file.py",
    "growth": "verifier/map_chain.py",
    "stamps": "verifier/timestamps",
    "attestation": "verifier/attestation",
}
"""Checks of one kind of file."""
USED = {
    "regulation": {"moratorium", "invoice"},
    # It knows the operations that identify people from the questions of all kinds, and says money in its words.
    "party": {"invoice"},
}
"""What a path reaches of other kinds."""


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


@pytest.mark.parametrize("question", sorted(PATHS))
def test_the_path_of_one_question_stays_short_and_on_its_way(question: str) -> None:
    module, most = PATHS[question]
    reached = _reached(f"custodes.ledger.verifier.{module}")
    assert 1_000 < _lines(reached) <= most
    told = {path.relative_to(LEDGER).as_posix() for path in reached}
    others = {kind for kind, part in OWN.items() if kind != question and any(one.startswith(part) for one in told)}
    assert others == USED.get(question, set())


def test_the_docs_name_each_path_with_its_lines() -> None:
    page = (ROOT / "docs/ledger.md").read_text(encoding="utf-8")
    for question, (module, most) in PATHS.items():
        row = re.search(rf"^\| [^|]+ \| `{module.replace('.', '/')}\.py` \| ([0-9,]+) \|", page, re.M)
        assert row is not None, question
        lines = _lines(_reached(f"custodes.ledger.verifier.{module}"))
        assert lines <= int(row[1].replace(",", "")) <= most, (question, lines)
