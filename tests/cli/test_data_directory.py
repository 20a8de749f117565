"""Every command that takes a data directory takes the one that ``CUSTODES_DATA`` names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
            word = "1" if parameter.type_descriptor.annotation is int else str(existing)
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
