"""List files read safely: bounded in size, in a known encoding, no row cut short. In: a file. Out: rows or records.

Every reader of a format goes through here or through ``list_xml``. What is broken is refused with the reason; nothing
is guessed or repaired, since half a list is worse than yesterday's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from custodes.core.errors import InvalidParameterError
from custodes.screening.entities import ListedName

MAX_BYTES = 512 << 20
MAX_LINE_LENGTH = 16 << 20


def text_of(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark, else in Windows-1252, as OFAC used to write.

    Raises:
        InvalidParameterError: too large, or neither encoding.
    """
    if path.stat().st_size > MAX_BYTES:
        raise InvalidParameterError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB")
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InvalidParameterError(f"{path.name} is not text in UTF-8")


def is_xml(path: Path) -> bool:
    """Whether a file starts as XML does."""
    with path.open("rb") as file:
        return file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def rows(path: Path, columns: int) -> Iterator[list[str]]:
    """Rows of a CSV file without a header, cells stripped.

    Raises:
        InvalidParameterError: a row with fewer than ``columns`` cells: the file was cut short.
    """
    for number, row in enumerate(csv.reader(io.StringIO(text_of(path), newline="")), 1):
        if not row or row == ["\x1a"]:  # OFAC ends files with the end-of-file mark of DOS
            continue
        if len(row) < columns:
            raise InvalidParameterError(f"{path.name} is cut short: row {number} has {len(row)} of {columns} cells")
        yield [cell.strip() for cell in row]


def records(path: Path, mark: str, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Rows of a CSV file by its header, which is the first row with a cell ``mark``; cells stripped.

    Raises:
        InvalidParameterError: no such header, or a row shorter than it.
    """
    header: list[str] = []
    for number, row in enumerate(csv.reader(io.StringIO(text_of(path), newline=""), delimiter=delimiter), 1):
        if not header:
            header = [cell.strip() for cell in row] if mark in (cell.strip() for cell in row) else []
        elif row and any(row):
            if len(row) < len(header):
                raise InvalidParameterError(f"{path.name} is cut short: row {number} has {len(row)} cells")
            yield {name: cell.strip() for name, cell in zip(header, row, strict=False)}
    if not header:
        raise InvalidParameterError(f"{path.name} has no column {mark!r}")


def named(*every: tuple[str, bool]) -> tuple[ListedName, ...]:
    """Names of an entry, each once, empty ones left out; a name that is given both weak and strong is strong."""
    weak: dict[str, bool] = {}
    for text, is_weak in every:
        if clean := " ".join(text.split()):
            weak[clean] = weak.get(clean, True) and is_weak
    return tuple(ListedName(text, is_weak) for text, is_weak in weak.items())
