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
from custodes.screening.lists.xml import iso_date, texts
from custodes.screening.lists.xml import records as xml_records
from custodes.screening.names.identifiers import in_text, labelled


def read(path: Path) -> Iterator[ListEntry]:
    """Entries of either form, told by its first character."""
    return _xml(path) if is_xml(path) else _csv(path)


def _xml(path: Path) -> Iterator[ListEntry]:
    for one in xml_records(path, frozenset({"sanctionEntity"})):
        number = one.get("logicalId", "")
        if not number:
            raise InvalidParameterError(f"{path.name}: an entity without logicalId")
        names = [(_whole(name), name.get("strong") == "false") for name in one.findall("nameAlias")]
        kinds = [subject.get("code", "") for subject in one.findall("subjectType")]
        births = {iso_date(birth.get("birthdate") or birth.get("year") or "") for birth in one.findall("birthdate")}
        places = {(found.get("countryIso2Code") or found.get("countryDescription") or "").lower()
                  for found in one.findall("citizenship") + one.findall("address")}  # fmt: skip
        numbers = [
            labelled(f"{found.get('identificationTypeCode', '')} {found.get('identificationTypeDescription', '')}",
                     (found.get("countryIso2Code") or "").lower(),
                     found.get("number") or found.get("latinNumber") or "")
            for found in one.findall("identification")
        ]  # fmt: skip
        members = {
            pair for text in texts(one, "remark") + texts(one, "identification/remark") for pair in in_text(text)
        }
        rules = {found.get("programme", "") for found in one.findall("regulation")} - {""}
        yield ListEntry("eu", number, PERSON if "person" in kinds else ORGANISATION, named(*names),
                        tuple(sorted(births - {""})), tuple(sorted(places - {"", "00"})),
                        tuple(sorted(members | {pair for pair in numbers if pair})), tuple(sorted(rules)))  # fmt: skip


def _whole(name: Element) -> str:
    parts = (name.get(part, "") for part in ("firstName", "middleName", "lastName"))
    return name.get("wholeName") or " ".join(parts)


def _csv(path: Path) -> Iterator[ListEntry]:
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
        numbers = [
            labelled(f"{row.get('Identification_TypeCode', '')} {row.get('Identification_TypeDescription', '')}",
                     row.get("Identification_CountryIsoCode", "").lower(), row.get("Identification_Number", ""))
            for row in rows
        ]  # fmt: skip
        members = {pair for row in rows for pair in in_text(row.get("Entity_Remark", ""))}
        rules = {row.get("Entity_Regulation_Programme") or row.get("Entity_Programme") or "" for row in rows} - {""}
        yield ListEntry("eu", number, PERSON if kind & {"P", "person"} else ORGANISATION,
                        named(*((_row_name(row), _is_weak(row)) for row in rows)), tuple(sorted(births)),
                        tuple(sorted({place.lower() for place in places} - {"", "00"})),
                        tuple(sorted(members | {pair for pair in numbers if pair})), tuple(sorted(rules)))  # fmt: skip


def _row_name(row: dict[str, str]) -> str:
    parts = (row.get(f"NameAlias_{part}", "") for part in ("FirstName", "MiddleName", "LastName"))
    return row.get("NameAlias_WholeName") or " ".join(parts)


def _is_weak(row: dict[str, str]) -> bool:
    """Remarks call weak aliases "low quality"; the CSV has no column for them."""
    return re.search(r"low quality|weak", row.get("NameAlias_Remark", ""), re.IGNORECASE) is not None
