"""Where settings stand: variables of the environment and a TOML file, each value with its place, for people.

In: an environment as a mapping, a path, the names of settings. Out: values by name, unconverted.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custodes.core.errors import InvalidParameterError

PREFIX = "CUSTODES_"
# Read by the test suite, not by the program.
_NOT_OURS = f"{PREFIX}TEST_"


@dataclass(frozen=True, slots=True)
class GivenValue:
    """A value and where it stands, for people."""

    value: Any
    where: str


def from_variables(environ: Mapping[str, str], known: Set[str]) -> dict[str, GivenValue]:
    """Settings that ``environ`` names. Raises InvalidParameterError for one that is not ``known``."""
    found: dict[str, GivenValue] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable.startswith(_NOT_OURS) or variable == f"{PREFIX}CONFIG":
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in known:
            raise InvalidParameterError(f"{variable} is not a setting{_nearest(name, known, PREFIX)}")
        found[name] = GivenValue(value, variable)
    return found


def from_file(path: Path, known: Set[str], *, required: bool) -> dict[str, GivenValue]:
    """Settings of a TOML file; none where there is no file, unless it is ``required``.

    Raises:
        InvalidParameterError: it cannot be read, or names a setting that is not ``known``.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        if required:
            raise InvalidParameterError(f"there is no settings file {path}, which CUSTODES_CONFIG names") from None
        return {}
    except tomllib.TOMLDecodeError as error:
        # It says line and column and, beside them, one letter at most.
        raise InvalidParameterError(f"the settings file {path} is not TOML: {error}") from None
    except (OSError, ValueError) as error:
        raise InvalidParameterError(f"the settings file {path} cannot be read ({type(error).__name__})") from None
    for name in sorted(values.keys() - known):
        raise InvalidParameterError(f"{_line(path, text, name)}: {name} is not a setting{_nearest(name, known, '')}")
    return {name: GivenValue(value, _line(path, text, name)) for name, value in values.items()}


def _line(path: Path, text: str, name: str) -> str:
    """The file, and the line in it where ``name`` is set."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().lstrip("[\"'").startswith(name):
            return f"{path}, line {number}"
    return str(path)


def _nearest(name: str, known: Set[str], prefix: str) -> str:
    """What was probably meant, and where all are listed."""
    near = difflib.get_close_matches(name, known, 1)
    meant = prefix + (near[0].upper() if prefix else near[0]) if near else ""
    return f"; did you mean {meant}? docs/settings.md lists them" if near else "; docs/settings.md lists them"
