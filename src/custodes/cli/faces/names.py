"""Which ExternalImageId a photo gets: from its folder, its file name, or a CSV file; always in the API's alphabet.

In: a choice (``folder``, ``file`` or a path to a CSV with the columns path and name). Out: a name per photo, or None.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from custodes.core.errors import InvalidParameterError

# Source: pattern and length of shape ExternalImageId in the service model.
_FOREIGN = re.compile(r"[^a-zA-Z0-9_.\-:]")
_MAX_CHARS = 255


@dataclass(frozen=True, slots=True)
class Names:
    """Names photos below ``root``.

    Attributes:
        root: the folder that is indexed.
        choice: ``folder``, ``file``, or anything else when ``table`` is used.
        table: name by path relative to ``root``, from a CSV.
    """

    root: Path
    choice: str
    table: Mapping[str, str] | None = None

    def of(self, photo: Path) -> str | None:
        """The name of ``photo`` as the API accepts it; None when there is none."""
        inside = photo.relative_to(self.root)
        if self.table is not None:
            name = self.table.get(inside.as_posix(), "")
        elif self.choice == "file":
            name = photo.stem
        else:
            name = inside.parts[-2] if len(inside.parts) > 1 else ""
        return acceptable(name) or None

    @property
    def of_persons(self) -> bool:
        """Whether a name is a person's (folder, CSV) rather than the picture's."""
        return self.choice != "file"


def open_names(root: Path, choice: str) -> Names:
    """Names by ``choice``. Raises InvalidParameterError when it is neither a word we know nor a readable CSV."""
    if choice in ("folder", "file"):
        return Names(root, choice)
    try:
        with Path(choice).open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InvalidParameterError(f"--names must be folder, file or a CSV file; {choice} cannot be read") from None
    short = next((number for number, row in enumerate(rows, 1) if len(row) < 2), None)
    if short is not None:
        raise InvalidParameterError(f"{choice}: line {short} needs two columns, path and name")
    return Names(root, choice, {_relative(root, row[0]): row[1].strip() for row in rows})


def acceptable(name: str) -> str:
    """``name`` in the API's alphabet: accents dropped, spaces and signs to ``_``, other letters as their number.

    A letter without an ASCII base, like a Chinese one, becomes ``uXXXX``, so that different names stay different.
    """
    plain = unicodedata.normalize("NFKD", name.strip())
    kept = (char for char in plain if not unicodedata.combining(char))
    return "".join(_letter(char) for char in kept)[:_MAX_CHARS]


def _letter(char: str) -> str:
    if not _FOREIGN.match(char):
        return char
    return f"u{ord(char):04X}" if char.isalnum() else "_"


def _relative(root: Path, path: str) -> str:
    """A path of the CSV relative to the folder; absolute ones are accepted."""
    given = Path(path.strip())
    return (given.relative_to(root) if given.is_relative_to(root) else given).as_posix()
