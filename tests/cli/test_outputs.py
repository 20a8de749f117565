"""No command writes over what it reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import typer

from custodes.cli.main import app
from tests.fakes.command import custodes

WRITING = {"--out", "--picture", "--report"}
# Commands with an output and no file to read, or none that is a file of the user's: nothing to destroy.
NOTHING_READ = {
    "custodes erasure certificate",
    "custodes ledger vrf-key-change",
    "custodes ledger proof",
    "custodes policy officer add",
    "custodes policy officer key",
    "custodes policy officer remove",
    "custodes review show",
    "custodes screening show",
    # Their outputs are folders of their own, or a person or a collection is named rather than a file.
    "custodes collection export",
    "custodes migrate compreface",
    "custodes migrate luna",
    "custodes task calibrate",
    "custodes task cluster",
    "custodes task cross-match",
    "custodes task duplicates",
    "custodes task show",
    "custodes screening explain",
    "custodes subject erase",
    "custodes subject export",
}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    PIL.Image.fromarray(np.full((120, 120, 3), 90, np.uint8)).save(path)
    return path


def cases(tmp_path: Path, photo: Path) -> dict[str, tuple[Path, list[object]]]:
    """By command: a file that is read, and arguments that would write there."""
    organisation = tmp_path / "organisation.json"
    organisation.write_text(json.dumps({"subject": "a", "parties": [{"id": "a", "name": "Acme"}], "edges": []}))
    register = tmp_path / "register.json"
    register.write_text("[]")
    pack = tmp_path / "own.cedar"
    pack.write_text("forbid (principal, action, resource);")
    data = tmp_path / "data"
    data.mkdir()
    (data / "account").write_text("123456789012\n")
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    names = tmp_path / "names.csv"
    names.write_text("path,name\nphoto.png,ann\n")
    return {
        "custodes compare": (photo, ["compare", photo, photo, "--picture", photo]),
        "custodes search": (photo, ["search", photo, "--collection", "c", "--picture", photo, "--data", data]),
        "custodes statement stamps": (film, ["statement", "stamps", film, "--out", film, "--data", data]),
        "custodes video analyze": (film, ["video", "analyze", film, "--out", film, "--data", data]),
        "custodes video search": (film, ["video", "search", film, "-c", "c", "--out", film, "--data", data]),
        "custodes analyze": (photo, ["analyze", photo, "--out", photo]),
        "custodes index": (
            names,
            ["index", photo.parent, "--collection", "c", "--names", names, "--report", names, "--data", data],
        ),
        "custodes screen": (
            organisation,
            ["screen", "--organisation", organisation, "--picture", organisation, "--data", data],
        ),
        "custodes screening graph": (
            register,
            ["screening", "graph", register, "--format", "bods", "--subject", "a", "--out", register],
        ),
        "custodes labels train": (photo, ["labels", "train", photo.parent, "--picture", photo, "--data", data]),
        "custodes policy propose": (pack, ["policy", "propose", pack, "--out", pack, "--data", data]),
    }


def writing_commands(name: str = "custodes", command: object = None) -> set[str]:
    """Commands that have an option to write a file and an argument that names one to read."""
    command = typer.main.get_command(app) if command is None else command
    inner = getattr(command, "commands", None)
    if inner is not None:
        return {found for key, child in inner.items() for found in writing_commands(f"{name} {key}", child)}
    writes = any(WRITING & set(parameter.opts) for parameter in command.params)
    reads = any(
        not parameter.opts[0].startswith("-") or "--organisation" in parameter.opts for parameter in command.params
    )
    return {name} if writes and reads else set()


def test_every_command_that_could_is_among_the_cases(tmp_path, photo):
    assert writing_commands() - NOTHING_READ - cases(tmp_path, photo).keys() == set()


@pytest.mark.parametrize(
    "command", ["compare", "search", "analyze", "index", "screen", "screening graph", "policy propose", "labels train"]
)
def test_what_is_read_is_not_written(command, tmp_path, photo):
    read, arguments = cases(tmp_path, photo)[f"custodes {command}"]
    before = read.read_bytes()
    done = custodes(*arguments)
    assert done.returncode == 1
    assert "destroy" in done.stderr
    assert read.read_bytes() == before
    link = tmp_path / f"another{read.suffix}"
    link.hardlink_to(read)
    swapped = [link if argument is read else argument for argument in arguments[:-1]]
    again = custodes(*swapped, *([arguments[-1]] if arguments[-1] is not read else [read]))
    assert again.returncode == 1
    assert read.read_bytes() == before
