"""Which ExternalImageId a photo gets: from its folder, its file name, or a CSV file; always in the API's alphabet.

In: a choice (``folder``, ``file``, ``auto``, or a path to a CSV with the columns path and name). Out: a name per photo,
or None.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from custodes.cli.faces.photo_source import PhotoSource
from custodes.core.errors import InvalidParameterError
from custodes.operations.bulk.names import acceptable

AUTO, FOLDER, FILE = "auto", "folder", "file"


@dataclass(frozen=True, slots=True)
class Names:
    """Names photos by where they are below what is indexed.

    Attributes:
        choice: ``folder``, ``file``, or anything else when ``table`` is used.
        table: name by path below what is indexed, from a CSV.
    """

    choice: str
    table: Mapping[str, str] | None = None

    def of(self, photo: PhotoSource) -> str | None:
        """The name of ``photo`` as the API accepts it; None when there is none."""
        inside = photo.inside
        if self.table is not None:
            name = self.table.get(inside.as_posix(), "")
        elif self.choice == FILE:
            name = inside.stem
        else:
            name = inside.parts[-2] if len(inside.parts) > 1 else ""
        return acceptable(name) or None


def open_names(choice: str, photos: Sequence[PhotoSource], root: Path | None = None) -> Names:
    """Names by ``choice``.

    Args:
        choice: ``folder``, ``file`` or a path to a CSV; ``auto`` is folder where any photo is in one, else file.
        photos: what will be named.
        root: the folder that absolute paths of a CSV are below.

    Raises:
        InvalidParameterError: neither a word that is known nor a readable CSV.
    """
    if choice == AUTO:
        choice = FOLDER if any(len(photo.inside.parts) > 1 for photo in photos) else FILE
    if choice in (FOLDER, FILE):
        return Names(choice)
    try:
        with Path(choice).open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InvalidParameterError(f"--names must be folder, file or a CSV file; {choice} cannot be read") from None
    short = next((number for number, row in enumerate(rows, 1) if len(row) < 2), None)
    if short is not None:
        raise InvalidParameterError(f"{choice}: line {short} needs two columns, path and name")
    return Names(choice, {_relative(root, row[0]): row[1].strip() for row in rows})


def _relative(root: Path | None, path: str) -> str:
    """A path of the CSV relative to the folder; absolute ones are accepted."""
    given = Path(path.strip())
    return (given.relative_to(root) if root is not None and given.is_relative_to(root) else given).as_posix()
