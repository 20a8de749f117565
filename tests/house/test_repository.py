"""What may stand in tracked files, and that the lock is the lock of this project."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
# Spelled in pieces, so that this file does not contain what it forbids. Addresses belong to the user's configuration.
REGISTRIES = tuple("".join(parts) for parts in (("pypi", ".org"), ("python", "hosted.org"), ("registry.", "npmjs")))
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(?:wo" r"rk/|ro" r"ot/|ho" r"me/\w+/|Use" r"rs/\w+/)")


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    return [path for path in paths if path.is_file() and path.stat().st_size < 4_000_000]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            found.append((path, data.decode("utf-8", "replace")))
    return found


def test_no_registry_address_and_no_path_of_a_machine() -> None:
    for path, text in texts():
        assert not [word for word in REGISTRIES if word in text], path
        assert MACHINE_PATHS.search(text) is None, path


def test_no_large_files() -> None:
    assert [path for path in tracked() if path.stat().st_size > 1_000_000] == []


def test_no_link_is_tracked() -> None:
    """A link leads to a place of the machine it was made on."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--stage"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    assert [line for line in listed.splitlines() if line.startswith("120000")] == []


@pytest.mark.parametrize("extra", [None, "test"])
def test_lock_covers_the_project(extra: str | None) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(project["optional-dependencies"][extra] if extra else [])]
    lock = (ROOT / "requirements" / f"{extra or 'run'}.txt").read_text(encoding="utf-8")
    locked: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", lock, re.MULTILINE):
        locked.setdefault(canonicalize_name(name), set()).add(version)
    for text in wanted:
        requirement = Requirement(text)
        versions = locked.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in the lock; run: make lock"
        assert all(requirement.specifier.contains(version, prereleases=True) for version in versions), requirement.name


@pytest.mark.parametrize("name", ["run", "test", "clusters"])
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    lock = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock[lock.index("\n", lock.index("make lock")) + 1 :])
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in lock


def test_import_rules_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


def test_make_shows_its_targets() -> None:
    answer = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("run", "test", "check", "bench"):
        assert f"make {target}" in answer.stdout


def test_no_public_class_name_stands_twice() -> None:
    """A name means one thing: a reader who searches for it finds one definition."""
    places: dict[str, list[str]] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_every_folder_of_tests_is_a_package_that_says_its_subject() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    silent = [folder.name for folder in folders if not _docstring(folder / "__init__.py")]
    assert silent == []


def _docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path.exists() else None
