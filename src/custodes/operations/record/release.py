"""Digests of what runs, for the ledger's ``boot`` entry, and the same digests of a wheel, for whoever compares.

In: the files of the program, versions of what it depends on, the cards of its networks, the settings as text; or a
wheel and a lock file. Out: a ``Release``. The same files give the same numbers, wherever they are installed: FORMAT.md,
"Digests of a start". That these files are what runs is this program's own word.
"""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from custodes.core.errors import InvalidParameterError
from custodes.models.card import ModelCard, load_cards, parse_cards
from custodes.operations.record.start import Release

PACKAGE = "custodes"
_PROGRAM = f"{PACKAGE} (pyproject.toml)"
_PIN = re.compile(r"[A-Za-z0-9]")
_WRITTEN_BESIDE = "__pycache__"
_CARDS = f"{PACKAGE}/models/cards.toml"


@dataclass(frozen=True, slots=True)
class Digests:
    """Members ``r``, ``m`` and ``d`` of a ``boot`` entry; the last is None where nobody knows what is installed."""

    program: bytes
    models: bytes
    dependencies: bytes | None


@cache
def digests_installed() -> Digests:
    """Of the package that this module belongs to, and of what is installed beside it; read once a process."""
    program = Path(__file__).parents[2]
    return Digests(program_digest(_files(program)), models_digest(load_cards()), dependencies_digest(_installed()))


def release_of(configuration: str) -> Release:
    """What runs here, with these settings as text."""
    found = digests_installed()
    return Release(found.program, found.models, _sha256(configuration), found.dependencies)


def digests_of_wheel(wheel: Path, lock: Path | None = None) -> Digests:
    """The same numbers from a wheel, and from the lock file by which its dependencies are installed.

    Raises:
        InvalidParameterError: a file cannot be read, or is no wheel of this program or no lock file.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if _counts(name) and not name.endswith("/")]
            files = {name: archive.read(name) for name in names}
        pins = None if lock is None else _pins(lock.read_text(encoding="utf-8"))
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise InvalidParameterError(f"cannot be read: {error}") from error
    except InvalidRequirement as error:
        raise InvalidParameterError(f"{lock} is no lock file: {error}") from error
    if _CARDS not in files:
        raise InvalidParameterError(f"{wheel} is no wheel of {PACKAGE}")
    models = models_digest(parse_cards(files[_CARDS].decode()))
    dependencies = None if pins is None else dependencies_digest(pins)
    return Digests(program_digest(files.items()), models, dependencies)


def program_digest(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Over paths, as RECORD of a wheel has them, and contents."""
    lines = [f"{path} {hashlib.sha256(content).hexdigest()}\n" for path, content in sorted(files)]
    return _sha256("custodes release v1\n" + "".join(lines))


def models_digest(cards: Mapping[str, ModelCard]) -> bytes:
    """Over the names and fingerprints of the networks' cards."""
    lines = [f"{name} {cards[name].fingerprint}\n" for name in sorted(cards)]
    return _sha256("custodes models v1\n" + "".join(lines))


def dependencies_digest(pins: Mapping[str, str]) -> bytes | None:
    """Over names and versions of what the program depends on; None where nothing is known."""
    lines = [f"{name}=={pins[name]}\n" for name in sorted(pins)]
    return _sha256("custodes dependencies v1\n" + "".join(lines)) if lines else None


def _files(program: Path) -> Iterator[tuple[str, bytes]]:
    for folder, folders, files in os.walk(program):
        folders[:] = [each for each in folders if each != _WRITTEN_BESIDE]
        place = (PurePosixPath(PACKAGE) / Path(folder).relative_to(program).as_posix()).as_posix()
        for file in files:
            yield f"{place}/{file}", Path(folder, file).read_bytes()


def _counts(name: str) -> bool:
    """Whether a file belongs to the program; what Python itself writes beside it does not."""
    return name.startswith(f"{PACKAGE}/") and f"/{_WRITTEN_BESIDE}/" not in name


def _installed() -> dict[str, str]:
    """Versions of all that the program needs here, and of what that needs; empty where it is not installed."""
    found: dict[str, str] = {}
    open_names = [PACKAGE]
    while open_names:
        name = open_names.pop()
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        version, requirements = _declared(distribution)
        if name != PACKAGE:
            found[name] = version
        for text in requirements:
            needed = Requirement(text)
            wanted = needed.marker is None or needed.marker.evaluate({"extra": ""})
            following = canonicalize_name(needed.name)
            if wanted and following not in found and following not in open_names:
                open_names.append(following)
    return found


def _declared(distribution: metadata.Distribution) -> tuple[str, Sequence[str]]:
    """Version and requirements. Their lines are read here, as the parser for mail that the library uses is slow."""
    text = distribution.read_text("METADATA")
    if text is None:
        return distribution.version, distribution.requires or ()
    lines = text.partition("\n\n")[0].splitlines()
    version = next((line[9:].strip() for line in lines if line.startswith("Version: ")), "")
    return version, [line[15:].strip() for line in lines if line.startswith("Requires-Dist: ")]


def _pins(lock: str) -> dict[str, str]:
    """Names and versions that a lock file has for this machine, of what the program needs when it runs.

    The lock also has what builds the program. Comments behind each pin say for whose sake it is there.
    """
    found: dict[str, str] = {}
    needed_by: dict[str, set[str]] = {}
    name = ""
    for line in lock.splitlines():
        if _PIN.match(line):
            pinned = Requirement(line.removesuffix("\\"))
            name = canonicalize_name(pinned.name)
            if pinned.marker is None or pinned.marker.evaluate():
                found[name] = str(pinned.specifier).removeprefix("==")
        elif line.startswith("    #"):
            needed_by.setdefault(name, set()).add(line.strip(" #").removeprefix("via").strip())
    wanted = {name for name in found if _PROGRAM in needed_by.get(name, ())}
    while more := {name for name in found if needed_by.get(name, set()) & wanted} - wanted:
        wanted |= more
    return {name: found[name] for name in wanted}


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
