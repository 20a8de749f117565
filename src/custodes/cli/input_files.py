"""Files and folders that a command is given to read: what is not there, or is no text, is said with its path.

In: a path from the command line. Out: text, or an error. Pictures and videos have readers of their own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from custodes.core.errors import InvalidParameterError


class NoSuchInputError(InvalidParameterError):
    """What the command was given to read is not there; ends with the status of wrong arguments."""


def require_present(path: Path) -> None:
    """Refuse what is neither file nor folder. Raises NoSuchInputError."""
    if not path.exists():
        raise NoSuchInputError(f"{path} does not exist")


def require_file(path: Path) -> None:
    """Refuse what is no file. Raises NoSuchInputError."""
    if not path.is_file():
        reason = "is a folder, and one file is read" if path.is_dir() else "does not exist"
        raise NoSuchInputError(f"{path} {reason}")


def require_folder(path: Path) -> None:
    """Refuse what is no folder. Raises NoSuchInputError."""
    if not path.is_dir():
        reason = "is a file, and a folder is read" if path.exists() else "does not exist"
        raise NoSuchInputError(f"{path} {reason}")


def text_of(path: Path) -> str:
    """UTF-8 text of a file, or of standard input for ``-``.

    Raises:
        InvalidParameterError: it is not there, or something else than text.
        OSError: it cannot be read.
    """
    if str(path) == "-":
        return sys.stdin.read()
    require_file(path)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidParameterError(f"{path} is not UTF-8 text") from error


def json_of(path: Path) -> Any:
    """The JSON value in a file. Raises as ``text_of``."""
    try:
        return json.loads(text_of(path))
    except (ValueError, RecursionError) as error:
        raise InvalidParameterError(f"{path} is not JSON: {error}") from error
