"""Every command that takes a data directory takes the one that ``CUSTODES_DATA`` names, and few may make one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import typer
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.errors import InvalidParameterError


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from leaves(inner, (*path, name))
    yield path, command


WITH_DATA = [
    (path, command)
    for path, command in leaves(typer.main.get_command(app))
    if any("--data" in it.opts for it in command.params)
]


def arguments(command: Any, existing: Path) -> list[str]:
    """The least that ``command`` must be given, of the right types."""
    words: list[str] = []
    for parameter in command.params:
        if parameter.required:
            word = "1" if parameter.type_descriptor.annotation in (int, list[int]) else str(existing)
            words += [*([parameter.opts[0]] if parameter.opts[0].startswith("-") else []), word]
    return words


def test_nearly_all_commands_take_a_data_directory() -> None:
    assert len(WITH_DATA) > 50


@pytest.mark.parametrize(("path", "command"), WITH_DATA, ids=[" ".join(path) for path, _ in WITH_DATA])
@pytest.mark.parametrize("by", ["variable", "option"])
def test_the_variable_and_the_option_name_the_directory(
    path: tuple[str, ...], command: Any, by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A settings file that cannot be read shows whose directory was looked into, before anything is done there."""
    named, other = tmp_path / "named", tmp_path / "other"
    named.mkdir()
    (named / "custodes.toml").write_text("not = [toml")
    monkeypatch.chdir(tmp_path)
    words = [*path, *arguments(command, tmp_path / "named" / "custodes.toml")]
    # The option wins over the variable.
    words += ["--data", str(named)] if by == "option" else []
    answer = CliRunner().invoke(app, words, env={"CUSTODES_DATA": str(named if by == "variable" else other)})
    assert isinstance(answer.exception, InvalidParameterError), answer.output
    assert str(named / "custodes.toml") in str(answer.exception)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["named"]


# Commands that make a directory: their first use may be the first of all.
MAKING = {
    ("serve",),
    ("account", "create"),
    ("index",),
    ("video", "analyze"),
    ("collection", "create"),
    ("celebrities", "import"),
    ("migrate", "rekognition"),
    ("migrate", "compreface"),
    ("migrate", "luna"),
    ("sanctions", "import"),
    ("sanctions", "sources", "add"),
    ("tls", "init"),
    # Takes the pictures first: there has to be something to train on.
    ("labels", "train"),
}
# What must be given beside files, where a file's name would be refused before the directory is looked at.
GIVEN = {
    ("search",): ["PHOTO", "--collection", "people"],
    ("stream", "correct"): ["1", "--unknown"],
    ("task", "regularly"): ["duplicates", "--collection", "people", "--days", "1"],
    ("task", "enrol"): ["s3://bucket/prefix", "--collection", "people"],
    ("task", "re-embed"): ["--collection", "people", "--photos", "FOLDER"],
    ("handler", "put"): ["door", "DOCUMENT"],
    ("handler", "check"): ["DOCUMENT"],
}
READING = [(path, command) for path, command in WITH_DATA if path not in MAKING and path]


@pytest.mark.parametrize(("path", "command"), READING, ids=[" ".join(path) for path, _ in READING])
@pytest.mark.parametrize("content", [None, "", "custodes.toml"], ids=["none", "empty", "settings"])
def test_no_command_but_the_first_makes_a_directory_or_anything_in_it(
    path: tuple[str, ...], command: Any, content: str | None, tmp_path: Path
) -> None:
    photo, document, data = tmp_path / "photo.png", tmp_path / "document.json", tmp_path / "data"
    PIL.Image.fromarray(np.full((120, 120, 3), 90, np.uint8)).save(photo)
    document.write_text("{}")
    if content is not None:
        data.mkdir()
    if content:
        (data / content).write_text("region = 'eu-west-1'\n")
    files = {"PHOTO": str(photo), "DOCUMENT": str(document), "FOLDER": str(tmp_path)}
    given = [files.get(word, word) for word in GIVEN.get(path, ())]
    words = [*path, *(given or arguments(command, photo)), "--data", str(data)]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 1
    told = f"{answer.output}{answer.exception}"
    assert str(data) in told
    assert "custodes serve --data" in told
    assert sorted(found.name for found in data.rglob("*")) == ([content] if content else [])
    assert data.exists() == (content is not None)


def test_a_directory_that_only_lists_made_gets_no_account_and_no_ledger_from_reading(tmp_path: Path) -> None:
    (tmp_path / "screening").mkdir()
    (tmp_path / "screening" / "lists.sqlite3").touch()
    before = sorted(tmp_path.rglob("*"))
    for words in (["account", "list"], ["retention", "list"], ["key", "list"], ["search", "a.png", "-c", "people"]):
        answer = CliRunner().invoke(app, [*words, "--data", str(tmp_path)])
        assert answer.exit_code == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_the_first_command_says_how_a_server_is_started_and_that_works_as_printed(tmp_path: Path) -> None:
    """With a folder whose name a shell would take apart."""
    data = tmp_path / "my data"
    answer = CliRunner().invoke(app, ["account", "list", "--data", str(data)])
    command = re.search("`(.+)`", str(answer.exception))
    assert command is not None
    assert shlex.split(command[1]) == ["custodes", "serve", "--data", str(data)]
