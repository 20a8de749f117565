"""Files of known people for ``custodes celebrities import``: CSV or JSON to people and their portraits.

In: a path. Out: one ``Known`` per person. Columns of a CSV, and members of the objects in a JSON list: ``name``; and as
far as known ``wikidata`` (Q42), ``urls``, ``gender`` (Male, Female, Nonbinary, Unlisted), ``portraits`` (paths, from
the file's folder), ``id`` (letters and digits; one is derived when absent). Lists in a CSV are parted by ``|``.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custodes.cli.input_files import require_file
from custodes.core.errors import InvalidParameterError
from custodes.gallery.celebrities import WIKIDATA_ID, Celebrity, KnownGender, stable_id

_COLUMNS = frozenset({"id", "name", "wikidata", "urls", "gender", "portraits"})
_ID = re.compile(r"[0-9A-Za-z]{1,64}")
_SCHEME = re.compile(r"^[a-z]+://", re.IGNORECASE)
_MAX_NAME = 300


@dataclass(frozen=True, slots=True)
class Known:
    """A person and absolute paths of pictures that show nobody larger."""

    person: Celebrity
    portraits: tuple[Path, ...]


def read_known(path: Path) -> list[Known]:
    """Everybody in the file, in its order.

    Raises:
        InvalidParameterError: it cannot be read, or a row is wrong; the message names the row.
    """
    try:
        require_file(path)
        rows = _rows(path)
    except (UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise InvalidParameterError(f"{path} cannot be read as CSV or JSON: {error}") from None
    found: dict[str, Known] = {}
    for number, row in enumerate(rows, 1):
        try:
            known = _known(row, path.resolve().parent)
        except (ValueError, TypeError) as error:
            raise InvalidParameterError(f"{path}: person {number}: {error}") from None
        if known.person.celebrity_id in found:
            raise InvalidParameterError(f"{path}: person {number}: the same person as one before; put an id to each")
        found[known.person.celebrity_id] = known
    return list(found.values())


def _rows(path: Path) -> Sequence[Mapping[str, Any]]:
    if path.suffix.lower() == ".json":
        rows = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise InvalidParameterError(f"{path} must hold a list of objects")
        return rows
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file, restkey="more values than columns"))


def _known(row: Mapping[str, Any], folder: Path) -> Known:
    strange = sorted(str(key) for key in row.keys() - _COLUMNS)
    if strange:
        raise ValueError(f"unknown column {strange[0]!r}; known: {', '.join(sorted(_COLUMNS))}")
    name, wikidata = _text(row, "name"), _text(row, "wikidata")
    if not 0 < len(name) <= _MAX_NAME:
        raise ValueError("a name is needed")
    if wikidata and not WIKIDATA_ID.fullmatch(wikidata):
        raise ValueError(f"{wikidata!r} is not a Wikidata id like Q42")
    given = _text(row, "id")
    if given and not _ID.fullmatch(given):
        raise ValueError("an id has letters and digits, 64 at most")
    gender = _text(row, "gender")
    urls = [_SCHEME.sub("", url) for url in _list(row, "urls")]
    page = f"www.wikidata.org/wiki/{wikidata}"
    if wikidata and page not in urls:
        urls.insert(0, page)
    person = Celebrity(
        celebrity_id=given or stable_id(wikidata or name),
        name=name,
        urls=tuple(urls),
        gender=KnownGender(gender.capitalize()) if gender else None,
    )
    portraits = tuple((folder / portrait).resolve() for portrait in _list(row, "portraits"))
    missing = next((portrait for portrait in portraits if not portrait.is_file()), None)
    if missing is not None:
        raise ValueError(f"there is no portrait {missing}")
    return Known(person, portraits)


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{column} must be text")
    return (value or "").strip()


def _list(row: Mapping[str, Any], column: str) -> list[str]:
    value = row.get(column)
    parts = value.split("|") if isinstance(value, str) else value or []
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise TypeError(f"{column} must be a list of texts")
    return [part.strip() for part in parts if part.strip()]
