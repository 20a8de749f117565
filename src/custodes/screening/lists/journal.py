"""Tables of the EU's Official Journal: the annexes of its legal acts as CSV, a row for each party and act.

In: a file with the columns ``celex`` (or ``amendedCelex``), ``schema``, ``name``, ``alias`` and so on, as OpenSanctions
transcribes the annexes: cells hold the printed words, several values of a cell between semicolons. Out: entries. What a
row restricts beside parties, such as places, is left out.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from custodes.screening.entities import ORGANISATION, OTHER, PERSON, VESSEL, ListEntry
from custodes.screening.lists.files import named, records
from custodes.screening.lists.notes import ReadingNotes
from custodes.screening.lists.xml import iso_date
from custodes.screening.names.identifiers import canonical, is_sound
from custodes.screening.words.countries import country_code

_KINDS = {"Person": PERSON, "Vessel": VESSEL, "Company": ORGANISATION, "Organization": ORGANISATION,
          "LegalEntity": ORGANISATION, "PublicBody": ORGANISATION, "Airplane": OTHER}  # fmt: skip
_IDENTIFIERS = {"innCode": "ru-inn", "ogrnCode": "ru-ogrn", "leiCode": "lei", "imoNumber": "imo"}
_NUMBERED = {"registrationNumber": "registration number", "taxNumber": "tax number", "idNumber": "number"}
_PLACES = ("country", "nationality", "jurisdiction", "flag")
# "Ivan IVANOV (Иван ИВАНОВ)": the same name in two scripts.
_IN_BRACKETS = re.compile(r"\s*[(\[]([^()\[\]]{3,})[)\]]")


def read(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    """Entries of one table; rows of one party under several measures are one entry."""
    together: dict[str, list[dict[str, str]]] = {}
    for row in records(path, "programKey"):
        if row["schema"] in _KINDS:
            act = row.get("celex") or row.get("amendedCelex", "")
            number = row["recordId"] or row["name"]
            together.setdefault(f"{act}/{row['annex']}/{number}/{row['schema']}", []).append(row)
    for uid, rows in together.items():
        yield _entry(uid, rows, notes)


def _entry(uid: str, rows: list[dict[str, str]], notes: ReadingNotes) -> ListEntry:
    names = [(text, False) for row in rows for text in (row["name"], *_values(row, "alias", "previousName"))]
    names += [(text, True) for row in rows for text in _values(row, "weakAlias")]
    births = {iso_date(part) for row in rows for text in _values(row, "birthDate") for part in _either(text)}
    places = {text.lower() for row in rows for text in _values(row, *_PLACES)}
    numbers: set[tuple[str, str]] = set()
    for row in rows:
        numbers |= _numbers(uid, row, {country_code(place) for place in places}, notes)
    programmes = dict.fromkeys(row["programKey"] for row in rows)
    return ListEntry("eu-journal", uid, _KINDS[rows[0]["schema"]], named(*_apart(names)),
                     tuple(sorted(births - {""})), tuple(sorted(places)), tuple(sorted(numbers)), tuple(programmes),
                     tuple(sorted({text for row in rows for text in _values(row, "address")})))  # fmt: skip


def _numbers(uid: str, row: Mapping[str, str], places: set[str], notes: ReadingNotes) -> set[tuple[str, str]]:
    found = set()
    for column, kind in _IDENTIFIERS.items():
        for text in _values(row, column):
            pair = kind, canonical(text)
            found |= {pair} if is_sound(*pair) else notes.in_text(uid, [f"{kind.rpartition('-')[2]} {text}"])
    for column, label in _NUMBERED.items():
        for text in _values(row, column):
            codes = sorted(places) or [""]
            pairs = {pair for code in codes[:-1] for pair in ReadingNotes().labelled(uid, label, code, text)}
            found |= pairs or notes.labelled(uid, label, codes[-1], text)
    return found | notes.in_text(uid, _values(row, "notes"))


def _apart(names: list[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """Names, with those in brackets beside those before them where they are in another script."""
    for text, weak in names:
        inside = [found for found in _IN_BRACKETS.findall(text) if _is_latin(found) != _is_latin(text.split("(")[0])]
        if inside:
            yield _IN_BRACKETS.sub("", text), weak
            yield from ((found, weak) for found in inside)
        else:
            yield text, weak


def _is_latin(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return sum(letter < "\u0250" for letter in letters) * 2 >= len(letters)


def _either(text: str) -> list[str]:
    """The dates of ``1.2.1960 or 3.4.1961``; a text of one date as it is."""
    return re.split(r"\s+or\s+|\s*/\s*(?=\d{1,2}[./]\d)", text)


def _values(row: Mapping[str, str], *columns: str) -> list[str]:
    """Values of all ``columns``; in quotes where a value holds a semicolon itself."""
    cells = [row[column] for column in columns if row.get(column)]
    read = [next(csv.reader([cell], delimiter=";", skipinitialspace=True), []) for cell in cells]
    return [text.strip() for values in read for text in values if text.strip()]
