"""The same sources make the same wheel, and a start writes digests that anybody computes from that wheel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.ledger.tlog.entry import from_b64url
from custodes.operations.record.release import digests_installed, digests_of_wheel, release_of
from tests.fakes.live import LiveServer

ROOT = Path(__file__).parents[2]
SCAN = "src/custodes/storage/vectors/scan.so"
SOURCES = ("src", "packaging", "pyproject.toml", "README.md", "LICENSE")


def build(folder: Path, *, late: bool, compiler: bool = True) -> Path:
    """A wheel of a copy of the sources, whose files were written by another hand at another time."""
    copy = folder / "source"
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    if late:
        for path in copy.rglob("*"):
            os.utime(path, (2_000_000_000, 2_000_000_000))
            if path.is_file():
                path.chmod(0o664)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
    if not compiler or not (ROOT / SCAN).exists():  # what is installed here may have been made without one
        environment["CC"] = ""
    subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True, timeout=60)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    return build(first, late=False), build(second, late=True)


def test_without_a_compiler_a_wheel_is_made_all_the_same(tmp_path: Path) -> None:
    wheel = build(tmp_path, late=False, compiler=False)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".so")]


def test_a_wheel_with_the_scan_names_its_platform(wheels: tuple[Path, Path]) -> None:
    if not (ROOT / SCAN).exists():
        pytest.skip("no compiler when this was installed")
    assert SCAN.removeprefix("src/") in zipfile.ZipFile(wheels[0]).namelist()
    assert not wheels[0].name.endswith("-any.whl")


def test_the_same_sources_make_the_same_bytes(wheels: tuple[Path, Path]) -> None:
    assert wheels[0].read_bytes() == wheels[1].read_bytes()


def test_a_wheel_has_the_digests_of_what_runs(wheels: tuple[Path, Path]) -> None:
    assert digests_of_wheel(wheels[0], ROOT / "requirements" / "run.txt") == digests_installed()


def test_one_byte_more_is_another_program(wheels: tuple[Path, Path], tmp_path: Path) -> None:
    changed = tmp_path / wheels[0].name
    shutil.copy(wheels[0], changed)
    with zipfile.ZipFile(changed, "a") as archive:
        archive.writestr("custodes/ledger/more.py", "")
    assert digests_of_wheel(changed).program != digests_of_wheel(wheels[0]).program


def test_the_command_says_what_a_start_has_written(wheels: tuple[Path, Path], live_server: LiveServer) -> None:
    lock = str(ROOT / "requirements" / "run.txt")
    said = CliRunner().invoke(app, ["ledger", "release", str(wheels[0]), "--lock", lock, "--json"])
    assert said.exit_code == 0, said.output
    found = json.loads(said.output)
    index, envelope = live_server.deployment.ledger.log.tree().newest("boot") or (0, b"{}")
    boot = json.loads(envelope)
    assert {name: boot[name] for name in "rmd"} == found, index
    assert from_b64url(found["r"]) == release_of("").program
    other = CliRunner().invoke(app, ["ledger", "release", str(ROOT / "README.md")])
    assert other.exit_code != 0
