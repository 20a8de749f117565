"""What a command says when it cannot: the fact, what to do about it, and hints that work as printed.

Every command that reads a file or opens a data directory is driven into the same troubles; the rest is a table.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_hints import TREE, wrong
from tests.fakes.command import custodes
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import running

pytestmark = pytest.mark.slow

WRITTEN = {"out", "report", "picture"}
"""Parameters that name what is written, not what is read."""
PLACES = {"data", "state", "keys", "models_dir", "mirror"}
"""Parameters that name a folder which is made, or that has a remedy of its own."""
NOT_SWEPT = {
    ("serve",),
    ("witness", "serve"),
    ("monitor",),
    ("restore",),
    ("backup",),
    ("witness", "key"),
    ("policy", "officer", "key"),
    ("policy", "export"),
    ("screening", "officer", "add"),
}
"""They run until stopped, or make the file that they are given."""
MAKING = {("collection", "export")}
"""Every file that they are given is a new one."""


def values(command: Any, path: Path) -> list[str]:
    """The least that ``command`` must be given, ``path`` wherever it takes one, and words elsewhere."""
    words: list[str] = []
    for parameter in command.params:
        if parameter.required:
            kind = parameter.type_descriptor.annotation
            value = "128" if kind is int else "x" if kind is str or parameter.name in WRITTEN else str(path)
            words += [*([parameter.opts[0]] if parameter.opts[0].startswith("-") else []), value]
    return words


READING = {
    path: command
    for path, command in TREE.items()
    if path not in NOT_SWEPT | MAKING
    and any(
        one.required and "Path" in str(one.type_descriptor.annotation) and one.name not in WRITTEN
        for one in command.params
    )
}
OPENING = {
    path: command
    for path, command in TREE.items()
    if path not in NOT_SWEPT and any("--data" in one.opts for one in command.params)
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory on which a server ran once."""
    data = tmp_path_factory.mktemp("made") / "data"
    with running(data, engine=SquareEngine()):
        pass
    return data


@pytest.fixture
def data(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("AWS_", "CUSTODES_")) and name != "CUSTODES_MODELS"]:
        monkeypatch.delenv(name)
    shutil.copytree(made, tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def placed(command: Any, data: Path) -> list[object]:
    return ["--data", data] if any("--data" in one.opts for one in command.params) else []


def hints_hold(text: str) -> None:
    for hint in re.findall(r"(?:`|: )custodes ([a-z][^`\n]*)", text):
        assert wrong(re.sub(r" --data \S+$", " --data x", hint.strip(" .,;"))) is None, text


def test_many_commands_read_files_and_open_directories() -> None:
    assert len(READING) > 20 and len(OPENING) > 90


@pytest.mark.parametrize("path", READING, ids=" ".join)
def test_a_file_that_is_not_there_is_a_wrong_argument(path: tuple[str, ...], data: Path) -> None:
    missing = data.parent / "missing.file"
    said = custodes(*path, *values(READING[path], missing), *placed(READING[path], data))
    assert (said.returncode, said.stdout) == (2, ""), said.stderr
    assert missing.name in said.stderr.replace("\n", "")
    hints_hold(said.stderr)


ASK_MORE = {("migrate", "rekognition"), ("statement", "create"), ("receipts", "check"), ("models", "add")}
"""Commands that say first what else they need."""
OPTIONAL = [
    (*path, "" if one.param_type_name == "argument" else one.opts[0])
    for path, command in TREE.items()
    if path not in NOT_SWEPT
    for one in command.params
    if not one.required
    and "Path" in str(one.type_descriptor.annotation)
    and one.name not in WRITTEN | PLACES
    and path not in ASK_MORE
]


@pytest.mark.parametrize("path", OPTIONAL, ids=" ".join)
def test_a_file_that_is_named_and_not_there_is_one_as_well(path: tuple[str, ...], data: Path) -> None:
    (*words, option), there, missing = path, data.parent / "there", data.parent / "missing.file"
    there.write_bytes(picture(Square(1)))
    (data.parent / "trust.policy").write_bytes((data / "trust.policy").read_bytes())
    command = TREE[tuple(words)]
    said = custodes(*words, *values(command, there), *placed(command, data), *([option] if option else []), missing)
    assert (said.returncode, said.stdout) == (2, ""), said.stderr
    assert missing.name in said.stderr.replace("\n", "")


@pytest.mark.parametrize("path", READING, ids=" ".join)
def test_a_file_of_any_bytes_is_refused_by_name_and_is_no_defect_of_ours(path: tuple[str, ...], data: Path) -> None:
    garbage = data.parent / "garbage.file"
    garbage.write_bytes(b"\x00\xff{garbage")
    said = custodes(*path, *values(READING[path], garbage), *placed(READING[path], data))
    assert "unexpected error" not in said.stderr
    hints_hold(said.stderr)


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Another process has the directory, and nobody answers for it: a server that just starts."""
    with (data / "custodes.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def newer(data: Path) -> Iterator[None]:
    with closing(sqlite3.connect(data / "custodes.sqlite3", isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    yield


@contextmanager
def broken(data: Path) -> Iterator[None]:
    (data / "custodes.sqlite3").write_bytes(b"no database" * 1000)
    yield


TROUBLES: dict[str, tuple[Callable[[Path], Any], str, str, int]] = {
    "held": (held, r"in use by another process", r"stop it, or wait", 40),
    "newer": (newer, r"has the schema 9999", r"install that version, or restore the backup", 40),
    "broken": (broken, r"custodes\.sqlite3", r"restore", 40),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_command_that_opens_the_directory_says_what_is_wrong_with_it(trouble: str, data: Path) -> None:
    make, fact, remedy, least = TROUBLES[trouble]
    told = []
    with make(data):
        for path, command in OPENING.items():
            said = custodes(*path, *values(command, data.parent / "x.png"), "--data", data)
            assert "unexpected error" not in said.stderr, said.stderr
            hints_hold(said.stderr)
            if re.search(fact, said.stderr):
                assert re.search(remedy, said.stderr), said.stderr
                assert said.returncode == 1
                told.append(path)
    assert len(told) >= least, told
    assert {("account", "list"), ("collection", "list"), ("key", "list"), ("user", "list")} <= set(told)


def photos(data: Path) -> Path:
    folder = data.parent / "photos"
    folder.mkdir()
    (folder / "ann.png").write_bytes(picture(Square(1)))
    return folder


@contextmanager
def taken(_: Path) -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_is_taken(data: Path) -> None:
    with taken(data) as port:
        said = custodes("serve", "--data", data, "--port", port)
    assert said.returncode == 1
    assert f"127.0.0.1:{port}" in said.stderr
    assert "--port" in said.stderr and "CUSTODES_PORT" in said.stderr


def test_index_while_a_server_starts(data: Path) -> None:
    with held(data):
        said = custodes("index", photos(data), "--collection", "people", "--data", data)
    assert said.returncode == 1
    assert "stop it, or wait where it just starts" in said.stderr


def _toml(data: Path, text: str) -> None:
    (data / "custodes.toml").write_text(text)


TABLE: dict[str, tuple[Callable[[Path], object], list[str], dict[str, str], str, str]] = {
    "a folder that cannot be": (
        lambda data: (data.parent / "file").touch(),
        ["serve", "--data", "file/below", "--port", "0"], {}, r"file/below", r"--data or CUSTODES_DATA",
    ),
    "a line that is no TOML": (
        lambda data: _toml(data, "region = 'eu-west-1'\nnot [toml\n"),
        ["account", "list", "--data", "data"], {}, r"custodes\.toml", r"line 2",
    ),
    "a setting of the wrong kind": (
        lambda data: _toml(data, "port = 'many'\n"),
        ["account", "list", "--data", "data"], {}, r"many", r"port",
    ),
    "a setting that there is not": (
        lambda data: _toml(data, "prot = 80\n"),
        ["account", "list", "--data", "data"], {}, r"prot", r"custodes\.toml",
    ),
    "a variable of the wrong kind": (
        lambda data: None, ["account", "list", "--data", "data"], {"CUSTODES_PORT": "many"}, r"many", r"CUSTODES_PORT",
    ),
    "no networks": (
        lambda data: (data.parent / "none").mkdir(),
        ["compare", "photos/ann.png", "photos/ann.png"], {"CUSTODES_MODELS": "none"}, r"centerface", r"models fetch",
    ),
    "no server behind the console": (
        lambda data: None, ["console", "--data", "data"], {}, r"no server runs on data", r"custodes serve",
    ),
    "no server for reviews": (
        lambda data: None, ["review", "list", "--data", "data"], {}, r"does not answer", r"custodes serve",
    ),
    "an endpoint where nobody is": (
        lambda data: None, ["collection", "list", "--endpoint", "http://127.0.0.1:9", "--data", "data"], {},
        r"http://127\.0\.0\.1:9 does not answer", r"--endpoint",
    ),
    "an endpoint that is no URL": (
        lambda data: None, ["collection", "list", "--endpoint", "there", "--data", "data"], {}, r"there", r"URL",
    ),
    "receipts without a trust policy": (
        lambda data: None, ["receipts", "check", "photos"], {}, r"trust\.policy", r"--trust",
    ),
    "a watch without a trust policy": (
        lambda data: None,
        ["monitor", "http://127.0.0.1:9", "--trust", "none.policy", "--state", "s"], {}, r"none\.policy", r"--trust",
    ),
    "a picture into a folder that is not there": (
        lambda data: None, ["compare", "photos/ann.png", "photos/ann.png", "--picture", "none/a.png"], {},
        r"none", r"folder",
    ),
    "a statement into a folder that is not there": (
        lambda data: None,
        ["ledger", "proof", "0", "--out", "none/a.proof", "--data", "data"], {},
        r"custodes: none/a\.proof: ", r"No such file or directory",
    ),
    "an organisation without a member": (
        lambda data: (data.parent / "o.json").write_text("{}"),
        ["screen", "--organisation", "o.json", "--data", "data"], {}, r"organisation", r"'parties'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_the_fact_and_the_remedy_are_said(case: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, words, variables, fact, remedy = TABLE[case]
    photos(data)
    make(data)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    said = custodes(*words)
    assert said.returncode in (1, 2), said.stdout
    assert "unexpected error" not in said.stderr
    for expected in (fact, remedy):
        assert re.search(expected, said.stderr), said.stderr
    hints_hold(said.stderr)


EMPTY = [
    path
    for path in TREE
    if path[-1] == "list" and path not in {("models", "list"), ("account", "list"), ("review", "list")}
]


@pytest.mark.parametrize("path", EMPTY, ids=" ".join)
def test_a_list_of_nothing_is_no_line_for_programs(path: tuple[str, ...], data: Path) -> None:
    said = custodes(*path, *values(TREE[path], data.parent), *placed(TREE[path], data))
    if said.returncode == 0:
        assert said.stdout == ""
