"""``make mutants``: turn every comparison of the checks that matter round, one at a time; some test has to fail.

In: ``GROUPS`` below. Out: a line for each mutant, and status 1 when one survived that ``survivors.toml`` gives no
reason for, or when a reason there is not needed any more. Sources are never touched: tests are collected once, and each
mutant is a fork in which the functions of a module have the code of its changed syntax tree. A mutant that runs longer
than ``LIMIT_S`` counts as found: a check that no longer ends is noticed. ``run.py verdict`` runs the modules whose path
holds that word.
"""

from __future__ import annotations

import ast
import copy
import importlib
import os
import signal
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 120


@dataclass(frozen=True)
class Group:
    """Modules under ``src/custodes``, and the tests that have to notice what is changed in them.

    ``conditions``: also turn each ``not`` and each ``isinstance`` round.
    """

    targets: tuple[str, ...]
    tests: tuple[str, ...]
    conditions: bool = False


_LEDGER = ("operator_lies", "key_change", "party_map", "statement", "erasure", "billing", "maps")
GROUPS = (
    Group(
        (
            "ledger/verifier/verdict.py",
            "ledger/verifier/multiproof.py",
            "ledger/verifier/maps/proof.py",
            "ledger/verifier/maps/head.py",
            "ledger/verifier/maps/key_change.py",
        ),
        tuple(f"tests/ledger_maps/test_{name}.py" for name in _LEDGER),
    ),
    Group(
        (
            "operations/requests/gate.py",
            "operations/policy/decide.py",
            "operations/policy/tenant.py",
            "operations/policy/facts.py",
            "operations/policy/account_facts.py",
            "operations/policy/account_status.py",
            "governance/provider/guardrails.py",
        ),
        (
            "tests/operations/test_gate.py",
            "tests/governance/test_guardrails.py",
            "tests/governance/test_moratorium_rule.py",
            "tests/governance/test_policy_set.py",
            "tests/policy/test_dossier.py",
            "tests/policy/test_moratorium.py",
            "tests/policy/test_police_account.py",
            "tests/policy/test_policy_office.py",
            "tests/policy/test_policy_of_a_server.py",
        ),
        conditions=True,
    ),
)
# Tests that start other processes cannot notice anything: those import the module as it is.
_SELECT = "not zipapp and not imports_only and not checked_along and not offline"
_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


class _Turn(ast.NodeTransformer):
    """Counts comparisons, and turns number ``at`` round."""

    def __init__(self, at: int, *, conditions: bool) -> None:
        self.at = at
        self.conditions = conditions
        self.count = 0
        self.text = ""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        for place, operator in enumerate(node.ops):
            self.count += 1
            if self.count - 1 == self.at:
                before = ast.unparse(node)
                node.ops[place] = _TURNED[type(operator)]()
                self.text = f"{before}  ->  {ast.unparse(node)}"
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "compare_digest":
            self.count += 1
            if self.count - 1 == self.at:
                self.text = f"{ast.unparse(node)}  ->  True"
                return ast.copy_location(ast.Constant(True), node)
        if self.conditions and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            self.count += 1
            if self.count - 1 == self.at:
                self.text = f"{ast.unparse(node)}  ->  not"
                return ast.copy_location(ast.UnaryOp(ast.Not(), node), node)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if self.conditions and isinstance(node.op, ast.Not):
            self.count += 1
            if self.count - 1 == self.at:
                self.text = f"{ast.unparse(node)}  ->  {ast.unparse(node.operand)}"
                return node.operand
        return node


def mutants(path: Path, *, conditions: bool) -> Iterator[tuple[str, CodeType]]:
    """Text and code of each mutant of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at = 0
    while True:
        turn = _Turn(at, conditions=conditions)
        changed = ast.fix_missing_locations(turn.visit(copy.deepcopy(tree)))
        if not turn.text:
            return
        yield turn.text, compile(changed, str(path), "exec")
        at += 1


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    for value in vars(module).values():
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            yield value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            for member in vars(value).values():
                inner = getattr(member, "__func__", getattr(member, "fget", member))
                if isinstance(inner, FunctionType):
                    yield inner


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def mutate(module: ModuleType, code: CodeType) -> None:
    """Give the functions of ``module`` the code that they have in ``code``."""
    new = {each.co_qualname: each for each in _codes(code)}
    for function in _functions(module):
        if function.__code__.co_qualname in new:
            function.__code__ = new[function.__code__.co_qualname]


class Mutants:
    """Runs the collected tests once for each mutant, in place of once."""

    def __init__(self, group: Group, words: list[str]) -> None:
        self.group = group
        self.words = words
        self.bad: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        reasons = tomllib.loads(Path(__file__).with_name("survivors.toml").read_text(encoding="utf-8"))
        if not self._survives(session, None, None):
            self.bad.append("the tests fail as it is")
            return True
        for path in self.group.targets:
            if self.words and not any(word in path for word in self.words):
                continue
            name = "custodes." + path.removesuffix(".py").replace("/", ".")
            allowed, found = reasons.get(path, {}), set()
            for text, code in mutants(ROOT / "src/custodes" / path, conditions=self.group.conditions):
                alive = self._survives(session, importlib.import_module(name), code)
                os.write(2, f"{'SURVIVED' if alive else 'found   '} {path}: {text}\n".encode())
                if alive:
                    found.add(text)
            self.bad += [f"no reason is given why this may survive: {path}: {text}" for text in found - set(allowed)]
            self.bad += [f"this reason is not needed any more: {path}: {text}" for text in set(allowed) - found]
        return True

    def _survives(self, session: pytest.Session, module: ModuleType | None, code: CodeType | None) -> bool:
        child = os.fork()
        if child == 0:
            status = 99
            try:
                os.setsid()
                quiet = os.open(os.devnull, os.O_RDWR)
                os.dup2(quiet, 1)
                os.dup2(quiet, 2)
                if module is not None and code is not None:
                    mutate(module, code)
                for at, item in enumerate(session.items):
                    following = session.items[at + 1] if at + 1 < len(session.items) else None
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                    if session.testsfailed:
                        break
                status = 1 if session.testsfailed else 0
            finally:
                os._exit(status)
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status) == 0
            time.sleep(0.01)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return False


def main(words: list[str]) -> int:
    """Run the mutants of the targets that hold one of ``words``, or of all."""
    os.chdir(ROOT)
    failed = 0
    for group in GROUPS:
        if words and not any(word in path for word in words for path in group.targets):
            continue
        child = os.fork()
        if child == 0:  # pytest collects once in a process
            os._exit(_run(group, words))
        failed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    return failed


def _run(group: Group, words: list[str]) -> int:
    plugin = Mutants(group, words)
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", _SELECT, *group.tests]
    status = pytest.main(options, plugins=[plugin])
    for line in plugin.bad:
        os.write(1, f"{line}\n".encode())
    return 1 if plugin.bad else int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
