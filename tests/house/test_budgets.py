"""The house style as numbers: files, functions, headers, broad excepts, names of files."""

from __future__ import annotations

import ast
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "custodes"
MODULES = sorted(path for path in SOURCE.rglob("*.py"))
FILE_LINES, FUNCTION_LINES, PARAMETERS = 400, 60, 6
FOLDER_FILES = 15
# Folders with more, and how many they have: a number may fall here and not rise.
FULL_FOLDERS: dict[str, int] = {}
# Names that say nothing about what is inside.
GRAB_BAGS = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "misc", "tools", "base", "shared"})
# The outer borders: the last resort of the edge, the loops of workers, and the command line.
BORDERS = frozenset(
    {
        "edge/app.py",
        "edge/endpoints/administration.py",
        "edge/http/workers.py",
        "storage/sql/writer.py",
        "engine/runtime/batch.py",
        "gallery/shards/part.py",
        "gallery/shelf.py",
        "jobs/schedule.py",
        "jobs/worker.py",
        "operations/streams/workers.py",
        "cli/main.py",
    }
)


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end without the docstring."""
    assert function.end_lineno is not None
    first = function.body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return function.end_lineno - function.lineno + 1 - docstring


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef, path: Path) -> bool:
    """Parameters of a command are its options, so their number and lines are the command line's."""
    return (
        path.is_relative_to(SOURCE / "cli")
        and "Annotated" in ast.unparse(function.args) + ast.unparse(function)
        and any(word in ast.unparse(function.args) for word in ("Option", "Argument", "Annotated"))
    )


def test_a_file_is_short_and_says_what_it_is() -> None:
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= FILE_LINES, name(path)
        assert ast.get_docstring(tree(path)), (
            f"{name(path)}: a module opens with what goes in, what comes out and what it does not do"
        )
        assert path.stem not in GRAB_BAGS, name(path)


def test_a_folder_holds_what_can_be_taken_in_at_a_glance() -> None:
    """Migrations are numbered records, which no reader looks through."""
    counted = Counter(
        name(path.parent) for path in MODULES if path.name != "__init__.py" and "versions" not in path.parts
    )
    full = {folder: count for folder, count in counted.items() if count > FOLDER_FILES}
    assert all(count <= FULL_FOLDERS.get(folder, 0) for folder, count in full.items()), "group by subject"
    assert set(FULL_FOLDERS) <= set(full), "a folder that is no longer full needs no exception"


def test_functions_are_short_and_take_few_parameters() -> None:
    for path, function in ((module, each) for module in MODULES for each in functions(module)):
        assert code_lines(function) <= FUNCTION_LINES, f"{name(path)}: {function.name}"
        if not is_command(function, path):
            arguments = function.args
            count = len([*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs])
            own = any(argument.arg in ("self", "cls") for argument in arguments.args[:1])
            assert count - own <= PARAMETERS + 2, f"{name(path)}: {function.name} has {count - own} parameters"


def test_everything_is_caught_at_the_outer_borders_only() -> None:
    found = set()
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _raises_again(node):
                found.add(name(path))
    assert found <= BORDERS


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return (
        handler.type is None
        or "Exception" in ast.unparse(handler.type).split(".")
        or "BaseException" in ast.unparse(handler.type)
    )


def _raises_again(handler: ast.ExceptHandler) -> bool:
    """Cleaning up and passing the same error on hides nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_nothing_is_unpickled_or_evaluated() -> None:
    # numpy.load unpickles when it is told to; subprocess is safe only without a shell.
    risky = re.compile(r"\b(pickle|marshal|shelve)\b|(?<![\w.])(eval|exec)\(|shell=True|allow_pickle=True|yaml\.load\(")
    for path in MODULES:
        with path.open("rb") as file:
            code = " ".join(
                token.string
                for token in tokenize.tokenize(file.readline)
                if token.type not in (tokenize.STRING, tokenize.COMMENT)
            )
        assert not risky.search(code.replace(" ", "")), name(path)


def test_the_environment_is_read_in_settings_only() -> None:
    # The models command hands the environment on to package managers, which need all of it. OpenCV takes options of
    # FFmpeg from a variable only, which the child that decodes sets for itself; Ray is told in one to report nothing.
    allowed = {"settings.py", "cli/models/fetch.py", "storage/media/live_child.py", "deployment/bulk/ray_executor.py"}
    readers = {
        name(path) for path in MODULES if re.search(r"\bos\.(environ|getenv)\b", path.read_text(encoding="utf-8"))
    }
    assert readers <= allowed


# Who waits for a batch is nobody's business but the batcher's and its test's.
_REACHES_IN = frozenset({"engine/test_engine_steps.py"})


def test_tests_take_no_private_member_of_an_object() -> None:
    """What a test has to exchange or to see is handed in, or public."""
    tests, found = ROOT / "tests", set()
    for path in tests.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Attribute) or not re.match("_[^_]", node.attr):
                continue
            if ast.unparse(node.value) not in {"self", "cls", "super()", "os", "sys"}:
                found.add(path.relative_to(tests).as_posix())
    assert found == _REACHES_IN
