"""Files that were damaged: each is noticed at the start, with what to restore, and never as an unexpected error."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.errors import UnavailableError


@pytest.mark.parametrize("name", ["screening/lists.sqlite3", "custodes.sqlite3"])
@pytest.mark.parametrize("damage", ["garbage", "half"])
def test_a_damaged_database_says_what_to_restore(operator, refused, name, damage):
    with operator.serving():
        pass
    file = operator.data / name
    for beside in (file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        beside.unlink(missing_ok=True)
    data = file.read_bytes()
    assert len(data) >= 8192
    file.write_bytes(b"garbage" * 1000 if damage == "garbage" else data[:4096] + b"\xff" * (len(data) - 4096))
    text = refused()
    assert re.search(rf"{re.escape(file.name)} (is damaged|cannot be opened: .*);?:? .*backup", text), text


def test_the_command_says_it_too(operator):
    with operator.serving():
        pass
    (operator.data / "screening" / "lists.sqlite3").write_bytes(b"garbage" * 1000)
    done = CliRunner().invoke(app, ["sanctions", "status", "--data", str(operator.data)])
    assert isinstance(done.exception, UnavailableError), (done.output, done.exception)
    assert "damaged" in done.exception.message
