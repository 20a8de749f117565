"""The EU's consolidated list of financial sanctions, as XML 1.1 or CSV 1.1. In: the file. Out: entries.

Source: the schema of the Financial Sanctions Files (``http://eu.europa.ec/fpi/fsd/export``) and the header of its CSV.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from custodes.core.errors import InvalidParameterError
from custodes.screening.entities import ORGANISATION, PERSON, ListEntry
from custodes.screening.lists.files import is_xml, named
from custodes.screening.lists.files import records as csv_records
from custodes.screening.lists.notes import ReadingNotes
from custodes.screening.lists.xml import iso_date, texts
from custodes.screening.lists.xml import records as xml_records

_ADDRESS = ("Street", "City", "ZipCode", "CountryDescription")


def read(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    """Entries of either form, told by its first character."""
    return _xml(path, notes) if is_xml(path) else _csv(path, notes)


def _xml(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    for one in xml_records(path, frozenset({"sanctionEntity"})):
        number = one.get("logicalId", "")
        if not number:
            raise InvalidParameterError(f"{path.name}: an entity without logicalId")
        names = [(_whole(name), name.get("strong") == "false") for name in one.findall("nameAlias")]
        kinds = [subject.get("code", "") for subject in one.findall("subjectType")]
        births = {iso_date(birth.get("birthdate") or birth.get("year") or "") for birth in one.findall("birthdate")}
        places = {(found.get("countryIso2Code") or found.get("countryDescription") or "").lower()
                  for found in one.findall("citizenship") + one.findall("address")}  # fmt: skip
        numbers = notes.in_text(number, texts(one, "remark") + texts(one, "identification/remark"))
        for found in one.findall("identification"):
            label = f"{found.get('identificationTypeCode', '')} {found.get('identificationTypeDescription', '')}"
            written = found.get("number") or found.get("latinNumber") or ""
            numbers |= notes.labelled(number, label, (found.get("countryIso2Code") or "").lower(), written)
        rules = {found.get("programme", "") for found in one.findall("regulation")} - {""}
        yield ListEntry("eu", number, PERSON if "person" in kinds else ORGANISATION, named(*names),
                        tuple(sorted(births - {""})), tuple(sorted(places - {"", "00"})),
                        tuple(sorted(numbers)), tuple(sorted(rules)), _streets(one))  # fmt: skip


def _streets(one: Element) -> tuple[str, ...]:
    """Addresses with a street, as one line each."""
    parts = [[found.get(part, "") for part in ("street", "city", "zipCode", "countryDescription")]
             for found in one.findall("address") if found.get("street")]  # fmt: skip
    return tuple(sorted({", ".join(filter(None, line)) for line in parts}))


def _whole(name: Element) -> str:
    parts = (name.get(part, "") for part in ("firstName", "middleName", "lastName"))
    return name.get("wholeName") or " ".join(parts)


def _csv(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    """One row a name, address, birth or number, each repeating the entity's columns."""
    together: dict[str, list[dict[str, str]]] = {}
    for row in csv_records(path, "Entity_LogicalId", ";"):
        if number := row["Entity_LogicalId"]:
            together.setdefault(number, []).append(row)
    for number, rows in together.items():
        kind = {row.get("Entity_SubjectType_ClassificationCode") or row.get("Entity_SubjectType") for row in rows}
        births = {iso_date(row.get("BirthDate_BirthDate") or row.get("BirthDate_Year") or "") for row in rows} - {""}
        places = {row.get(f"{part}_CountryIsoCode") or row.get(f"{part}_CountryDescription") or ""
                  for row in rows for part in ("Citizenship", "Address")}  # fmt: skip
        numbers = notes.in_text(number, {row.get("Entity_Remark", "") for row in rows})
        for row in rows:
            label = f"{row.get('Identification_TypeCode', '')} {row.get('Identification_TypeDescription', '')}"
            country = row.get("Identification_CountryIsoCode", "").lower()
            numbers |= notes.labelled(number, label, country, row.get("Identification_Number", ""))
        streets = {", ".join(filter(None, (row.get(f"Address_{part}", "") for part in _ADDRESS)))
                   for row in rows if row.get("Address_Street")}  # fmt: skip
        rules = {row.get("Entity_Regulation_Programme") or row.get("Entity_Programme") or "" for row in rows} - {""}
        yield ListEntry("eu", number, PERSON if kind & {"P", "person"} else ORGANISATION,
                        named(*((_row_name(row), _is_weak(row)) for row in rows)), tuple(sorted(births)),
                        tuple(sorted({place.lower() for place in places} - {"", "00"})),
                        tuple(sorted(numbers)), tuple(sorted(rules)), tuple(sorted(streets)))  # fmt: skip


def _row_name(row: dict[str, str]) -> str:
    parts = (row.get(f"NameAlias_{part}", "") for part in ("FirstName", "MiddleName", "LastName"))
    return row.get("NameAlias_WholeName") or " ".join(parts)


def _is_weak(row: dict[str, str]) -> bool:
    """Remarks call weak aliases "low quality"; the CSV has no column for them."""
    return re.search(r"low quality|weak", row.get("NameAlias_Remark", ""), re.IGNORECASE) is not None
