"""Every command's JSON is in one vocabulary: docs/cli.md has it, one place applies it, and the whole tree is asked."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custodes.cli.json_words import DATA, INSTEAD, spoken
from tests.cli.test_hints import TREE
from tests.fakes.command import custodes
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import running

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "rekognition:*", "Resource": "*"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
ORGANISATION = {"subject": "a", "parties": [{"id": "a", "name": "Acme"}], "edges": []}
LASTING = {"times_ms", "best_shot_ms", "duration_ms", "seen_ms"}
"""Durations, and moments within a video."""
NOT_ASKED = {
    "serve",
    "monitor",
    "video",
    "labels",
    "migrate",
    "backup",
    "restore",
    "tls",
    "quality",
    "liveness",
    "models",
}
"""They run until stopped, or need networks or minutes; what they print goes through the same place."""


def test_the_page_names_what_is_never_said() -> None:
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \|([^|]*)\|$", PAGE, re.MULTILINE)
    never = {word for row in rows for word in re.findall(r"`(\w+)`", row)}
    assert never == INSTEAD.keys()
    below = re.search(r"^Below (.*?) keys are data", PAGE, re.MULTILINE | re.DOTALL)
    assert below is not None
    assert set(re.findall(r"`(\w+)`", below[1])) == DATA


def test_json_leaves_by_one_door() -> None:
    """No command prints JSON of its own making, but documents that are JSON themselves."""
    found = []
    for path in sorted((ROOT / "src" / "custodes" / "cli").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "echo"
            if call and "dumps" in ast.dump(node) and path.name != "output.py":
                found.append(path.name)
    assert found == []


def test_words_are_put_in_place_of_others() -> None:
    given = {"account": "1", "seen_at_ms": 3, "tags": {"account": "x"}, "rows": [{"file": "a", "ResponseMetadata": 1}]}
    assert spoken(given) == {"account_id": "1", "seen_ts_ms": 3, "tags": {"account": "x"}, "rows": [{"path": "a"}]}


def words_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from () if name in DATA else words_in(inner)
    elif isinstance(value, list):
        for one in value:
            yield from words_in(one)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("words")
    (root / "photos").mkdir()
    for path in (root / "ann.png", root / "photos" / "ann.png"):
        path.write_bytes(picture(Square(1)))
    for name, content in {"policy": DOCUMENT, "trust": TRUST, "o": ORGANISATION}.items():
        (root / f"{name}.json").write_text(json.dumps(content))
    return root


def test_the_whole_tree_speaks_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    answered, seen = set(), {}
    with running(folder / "data", engine=SquareEngine()) as server:
        asked = ["account", "create", "--name", "Acme", "--sector", "research", "--country", "NL"]
        made = json.loads(custodes(*asked, "--data", server.data, "--json").stdout)
        words = {
            "account": made["account_id"], "collection": "people", "name": "ann", "user": "ann", "role": "reader",
            "month": "2026-10", "person": "p1", "file": "policy.json", "trust": "trust.json", "pictures": "ann.png",
            "photos": "photos", "photo": "ann.png", "organisation": "o.json", "subject": "a", "owner": "ann",
            "days": "30", "index": "1", "out": "out", "reason": "because",
        }  # fmt: skip
        for path, command in TREE.items():
            ends = path[-1] in {"delete", "close", "suspend"} or path == ("witness", "serve")
            if path[0] in NOT_ASKED or ends or not any("--json" in one.opts for one in command.params):
                continue
            given = list(path)
            for one in command.params:
                if one.required:
                    given += [*one.opts[:1]] if one.opts[0].startswith("-") else []
                    given.append(words.get(one.name, "x"))
            given += ["--data", str(server.data)] if any("--data" in one.opts for one in command.params) else []
            done = custodes(*given, "--json")
            if done.returncode not in (0, 3, 4, 5):
                continue
            answered.add(path)
            for line in done.stdout.splitlines():
                for word in words_in(json.loads(line)):
                    seen.setdefault(word, path)
    assert len(answered) > 55, sorted(answered)
    wrong = {
        word: path
        for word, path in seen.items()
        if word in INSTEAD
        or word == "ResponseMetadata"
        or (word.endswith("_ms") and not word.endswith("ts_ms") and word not in LASTING)
        or not re.fullmatch(r"[a-z][a-z0-9_]*|[A-Z][A-Za-z0-9]*", word)
    }
    assert wrong == {}
