"""OFAC's lists: CSV files with their aliases and addresses, ``sdn.xml``, and the advanced XML of the Sanctions List
Service. In: files of the SDN or the consolidated list. Out: entries.

Source: OFAC's published data specification, and the Advanced Sanctions Data Model (UN 1201) schema.
"""  # fmt: skip

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from custodes.core.errors import InvalidParameterError
from custodes.screening.entities import ORGANISATION, OTHER, PERSON, VESSEL, ListEntry
from custodes.screening.lists.files import named, rows
from custodes.screening.lists.notes import ReadingNotes
from custodes.screening.lists.xml import iso_date, records, root_of, texts, uid
from custodes.screening.names.identifiers import canonical, labelled
from custodes.screening.words.countries import country_code

_KINDS = {"individual": PERSON, "vessel": VESSEL, "aircraft": OTHER, "entity": ORGANISATION}
_NUMBERED = re.compile(r"([A-Z][A-Za-z./ ]{2,60}?) ([0-9A-Z][0-9A-Z -]{5,24}) \(([A-Za-z, ]+)\)")
_ORDER = {"First Name": 0, "Middle Name": 1, "Patronymic": 2, "Last Name": 4, "Maiden Name": 5, "Matronymic": 5}


_ALIASES = ("alt.csv", "cons_alt.csv", "sdn_alt.csv")
_ADDRESSES = ("add.csv", "cons_add.csv", "sdn_address.csv")
_REMARKS = ("sdn_comments.csv", "cons_comments.csv")
_MAIN = ("sdn.csv", "cons_prim.csv")


def read_csv(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    """Entries of ``sdn.csv`` or ``cons_prim.csv`` in a folder, with what lies beside it: aliases, addresses, remarks.

    A file that is missing there is noted.
    """
    folder = path if path.is_dir() else path.parent
    main = next((folder / name for name in _MAIN if (folder / name).exists()), None) if path.is_dir() else path
    if main is None:
        raise InvalidParameterError(f"{folder.name} holds neither sdn.csv nor cons_prim.csv")
    own = "cons" if main.name.startswith("cons") else "sdn"
    aliases: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for row in _beside(folder, _ALIASES, 5, notes, f"{_ALIASES[own == 'cons']}: entries have no aliases"):
        aliases[row[0]].append((row[3], False))
    places: dict[str, set[str]] = defaultdict(set)
    streets: dict[str, list[str]] = defaultdict(list)
    for row in _beside(folder, _ADDRESSES, 6, notes, f"{_ADDRESSES[own == 'cons']}: entries have no addresses"):
        places[row[0]].add(_cell(row[4]).lower())
        streets[row[0]].append(", ".join(filter(None, map(_cell, row[2:5]))))
    remarks: dict[str, str] = defaultdict(str)
    for row in _beside(folder, _REMARKS, 2, notes, ""):
        remarks[row[0]] += _cell(row[1])
    for row in rows(main, 12):
        if row[0].isdigit():
            cells = [_cell(cell) for cell in row]
            cells[11] += remarks[row[0]]
            yield _entry(cells, aliases[row[0]], _At(places[row[0]] - {""}, streets[row[0]]), notes)


def _beside(folder: Path, names: tuple[str, ...], columns: int, notes: ReadingNotes, lack: str) -> Iterator[list[str]]:
    """Rows of those of the files that are there; ``lack`` is noted where none is."""
    there = [folder / name for name in names if (folder / name).exists()]
    if lack and not there:
        notes.missing.append(lack)
    for file in there:
        yield from rows(file, columns)


@dataclass(frozen=True, slots=True)
class _At:
    """Where a party is: countries and addresses."""

    places: set[str]
    streets: list[str]


def _cell(cell: str) -> str:
    return "" if cell == "-0-" else cell


def _entry(row: list[str], aliases: list[tuple[str, bool]], at: _At, notes: ReadingNotes) -> ListEntry:
    weak = [(text, True) for text in re.findall(r"a\.k\.a\. '([^']+)'", row[11])]
    births = re.findall(r"DOB ([^;.]*\d{4}s?)", row[11])
    return ListEntry(
        "ofac", row[0], _KINDS.get(row[2].lower(), ORGANISATION), named((row[1], False), *aliases, *weak),
        tuple(sorted({iso_date(birth) for birth in births} - {""})), tuple(sorted(at.places)),
        tuple(sorted(_identifiers(row[0], row[11], notes))), tuple(re.split(r"\]\s*\[", row[3])) if row[3] else (),
        tuple(sorted({*at.streets} - {""})),
    )  # fmt: skip


def _identifiers(number: str, remarks: str, notes: ReadingNotes) -> set[tuple[str, str]]:
    found = {pair for label, written, country in _NUMBERED.findall(remarks)
             if (pair := labelled(label, country_code(country), written))}  # fmt: skip
    found |= {pair for written in re.findall(r"Legal Entity (?:Number|Identifier) ([A-Z0-9]{20})", remarks)
              if (pair := labelled("lei", "", written))}  # fmt: skip
    # Remarks hold one number after the other; those read by their labels are not held against the rest.
    return found | notes.in_text(number, [part for part in remarks.split("; ") if not _holds(part, found)])


def _holds(text: str, found: set[tuple[str, str]]) -> bool:
    return any(value in canonical(text) for _, value in found)


def read_xml(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    """Entries of either XML: the advanced one is told by its root."""
    return _advanced(path, notes) if root_of(path) == "Sanctions" else _simple(path, notes)


def _simple(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    for one in records(path, frozenset({"sdnEntry"})):
        first = (" ".join(texts(one, "firstName") + texts(one, "lastName")), False)
        others = [(" ".join(texts(aka, "firstName") + texts(aka, "lastName")), texts(aka, "category") == ["weak"])
                  for aka in one.findall("akaList/aka")]  # fmt: skip
        kind = _KINDS.get("".join(texts(one, "sdnType")).lower(), ORGANISATION)
        births = {iso_date(text) for text in texts(one, "dateOfBirthList/dateOfBirthItem/dateOfBirth")} - {""}
        places = {text.lower() for text in texts(one, "addressList/address/country")}
        number = uid(one, "uid")
        pairs = notes.in_text(number, texts(one, "remarks"))
        for item in one.findall("idList/id"):
            country = country_code("".join(texts(item, "idCountry")))
            pairs |= notes.labelled(number, "".join(texts(item, "idType")), country, "".join(texts(item, "idNumber")))
        streets = {", ".join(texts(at, "address1") + texts(at, "address2") + texts(at, "city") + texts(at, "country"))
                   for at in one.findall("addressList/address") if texts(at, "address1")}  # fmt: skip
        yield ListEntry("ofac", number, kind, named(first, *others), tuple(sorted(births)),
                        tuple(sorted(places)), tuple(sorted(pairs)),
                        tuple(texts(one, "programList/program")), tuple(sorted(streets)))  # fmt: skip


@dataclass(slots=True)
class _Tables:
    """What parties of the advanced file refer to: words by table and number, and what other sections say of them."""

    words: dict[tuple[str, str], str] = field(default_factory=dict)
    party_of_subtype: dict[str, str] = field(default_factory=dict)
    countries: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    programmes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


_WORDS = ("NamePartType", "FeatureType", "PartyType", "IDRegDocType")
_TABLES = frozenset({*_WORDS, "PartySubType", "Country", "Location", "IDRegDocument", "SanctionsEntry"})


def _advanced(path: Path, notes: ReadingNotes) -> Iterator[ListEntry]:
    """Twice through the file: sections after the parties say under which programmes they are listed."""
    tables = _Tables()
    for one in records(path, _TABLES | {"DistinctParty"}):
        _keep(one, tables, notes)
    for party in records(path, frozenset({"DistinctParty"}) | _TABLES):
        if party.tag != "DistinctParty":
            continue
        for profile in party.findall("Profile"):
            yield _profile(party.get("FixedRef", ""), profile, tables)


def _keep(one: Element, tables: _Tables, notes: ReadingNotes) -> None:
    number, text = one.get("ID", ""), (one.text or "").strip()
    if one.tag in _WORDS:
        tables.words[one.tag, number] = text
    elif one.tag == "PartySubType":
        tables.party_of_subtype[number] = text if text in ("Vessel", "Aircraft") else one.get("PartyTypeID", "")
    elif one.tag == "Country":
        tables.countries[number] = (one.get("ISO2") or text).lower()
    elif one.tag == "Location":
        for country in one.findall("LocationCountry"):
            tables.places[number] = tables.countries.get(country.get("CountryID", ""), "")
    elif one.tag == "IDRegDocument":
        label = tables.words.get(("IDRegDocType", one.get("IDRegDocTypeID", "")), "")
        issuer = country_code(tables.countries.get(one.get("IssuedBy-CountryID", ""), ""))
        for written in texts(one, "IDRegistrationNo"):
            tables.numbers[one.get("IdentityID", "")] += notes.labelled(
                one.get("IdentityID", ""), label, issuer, written
            )
    elif one.tag == "SanctionsEntry":
        value = texts(one, "SanctionsMeasure/Comment")
        tables.programmes[one.get("ProfileID", "")] += [text for text in value if text not in ("", "None")]


def _profile(reference: str, profile: Element, tables: _Tables) -> ListEntry:
    if not reference:
        raise InvalidParameterError("a party without FixedRef")
    subtype = tables.party_of_subtype.get(profile.get("PartySubTypeID", ""), "")
    kind = _KINDS.get(tables.words.get(("PartyType", subtype), subtype).lower(), ORGANISATION)
    names: list[tuple[str, bool]] = []
    numbers: list[tuple[str, str]] = []
    for identity in profile.findall("Identity"):
        names += _names(identity, tables)
        numbers += tables.numbers.get(identity.get("ID", ""), [])
    births: set[str] = set()
    places: set[str] = set()
    for feature in profile.findall("Feature"):
        what = tables.words.get(("FeatureType", feature.get("FeatureTypeID", "")), "")
        if what == "Birthdate":
            births |= {day for period in feature.findall("FeatureVersion/DatePeriod") for day in _period(period)}
        for at in feature.findall("FeatureVersion/VersionLocation"):
            places.add(tables.places.get(at.get("LocationID", ""), ""))
        for one in texts(feature, "FeatureVersion/VersionDetail"):
            if pair := labelled(what, "", one.removeprefix("IMO ")):
                numbers.append(pair)
    programmes = tuple(dict.fromkeys(tables.programmes.get(profile.get("ID", ""), ())))
    return ListEntry("ofac", reference, kind, named(*names), tuple(sorted(births - {""})), tuple(sorted(places - {""})),
                     tuple(sorted({*numbers})), programmes)  # fmt: skip


def _names(identity: Element, tables: _Tables) -> Iterator[tuple[str, bool]]:
    """The names of an identity, the primary one first; their parts in the order in which they are said."""
    types = {
        group.get("ID", ""): tables.words.get(("NamePartType", group.get("NamePartTypeID", "")), "")
        for group in identity.iter("NamePartGroup")
    }
    for alias in sorted(identity.findall("Alias"), key=lambda alias: alias.get("Primary") != "true"):
        for documented in alias.findall("DocumentedName"):
            parts = [
                (_ORDER.get(types.get(part.get("NamePartGroupID", ""), ""), 3), (part.text or "").strip())
                for part in documented.findall("DocumentedNamePart/NamePartValue")
            ]
            yield (
                " ".join(text for _, text in sorted(parts, key=lambda part: part[0])),
                alias.get("LowQuality") == "true",
            )


def _period(period: Element) -> set[str]:
    """One day where a period is a day, else the range from its first to its last."""
    days = [_day(edge) for edge in (*period.findall("Start/From"), *period.findall("End/To"))]
    known = sorted(day for day in days if day)
    return {*days} if len({*days}) == 1 else {iso_date(f"{known[0]}/{known[-1]}")} if known else set()


def _day(edge: Element) -> str:
    year, month, day = ("".join(texts(edge, part)) for part in ("Year", "Month", "Day"))
    if not year.isdigit():
        return ""
    return f"{year}-{int(month):02}-{int(day):02}" if month.isdigit() and day.isdigit() else year
