"""The UK's register of people with significant control: lines of its daily snapshot to parties and edges.

In: JSON lines, one record each, of up to all companies; a company number. Out: the parties behind that company, through
corporate owners with a company number of their own. The register knows bands of shares, not shares: "more than 25
percent but not more than 50" is a range. A holder of 25 percent or less is not in it.
Source: Companies House, PSC snapshot and ``psc_descriptions.yml``; the bands: Companies Act 2006, schedule 1A.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import orjson

from custodes.core.errors import InvalidParameterError
from custodes.screening.entities import ORGANISATION, PERSON, UNKNOWN, Edge, Party

_DEEPEST = 32
_MAX_LINE_LENGTH = 1 << 20
_BAND = re.compile(r"(ownership-of-shares|voting-rights)-(\d+)(?:-to-(\d+))?-percent")
# The register itself misspells it.
_NOBODY = frozenset(f"no-individual-or-entity-with-{word}-control" for word in ("signficant", "significant"))
_SOMEBODY = "ownership-of-shares-0-to-100-percent"


def read_psc(path: Path, subject: str) -> tuple[str, Iterable[Party], Iterable[Edge]]:
    """Read who stands behind company ``subject``; one pass over the file for each layer of corporate owners."""
    number = company_number(subject)
    parties: dict[str, Party] = {}
    edges: list[Edge] = []
    seen: set[str] = set()
    wanted = {number}
    for _ in range(_DEEPEST):
        seen |= wanted
        above: set[str] = set()
        for company, data in _records(path, wanted):
            parties.setdefault(_id(company), _company(company, company))
            above |= _take(company, data, parties, edges)
        wanted = above - seen
        if not wanted:
            break
    return _id(number), parties.values(), edges


def company_number(text: str) -> str:
    """Eight characters, as the register writes them; digits are filled up with zeros."""
    plain = re.sub(r"[^0-9A-Z]", "", text.upper())
    return plain.zfill(8) if plain.isdigit() else plain


def _records(path: Path, wanted: set[str]) -> Iterator[tuple[str, Mapping[str, object]]]:
    marks = [f'"{number}"'.encode() for number in wanted]
    with path.open("rb") as file:
        while line := file.readline(_MAX_LINE_LENGTH):
            # A cheap look before the strict one: a snapshot has over ten million lines.
            if not any(mark in line for mark in marks):
                continue
            try:
                parsed = orjson.loads(line)
                company, data = str(parsed["company_number"]), parsed["data"]
                if company in wanted and isinstance(data, dict):
                    yield company, data
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidParameterError(f"{path.name} holds a line that is no PSC record: {error}") from error


def _take(company: str, data: Mapping[str, object], parties: dict[str, Party], edges: list[Edge]) -> set[str]:
    """Add one record; returns companies whose owners are wanted next."""
    kind = str(data.get("kind", ""))
    if kind == "exemptions" or data.get("statement") in _NOBODY:
        return set()
    owner = _owner(company, kind, data)
    parties[owner.id] = owner
    since, until = str(data.get("notified_on", "")), str(data.get("ceased_on", ""))
    natures = data.get("natures_of_control")
    # A statement that there is somebody, not named, may stand for any share.
    rows = [str(one) for one in natures] if isinstance(natures, list) and natures else [_SOMEBODY]
    for nature in rows:
        edges.append(_edge(owner.id, _id(company), nature, since, until))
    return {value for scheme, value in owner.identifiers if scheme == "gb-coh"}


def _owner(company: str, kind: str, data: Mapping[str, object]) -> Party:
    name = " ".join(str(data.get("name", "")).split())
    if not name or kind.startswith(("super-secure", "persons-with-significant-control-statement")):
        reason = str(data.get("statement") or kind or "unnamed")
        return Party(f"{_id(company)}/{reason}", f"unknown ({reason})", UNKNOWN)
    if kind.startswith("individual"):
        born = data.get("date_of_birth")
        birth = f"{int(born['year']):04}-{int(born['month']):02}" if isinstance(born, dict) and "month" in born else ""
        return Party(
            f"person:{_plain(name)}:{birth}", name, PERSON, (), str(data.get("nationality", "")).lower(), birth
        )
    value = data.get("identification")
    value = value if isinstance(value, dict) else {}
    country = str(value.get("country_registered", "")).lower()
    number = company_number(str(value.get("registration_number", "")))
    place = f"{country} {value.get('place_registered', '')}".lower()
    british = not place.strip() or re.search(r"england|wales|scotland|united kingdom|\buk\b|companies house", place)
    if british and re.fullmatch(r"[0-9A-Z]{2}[0-9]{6}", number):
        return _company(number, name)
    return Party(f"company:{_plain(name)}:{number}", name, ORGANISATION, (), country)


def _company(number: str, name: str) -> Party:
    return Party(_id(number), name, ORGANISATION, (), "gb", "", (("gb-coh", number),))


def _plain(name: str) -> str:
    return re.sub(r"\W+", "-", name.lower())


def _id(number: str) -> str:
    return f"gb-coh:{number}"


def _edge(owner: str, asset: str, nature: str, since: str, until: str) -> Edge:
    if found := _BAND.match(nature):
        low, high = float(found[2]), float(found[3] or 100)
        kind = "shares" if found[1].startswith("owner") else "votes"
        # "25 to 50" and "50 to 75" mean more than the first number; "75 to 100" means that or more.
        return Edge(owner, asset, low, high, kind, since, until, more_than=0 < low < 75)
    sure = nature.startswith(("right-to-appoint-and-remove", "significant-influence-or-control"))
    return Edge(owner, asset, kind="control" if sure else "influence", since=since, until=until)
