"""The UK Sanctions List, as XML or CSV. In: the file that the FCDO publishes. Out: entries.

Source: the list's format guide (designations with up to six name parts, the sixth being the surname or whole name).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from custodes.core.errors import InvalidParameterError
from custodes.screening.entities import ORGANISATION, PERSON, VESSEL, ListEntry
from custodes.screening.lists.files import is_xml, named
from custodes.screening.lists.files import records as csv_records
from custodes.screening.lists.notes import ReadingNotes
from custodes.screening.lists.xml import iso_date, texts, uid
from custodes.screening.lists.xml import records as xml_records
from custodes.screening.names.identifiers import REGISTERS, canonical, in_text, is_sound
from custodes.screening.words.countries import country_code

_KINDS = {"individual": PERSON, "ship": VESSEL}


def read(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    """Entries of either form, told by its first character."""
    return _xml(path, notes) if is_xml(path) else _csv(path, notes)


def _xml(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    for one in xml_records(path, frozenset({"Designation"})):
        names = sorted((_name(name) for name in one.findall("Names/Name")), key=lambda name: not name[0])
        others = [(text, False) for text in texts(one, "NonLatinNames/NonLatinName/NameNonLatinScript")]
        kind = _KINDS.get("".join(texts(one, "IndividualEntityShip")).lower(), ORGANISATION)
        births = {iso_date(text) for text in texts(one, ".//DOBs/DOB")} - {""}
        places = {text.lower() for at in ("AddressCountry", "Nationality") for text in texts(one, f".//{at}")}
        number = uid(one, "UniqueID")
        written = _Written(texts(one, ".//BusinessRegistrationNumber"), texts(one, ".//IMONumber"),
                           texts(one, "OtherInformation") + texts(one, "UKStatementofReasons"))  # fmt: skip
        numbers = _numbers(number, written, places, notes)
        yield ListEntry("uk", number, kind, named(*((text, weak) for _, text, weak in names), *others),
                        tuple(sorted(births)), tuple(sorted(places)), numbers,
                        tuple(texts(one, "RegimeName")), _streets(one))  # fmt: skip


def _streets(one: Element) -> tuple[str, ...]:
    """Addresses with a first line, as one line each."""
    parts = [f"AddressLine{at}" for at in range(1, 7)] + ["AddressPostalCode", "AddressCountry"]
    lines = [[text for part in parts for text in texts(at, part)] for at in one.findall(".//Address")]
    return tuple(sorted({", ".join(line) for line in lines if len(line) > 1}))


def _name(name: Element) -> tuple[bool, str, bool]:
    """Whether it is the primary name, the name, whether it is weak."""
    parts = [text for at in range(1, 7) for text in texts(name, f"Name{at}")]
    primary = "".join(texts(name, "NameType")).lower() == "primary name"
    return primary, " ".join(parts), "low" in "".join(texts(name, "AliasStrength")).lower()


@dataclass(frozen=True, slots=True)
class _Written:
    """What an entry says of numbers: of companies, of ships, in prose."""

    firms: list[str]
    ships: list[str]
    prose: list[str]


def _numbers(uid: str, written: _Written, places: set[str], notes: ReadingNotes) -> tuple[tuple[str, str], ...]:
    """Identifiers: numbers of companies by the countries that an entry names, of ships, and those that prose labels."""
    found = {("imo", canonical(text)) for text in written.ships if is_sound("imo", canonical(text))}
    codes = {country_code(place) for place in places}
    kinds = [kind for kind, register in REGISTERS.items() if register.country and register.country in codes]
    for text in written.firms:
        parts = filter(None, (canonical(part) for part in text.replace(";", ",").split(",")))
        pairs = {*in_text(text)} | {(kind, part) for part in parts for kind in kinds if is_sound(kind, part)}
        notes.numbered(uid, text, pairs)
        found |= pairs
    return tuple(sorted(found | notes.in_text(uid, written.prose)))


def _csv(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    """One row a name: rows of one number are one entry, and need not stand together."""
    together: dict[str, list[dict[str, str]]] = {}
    for row in csv_records(path, "Unique ID"):
        if not row["Unique ID"]:
            raise InvalidParameterError(f"{path.name}: a row without Unique ID")
        together.setdefault(row["Unique ID"], []).append(row)
    for number, rows in together.items():
        rows.sort(key=lambda row: row.get("Name type", "").lower() != "primary name")
        names = [(" ".join(row.get(f"Name {at}", "") for at in range(1, 7)),
                  "low" in row.get("Alias strength", "").lower()) for row in rows]  # fmt: skip
        others = [(row.get("Name non-latin script", ""), False) for row in rows]
        kind = _cells(rows, "Designation Type", "Individual, Entity, Ship")
        births = {iso_date(text) for text in _cells(rows, "D.O.B")} - {""}
        places = {text.lower() for text in _cells(rows, "Address Country", "Nationality(/ies)")}
        written = _Written(_cells(rows, "Business registration number (s)"), _cells(rows, "IMO number"),
                           _cells(rows, "Other Information", "UK Statement of Reasons"))  # fmt: skip
        numbers = _numbers(number, written, places, notes)
        yield ListEntry("uk", number, _KINDS.get("".join(kind[:1]).lower(), ORGANISATION), named(*names, *others),
                        tuple(sorted(births)), tuple(sorted(places)), numbers,
                        tuple(_cells(rows, "Regime Name")), tuple(sorted({*map(_street, rows)} - {""})))  # fmt: skip


def _street(row: dict[str, str]) -> str:
    parts = [row.get(f"Address Line {at}", "") for at in range(1, 7)] + [row.get("Address Postal Code", "")]
    return ", ".join(filter(None, [*parts, row.get("Address Country", "")])) if any(parts) else ""


def _cells(rows: list[dict[str, str]], *columns: str) -> list[str]:
    """What is in these columns of any row, each once."""
    return list(dict.fromkeys(row[column] for column in columns for row in rows if row.get(column)))
