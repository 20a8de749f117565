"""Sanctions lists to entries. In: a file (or OFAC's folder of CSV files) and its format. Out: entries, as published.

Formats: ``uk`` and ``eu`` (XML or CSV), ``eu-journal`` (tables of the Official Journal), ``ofac-csv``, ``ofac-xml``
(``sdn.xml`` or the advanced one), ``un`` (XML), ``ftm`` (JSON lines), ``opensanctions`` (``targets.simple.csv``),
``csv`` (house lists: uid, kind, name, aliases, birth, country, identifiers, addresses). Keeps nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from custodes.core.errors import InvalidParameterError
from custodes.screening.entities import ORGANISATION, OTHER, PERSON, VESSEL, ListEntry
from custodes.screening.lists import eu, journal, ofac, uk
from custodes.screening.lists.files import MAX_BYTES, MAX_LINE_LENGTH, named
from custodes.screening.lists.files import records as csv_records
from custodes.screening.lists.notes import ReadingNotes
from custodes.screening.lists.xml import iso_date, records, texts, uid
from custodes.screening.names.identifiers import canonical, in_text, labelled

_FTM_KINDS = {"Person": PERSON, "Vessel": VESSEL, "Company": ORGANISATION, "Organization": ORGANISATION,
              "LegalEntity": OTHER, "PublicBody": ORGANISATION}  # fmt: skip
_FTM_IDS = {"innCode": "ru-inn", "ogrnCode": "ru-ogrn", "leiCode": "lei", "imoNumber": "imo"}


def read_list(path: Path, form: str, notes: ReadingNotes | None = None) -> Iterator[ListEntry]:
    """Entries of the list at ``path``; ``notes`` takes what could not be read.

    Raises:
        InvalidParameterError: an unknown format, or content that is not of it.
    """
    reader = FORMATS.get(form)
    if reader is None:
        raise InvalidParameterError(f"unknown list format {form!r}; known: {', '.join(sorted(FORMATS))}")
    try:
        for entry in reader(path, notes if notes is not None else ReadingNotes()):
            if entry.names:
                yield entry
    except (UnicodeDecodeError, csv.Error, orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
        raise InvalidParameterError(f"{path.name} is not a list in the format {form}") from error
    except OSError as error:
        raise InvalidParameterError(f"{path.name} cannot be read: {error.strerror}") from error


def _un(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    for one in records(path, frozenset({"INDIVIDUAL", "ENTITY"})):
        person = one.tag == "INDIVIDUAL"
        parts = [text for at in ("FIRST", "SECOND", "THIRD", "FOURTH") for text in texts(one, f"{at}_NAME")]
        others = []
        for alias in one.findall("INDIVIDUAL_ALIAS") + one.findall("ENTITY_ALIAS"):
            others += [(text, texts(alias, "QUALITY") == ["Low"]) for text in texts(alias, "ALIAS_NAME")]
        original = [(text, False) for text in texts(one, "NAME_ORIGINAL_SCRIPT")]
        births = texts(one, "INDIVIDUAL_DATE_OF_BIRTH/DATE") + texts(one, "INDIVIDUAL_DATE_OF_BIRTH/YEAR")
        for birth in one.findall("INDIVIDUAL_DATE_OF_BIRTH"):
            ends = texts(birth, "FROM_YEAR") + texts(birth, "TO_YEAR")
            births += ["/".join(ends)] if len(ends) == 2 else []
            if "APPROXIMATELY" in texts(birth, "TYPE_OF_DATE"):
                births = [f"circa {text}" for text in births]
        streets = {
            ", ".join(text for part in ("STREET", "CITY", "COUNTRY") for text in texts(address, part))
            for address in one.findall("INDIVIDUAL_ADDRESS") + one.findall("ENTITY_ADDRESS")
            if texts(address, "STREET")
        }
        places = {text.lower() for text in texts(one, "NATIONALITY/VALUE") + texts(one, "ENTITY_ADDRESS/COUNTRY")}
        numbers = notes.in_text(uid(one, "DATAID"), texts(one, "COMMENTS1"))
        yield ListEntry("un", uid(one, "DATAID"), PERSON if person else ORGANISATION,
                        named((" ".join(parts), False), *original, *others),
                        tuple(sorted({iso_date(text) for text in births} - {""})), tuple(sorted(places)),
                        tuple(sorted(numbers)), tuple(texts(one, "UN_LIST_TYPE")),
                        tuple(sorted(streets)))  # fmt: skip


def _ftm(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    """FollowTheMoney entities, one a line, as OpenSanctions publishes them (``entities.ftm.json``)."""
    if path.stat().st_size > MAX_BYTES * 8:
        raise InvalidParameterError(f"{path.name} is too large")
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE_LENGTH):
            parsed = orjson.loads(line)
            if parsed["schema"] not in _FTM_KINDS:
                continue
            has = parsed["properties"]
            names = [(text, False) for key in ("name", "alias", "previousName") for text in has.get(key, [])]
            names += [(text, True) for text in has.get("weakAlias", [])]
            found = {(kind, canonical(text)) for key, kind in _FTM_IDS.items() for text in has.get(key, [])}
            places = {text.lower() for key in ("country", "nationality", "jurisdiction") for text in has.get(key, [])}
            for text in (*has.get("registrationNumber", []), *has.get("taxNumber", [])):
                pairs = {pair for place in places if (pair := labelled("registration tax", place, text))}
                notes.numbered(parsed["id"], text, pairs)
                found |= pairs
            yield ListEntry("ftm", parsed["id"], _FTM_KINDS[parsed["schema"]], named(*names),
                            tuple(sorted(has.get("birthDate", []))), tuple(sorted(places)), tuple(sorted(found)),
                            tuple(sorted(has.get("programId", []))), tuple(sorted(has.get("address", []))))  # fmt: skip


def _simple(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    """OpenSanctions' ``targets.simple.csv``: a row a party, several values of a cell between semicolons."""
    for row in csv_records(path, "birth_date"):
        if row["schema"] not in _FTM_KINDS:
            continue
        places = tuple(sorted({text.lower() for text in _values(row, "countries")}))
        found: set[tuple[str, str]] = set()
        for text in _values(row, "identifiers"):
            pairs = {pair for place in places if (pair := labelled("registration tax", place, text))}
            pairs = pairs or {*in_text(text)}
            notes.numbered(row["id"], text, pairs)
            found |= pairs
        names = [(row["name"], False), *((text, False) for text in _values(row, "aliases"))]
        births = {iso_date(text) for text in _values(row, "birth_date")} - {""}
        yield ListEntry("opensanctions", row["id"], _FTM_KINDS[row["schema"]], named(*names), tuple(sorted(births)),
                        places, tuple(sorted(found)), tuple(sorted(_values(row, "program_ids", "sanctions"))),
                        tuple(sorted(_values(row, "addresses"))))  # fmt: skip


def _values(row: dict[str, str], *columns: str) -> list[str]:
    """Values of the first of ``columns`` that the file has; in quotes where a value holds a semicolon itself."""
    cell = next((row[column] for column in columns if row.get(column)), "")
    return [text.strip() for text in next(csv.reader([cell], delimiter=";"), []) if text.strip()]


def _house(path: Path, _notes: ReadingNotes) -> Iterator[ListEntry]:
    for row in csv_records(path, "uid"):
        kind = row.get("kind") or ORGANISATION
        if kind not in (PERSON, ORGANISATION, VESSEL, OTHER):
            raise InvalidParameterError(f"{path.name}: unknown kind {kind!r}")
        if not row["uid"] or not row["name"]:
            raise InvalidParameterError(f"{path.name}: a row without uid or name")
        others = [(text, False) for text in row.get("aliases", "").split(";")]
        pairs = [text.split(":", 1) for text in row.get("identifiers", "").split(";") if ":" in text]
        birth, place = row.get("birth", ""), row.get("country", "").lower()
        if birth and not (birth := iso_date(birth)):
            raise InvalidParameterError(f"{path.name}: {row['uid']} has a birth that is no date: {row['birth']!r}")
        yield ListEntry("house", row["uid"], kind, named((row["name"], False), *others),
                        (birth,) if birth else (), (place,) if place else (),
                        tuple(sorted((key.strip(), canonical(value)) for key, value in pairs)), (),
                        tuple(filter(None, map(str.strip, row.get("addresses", "").split(";")))))  # fmt: skip


FORMATS: dict[str, Callable[[Path, ReadingNotes], Iterator[ListEntry]]] = {
    "uk": uk.read, "ofac-csv": ofac.read_csv, "ofac-xml": ofac.read_xml, "eu": eu.read, "eu-journal": journal.read,
    "un": _un, "ftm": _ftm, "opensanctions": _simple, "csv": _house,
}  # fmt: skip
SOURCE_OF = {"ofac-csv": "ofac", "ofac-xml": "ofac", "csv": "house"}
"""Names of lists by format, where they are not the format's own."""
