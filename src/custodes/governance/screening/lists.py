"""Sanctions lists to entries. In: a file (or OFAC's folder of CSV files) and its format.
Out: entries, as published.

Formats: ``uk`` (XML), ``ofac-csv``, ``ofac-xml`` (sdn.xml), ``eu`` (XML 1.1), ``un`` (XML), ``ftm`` (JSON lines),
``csv`` (house lists: uid, kind, name, aliases, birth, country, identifiers). Reads only; keeps nothing.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import orjson

from custodes.core.errors import InvalidParameterError
from custodes.governance.screening.entities import ORGANISATION, OTHER, PERSON, VESSEL, ListedName, ListEntry
from custodes.governance.screening.list_xml import iso_date, records, texts

_OFAC_IDS = (
    ("ru-inn", r"Tax ID No\. (\d{10}|\d{12}) \(Russia\)"),
    ("ru-ogrn", r"Registration (?:Number|ID) (\d{13}|\d{15}) \(Russia\)"),
    ("lei", r"Legal Entity (?:Number|Identifier) ([A-Z0-9]{20})"),
    ("imo", r"IMO (\d{7})"),
    ("nl-kvk", r"(?:Registration Number|Chamber of Commerce Number) (\d{8}) \(Netherlands\)"),
)
_FTM_KINDS = {"Person": PERSON, "Vessel": VESSEL, "Company": ORGANISATION, "Organization": ORGANISATION,
              "LegalEntity": OTHER, "PublicBody": ORGANISATION}  # fmt: skip
_FTM_IDS = {"innCode": "ru-inn", "ogrnCode": "ru-ogrn", "leiCode": "lei", "imoNumber": "imo"}


def read_list(path: Path, form: str) -> Iterator[ListEntry]:
    """Entries of the list at ``path``.

    Raises:
        InvalidParameterError: an unknown format, or content that is not of it.
    """
    reader = FORMATS.get(form)
    if reader is None:
        raise InvalidParameterError(f"unknown list format {form!r}; known: {', '.join(sorted(FORMATS))}")
    try:
        yield from reader(path)
    except (UnicodeDecodeError, csv.Error, orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InvalidParameterError(f"{path.name} is not a list in the format {form}") from error


def _names(*every: tuple[str, bool]) -> tuple[ListedName, ...]:
    clean = {" ".join(text.split()): weak for text, weak in reversed(every) if text and text.strip()}
    return tuple(ListedName(text, weak) for text, weak in reversed(clean.items()))


def _identifier(text: str) -> str:
    return re.sub(r"[\s.-]", "", text).upper()


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.reader(file):
            yield ["" if cell.strip() == "-0-" else cell.strip() for cell in row]


def _ofac_csv(path: Path) -> Iterator[ListEntry]:
    folder, main = (path, path / "sdn.csv") if path.is_dir() else (path.parent, path)
    aliases: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    if (folder / "alt.csv").exists():
        for row in _rows(folder / "alt.csv"):
            if len(row) > 3:
                aliases[row[0]].append((row[3], False))
    places: dict[str, set[str]] = defaultdict(set)
    for name in ("add.csv", "sdn_address.csv"):
        if (folder / name).exists():
            for row in _rows(folder / name):
                if len(row) > 4 and row[4]:
                    places[row[0]].add(row[4].lower())
    for row in _rows(main):
        if len(row) >= 12 and row[0].isdigit():
            yield _ofac_entry(row, aliases[row[0]], places[row[0]])


def _ofac_entry(row: list[str], aliases: list[tuple[str, bool]], places: set[str]) -> ListEntry:
    kind = {"individual": PERSON, "vessel": VESSEL, "aircraft": OTHER}.get(row[2].lower(), ORGANISATION)
    weak = [(text, True) for text in re.findall(r"a\.k\.a\. '([^']+)'", row[11])]
    births = re.findall(r"DOB (?:circa )?([^;.]*\d{4})", row[11])
    found = {(key, value) for key, pattern in _OFAC_IDS for value in re.findall(pattern, row[11])}
    return ListEntry(
        "ofac", row[0], kind, _names((row[1], False), *aliases, *weak),
        tuple(sorted({_ofac_date(birth) for birth in births} - {""})), tuple(sorted(places)), tuple(sorted(found)),
        tuple(re.split(r"\]\s*\[", row[3])) if row[3] else (),
    )  # fmt: skip


_MONTHS = {
    month: f"{at:02}"
    for at, month in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}


def _ofac_date(text: str) -> str:
    found = re.search(r"(\d\d) (\w{3}) (\d{4})", text)
    if found and found.group(2).lower() in _MONTHS:
        return f"{found.group(3)}-{_MONTHS[found.group(2).lower()]}-{found.group(1)}"
    return iso_date(text)


def _ofac_xml(path: Path) -> Iterator[ListEntry]:
    for one in _plain(path, "sdnEntry"):
        first = (" ".join(texts(one, "firstName") + texts(one, "lastName")), False)
        others = [(" ".join(texts(aka, "firstName") + texts(aka, "lastName")), texts(aka, "category") == ["weak"])
                  for aka in one.findall("akaList/aka")]  # fmt: skip
        kind = {"individual": PERSON, "vessel": VESSEL, "aircraft": OTHER}.get(
            "".join(texts(one, "sdnType")).lower(), ORGANISATION
        )
        births = {_ofac_date(text) for text in texts(one, "dateOfBirthList/dateOfBirthItem/dateOfBirth")} - {""}
        places = {text.lower() for text in texts(one, "addressList/address/country")}
        yield ListEntry("ofac", _uid(one, "uid"), kind, _names(first, *others), tuple(sorted(births)),
                        tuple(sorted(places)), (), tuple(texts(one, "programList/program")))  # fmt: skip


def _un(path: Path) -> Iterator[ListEntry]:
    for one in _plain(path, "INDIVIDUAL", "ENTITY"):
        person = one.tag == "INDIVIDUAL"
        parts = [text for at in ("FIRST", "SECOND", "THIRD", "FOURTH") for text in texts(one, f"{at}_NAME")]
        others = []
        for alias in one.findall("INDIVIDUAL_ALIAS") + one.findall("ENTITY_ALIAS"):
            others += [(text, texts(alias, "QUALITY") == ["Low"]) for text in texts(alias, "ALIAS_NAME")]
        original = [(text, False) for text in texts(one, "NAME_ORIGINAL_SCRIPT")]
        births = texts(one, "INDIVIDUAL_DATE_OF_BIRTH/DATE") + texts(one, "INDIVIDUAL_DATE_OF_BIRTH/YEAR")
        places = {text.lower() for text in texts(one, "NATIONALITY/VALUE") + texts(one, "ENTITY_ADDRESS/COUNTRY")}
        yield ListEntry("un", _uid(one, "DATAID"), PERSON if person else ORGANISATION,
                        _names((" ".join(parts), False), *original, *others),
                        tuple(sorted({iso_date(text) for text in births} - {""})), tuple(sorted(places)), (),
                        tuple(texts(one, "UN_LIST_TYPE")))  # fmt: skip


def _uk(path: Path) -> Iterator[ListEntry]:
    for one in _plain(path, "Designation"):
        names = []
        for name in one.findall("Names/Name"):
            parts = [text for at in range(1, 7) for text in texts(name, f"Name{at}")]
            names.append((" ".join(parts), "".join(texts(name, "AliasStrength")).lower().startswith("low")))
        names += [(text, False) for text in texts(one, "NonLatinNames/NonLatinName/NameNonLatinScript")]
        kind = {"Individual": PERSON, "Ship": VESSEL}.get("".join(texts(one, "IndividualEntityShip")), ORGANISATION)
        births = {iso_date(text) for text in texts(one, ".//DOBs/DOB")} - {""}
        numbers = {("gb-coh", _identifier(text)) for text in texts(one, ".//BusinessRegistrationNumber")
                   if re.fullmatch(r"[A-Z0-9]{8}", _identifier(text))}  # fmt: skip
        yield ListEntry("uk", _uid(one, "UniqueID"), kind, _names(*names), tuple(sorted(births)),
                        tuple(sorted({text.lower() for text in texts(one, ".//AddressCountry")})),
                        tuple(sorted(numbers)), tuple(texts(one, "RegimeName")))  # fmt: skip


def _eu(path: Path) -> Iterator[ListEntry]:
    for one in _plain(path, "sanctionEntity"):
        names = [(name.get("wholeName", ""), name.get("strong") == "false") for name in one.findall("nameAlias")]
        kinds = [subject.get("code", "") for subject in one.findall("subjectType")]
        births = {iso_date(birth.get("birthdate") or birth.get("year") or "") for birth in one.findall("birthdate")}
        places = {(found.get("countryDescription") or "").lower() for found in one.findall("citizenship")}
        rules = {found.get("programme", "") for found in one.findall("regulation")} - {""}
        uid = one.get("logicalId", "")
        if not uid:
            raise InvalidParameterError(f"{path.name}: an entity without logicalId")
        yield ListEntry("eu", uid, PERSON if "person" in kinds else ORGANISATION, _names(*names),
                        tuple(sorted(births - {""})), tuple(sorted(places - {""})), (),
                        tuple(sorted(rules)))  # fmt: skip


def _plain(path: Path, *names: str) -> Iterator[Element]:
    return records(path, frozenset(names))


def _uid(element: Element, name: str) -> str:
    found = texts(element, name)
    if not found:
        raise InvalidParameterError(f"an entry without {name}")
    return found[0]


def _ftm(path: Path) -> Iterator[ListEntry]:
    with path.open("rb") as file:
        for line in file:
            told = orjson.loads(line)
            if told["schema"] not in _FTM_KINDS:
                continue
            has = told["properties"]
            names = [(text, False) for key in ("name", "alias", "previousName") for text in has.get(key, [])]
            names += [(text, True) for text in has.get("weakAlias", [])]
            found = {(kind, _identifier(text)) for key, kind in _FTM_IDS.items() for text in has.get(key, [])}
            places = {text.lower() for key in ("country", "nationality", "jurisdiction") for text in has.get(key, [])}
            yield ListEntry("ftm", told["id"], _FTM_KINDS[told["schema"]], _names(*names),
                            tuple(sorted(has.get("birthDate", []))), tuple(sorted(places)), tuple(sorted(found)),
                            tuple(sorted(has.get("programId", []))))  # fmt: skip


def _house(path: Path) -> Iterator[ListEntry]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            kind = row.get("kind") or ORGANISATION
            if kind not in (PERSON, ORGANISATION, VESSEL, OTHER):
                raise InvalidParameterError(f"{path.name}: unknown kind {kind!r}")
            others = [(text, False) for text in (row.get("aliases") or "").split(";")]
            pairs = [text.split(":", 1) for text in (row.get("identifiers") or "").split(";") if ":" in text]
            birth, place = row.get("birth") or "", (row.get("country") or "").lower()
            yield ListEntry("house", row["uid"], kind, _names((row["name"], False), *others),
                            (birth,) if birth else (), (place,) if place else (),
                            tuple(sorted((key.strip(), _identifier(value)) for key, value in pairs)))  # fmt: skip


FORMATS: dict[str, Callable[[Path], Iterator[ListEntry]]] = {
    "uk": _uk, "ofac-csv": _ofac_csv, "ofac-xml": _ofac_xml, "eu": _eu, "un": _un, "ftm": _ftm, "csv": _house,
}  # fmt: skip
