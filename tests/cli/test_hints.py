"""Commands that messages and pages tell people to type: each is one that there is, with options that it has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from custodes.cli.main import app

ROOT = Path(__file__).parents[2]
# What stands before a command in a message.
HINT = re.compile(r"(?:`|run: |with: |then: |now: |for: |of: |\$\()custodes ([a-z][^`\"\n)]*)")
PAGES = [ROOT / "README.md", ROOT / "packaging" / "description.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Answers of programs on standard output, which machines read: JSON that is a file's own content, or one that is piped.
WITHOUT_JSON = {
    "serve": "runs until stopped",
    "witness serve": "runs until stopped",
    "env": "lines for a shell",
    "collection policy get": "the document, which is JSON",
    "user policy get": "the document, which is JSON",
    "role policy get": "the document, which is JSON",
    "ledger proof": "a file of its own format",
    "monitor": "what it finds is in the files of its state",
    "tls init": "the command that serves with it",
    "screening graph": "an organisation file, which is JSON",
}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
    else:
        for name, child in inner.items():
            yield from leaves(child, (*path, name))


TREE = dict(leaves(typer.main.get_command(app)))
GROUPS = {path[:length] for path in TREE for length in range(1, len(path))}


def wrong(text: str) -> str | None:
    """Why ``text``, what stands after ``custodes``, is no command; None where it is one."""
    words = text.split()
    found: tuple[str, ...] = ()
    while len(found) < len(words) and ((*found, words[len(found)]) in GROUPS or (*found, words[len(found)]) in TREE):
        found = (*found, words[len(found)])
    if found not in TREE:
        # A whole noun may be named, as in "with `custodes policy`".
        return None if found in GROUPS and len(words) == len(found) else f"no such command: custodes {text}"
    known = {name for one in TREE[found].params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
    unknown = [word for word in re.findall(r"(?<=\s)--[a-z][a-z-]*", f" {text}") if word not in known]
    return f"no option {unknown[0]}: custodes {text}" if unknown else None


def messages() -> Iterator[str]:
    for path in sorted((ROOT / "src" / "custodes").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from (match[1].strip(" .,;") for match in HINT.finditer(" ".join(node.value.split())))


def typed(page: Path) -> Iterator[str]:
    """Lines of a page that begin with the command, joined and without remarks, and what its sentences name."""
    text = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
    for line in text.splitlines():
        found = re.match(r"(?:    |\$ )?(?:\$ )?custodes ([a-z].*)", line)
        if found and not re.search(r"\w\||\[", found[1]):  # forms with alternatives are no commands to type
            yield re.split(r"\s+#|\s+[|&<>]|;| -- ", found[1])[0]
    for found in re.finditer(r"`custodes ([a-z][^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        # Neither forms with alternatives nor first lines of what is signed, which end in a version.
        if not re.search(r"\w\||\[|\.\.\.| v\d$", found[1]):
            yield re.split(r"\s+[|&<>]|;| -- ", " ".join(found[1].split()))[0]


def test_messages_name_commands_that_there_are() -> None:
    found = list(messages())
    assert len(found) > 20
    assert [reason for text in found if (reason := wrong(text))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_name_commands_that_there_are(page: Path) -> None:
    assert [reason for text in typed(page) if (reason := wrong(text))] == []


def test_the_check_itself_finds_what_is_wrong() -> None:
    assert wrong("serve --port 0") is None
    assert wrong("policy") is None
    assert wrong("serve --prot 0") == "no option --prot: custodes serve --prot 0"
    assert wrong("policy appply x") is not None


def test_every_command_answers_in_json_or_says_why_not() -> None:
    missing = {
        " ".join(path) for path, command in TREE.items() if not any("--json" in it.opts for it in command.params)
    }
    assert missing == set(WITHOUT_JSON)
