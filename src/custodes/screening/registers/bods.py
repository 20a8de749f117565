"""Beneficial Ownership Data Standard, versions 0.2 to 0.4: statements to parties and edges.

In: a JSON array (or JSON lines) of statements. Out: parties, edges. Later statements replace what they say they replace
(0.2, 0.3: ``replacesStatements``; 0.4: the newest statement about a record counts, a closed record does not).
Source: https://standard.openownership.org, schema and codelists of 0.2, 0.3 and 0.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import orjson

from custodes.core.errors import InvalidParameterError
from custodes.screening.entities import ORGANISATION, OTHER, PERSON, UNKNOWN, Edge, Party

LARGEST = 256 << 20

_SHARES, _VOTES, _NOMINEE, _CONTROL, _INFLUENCE, _DIRECTOR = (
    "shares", "votes", "nominee", "control", "influence", "director",
)  # fmt: skip
# Interest types of all versions, written without case, blanks and hyphens. What is not here may be control.
_INTERESTS: Mapping[str, str] = MappingProxyType(
    {
        "shareholding": _SHARES,
        "nominator": _SHARES,
        "rightstosurplusassetsondissolution": _INFLUENCE,
        "rightstoprofitorincome": _INFLUENCE,
        "votingrights": _VOTES,
        "nominee": _NOMINEE,
        "appointmentofboard": _CONTROL,
        "influenceorcontrol": _CONTROL,
        "otherinfluenceorcontrol": _CONTROL,
        "controlviacompanyrulesorarticles": _CONTROL,
        "controlbylegalframework": _CONTROL,
        "trustee": _CONTROL,
        "trusteeoftrust": _CONTROL,
        "protector": _CONTROL,
        "protectoroftrust": _CONTROL,
        "seniormanagingofficial": _DIRECTOR,
        "boardmember": _DIRECTOR,
        "boardchair": _DIRECTOR,
    }
)
# Schemes of org-id.guide, as far as lists carry the same numbers.
_SCHEMES: Mapping[str, str] = MappingProxyType(
    {
        "GB-COH": "gb-coh",
        "XI-LEI": "lei",
        "RU-INN": "ru-inn",
        "RU-OGRN": "ru-ogrn",
        "NL-KVK": "nl-kvk",
    }
)


@dataclass(frozen=True, slots=True)
class _Statement:
    id: str
    record: str
    kind: str
    date: str
    closed: bool
    replaces: tuple[str, ...]
    told: Mapping[str, object]


def read_bods(path: Path, subject: str) -> tuple[str, Iterable[Party], Iterable[Edge]]:
    """Read statements; ``subject`` is the id of a statement or record, an identifier's value, or a name."""
    try:
        statements = _newest(_statement(told) for told in _load(path))
        ids: dict[str, str] = {}
        parties: dict[str, Party] = {}
        for one in statements:
            if one.kind in ("entity", "person"):
                parties[one.record] = _party(one)
                ids[one.id] = ids[one.record] = one.record
        edges = [edge for one in statements if one.kind == "relationship" for edge in _edges(one, ids, parties)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidParameterError(f"{path.name} holds no BODS statements: {error}") from error
    found = ids.get(subject) or next((p.id for p in parties.values() if _is(p, subject)), subject)
    return found, parties.values(), edges


def _is(party: Party, subject: str) -> bool:
    plain = "".join(subject.split()).upper()
    return party.name == subject or any(value == plain for _, value in party.identifiers)


def _load(path: Path) -> Sequence[Mapping[str, object]]:
    if path.stat().st_size > LARGEST:
        raise InvalidParameterError(f"{path.name} is larger than {LARGEST >> 20} MiB")
    data = path.read_bytes().strip()
    if data.startswith(b"["):
        told = orjson.loads(data)
    else:
        told = [orjson.loads(line) for line in data.splitlines() if line.strip()]
    if not all(isinstance(one, dict) for one in told):
        raise ValueError("a statement is no object")
    return list(told)


def _statement(told: Mapping[str, object]) -> _Statement:
    if "recordDetails" in told:  # 0.4
        details = _object(told["recordDetails"])
        closed = told.get("recordStatus") == "closed"
        return _Statement(str(told["statementId"]), str(told["recordId"]), str(told["recordType"]),
                          str(told.get("statementDate", "")), closed, (), details)  # fmt: skip
    kinds = {"entityStatement": "entity", "personStatement": "person", "ownershipOrControlStatement": "relationship"}
    number = str(told["statementID"])
    replaces = tuple(str(one) for one in _array(told.get("replacesStatements")))
    kind = kinds.get(str(told["statementType"]), "")
    return _Statement(number, number, kind, str(told.get("statementDate", "")), False, replaces, told)


def _newest(statements: Iterable[_Statement]) -> list[_Statement]:
    """Leave one statement a record: the last by date, then by place in the file; none that another one replaces."""
    by_record: dict[str, _Statement] = {}
    replaced: set[str] = set()
    for one in statements:
        replaced.update(one.replaces)
        known = by_record.get(one.record)
        if known is None or known.date <= one.date:
            by_record[one.record] = one
    return [one for one in by_record.values() if not one.closed and one.id not in replaced]


def _party(one: _Statement) -> Party:
    told = one.told
    names = [_text(told.get("name"))] if isinstance(told.get("name"), str) else []
    names += [_text(name.get("fullName")) or _joined(name) for name in map(_object, _array(told.get("names")))]
    names += [str(name) for name in _array(told.get("alternateNames"))]
    names = [name for name in dict.fromkeys(names) if name]
    kind = PERSON if one.kind == "person" else ORGANISATION
    told_kind = told.get("entityType") or told.get("personType") or ""
    told_kind = str(told_kind.get("type", "")) if isinstance(told_kind, Mapping) else str(told_kind)
    if told_kind.startswith(("unknown", "anonymous")):
        kind = UNKNOWN
    elif told_kind == "arrangement":
        kind = OTHER
    pairs = {(_SCHEMES[scheme], "".join(str(given.get("id", "")).split()).upper())
             for given in map(_object, _array(told.get("identifiers")))
             if (scheme := str(given.get("scheme", ""))) in _SCHEMES}  # fmt: skip
    place = told.get("incorporatedInJurisdiction") or told.get("jurisdiction") or {}
    country = _text(_object(place).get("code")) if isinstance(place, Mapping) else ""
    return Party(one.record, names[0] if names else one.record, kind, tuple(names[1:]), country.lower(),
                 _text(told.get("birthDate")), tuple(sorted(pairs)))  # fmt: skip


def _joined(name: Mapping[str, object]) -> str:
    return " ".join(
        part for key in ("givenName", "patronymicName", "familyName") if (part := _text(name.get(key)))
    ).strip()


def _edges(one: _Statement, ids: Mapping[str, str], parties: dict[str, Party]) -> Iterable[Edge]:
    asset = _end(one.told["subject"], ids)
    if asset is None:
        return
    told_owner = one.told["interestedParty"]
    owner = _end(told_owner, ids)
    if owner is None:
        owner = f"unknown:{one.record}"
        reason = _object(told_owner).get("unspecified", told_owner) if isinstance(told_owner, Mapping) else {}
        parties[owner] = Party(owner, f"unknown ({_text(_object(reason).get('reason')) or 'unspecified'})", UNKNOWN)
    interests = [_object(told) for told in _array(one.told.get("interests"))]
    for interest in interests or [{}]:
        yield _interest(owner, asset, interest)


def _interest(owner: str, asset: str, told: Mapping[str, object]) -> Edge:
    plain = re.sub(r"[^a-z]", "", str(told.get("type", "")).lower())
    kind = _INTERESTS.get(plain, _INFLUENCE)
    low, high, above = _share(told.get("share"))
    if kind not in (_SHARES, _VOTES, _NOMINEE):
        low, high, above = 0.0, 0.0, False
    indirect = "indirect" in (told.get("directOrIndirect"), told.get("interestLevel"))
    since, until = _text(told.get("startDate"))[:10], _text(told.get("endDate"))[:10]
    return Edge(owner, asset, low, high, kind, since, until, more_than=above, indirect=indirect)


def _share(told: object) -> tuple[float, float, bool]:
    """Bounds of a share in percent, and whether the lower one is excluded; all or nothing where none is told."""
    share = _object(told) if told is not None else {}
    if isinstance(share.get("exact"), int | float):
        exact = _percent(share["exact"])
        return exact, exact, False
    low, high, above = share.get("minimum"), share.get("maximum"), share.get("exclusiveMinimum")
    top = share.get("exclusiveMaximum")
    if low is None and isinstance(above, int | float) and not isinstance(above, bool):  # as 0.4 has it
        low, above = above, True
    if high is None and isinstance(top, int | float) and not isinstance(top, bool):
        high = top
    bounds = _percent(0 if low is None else low), _percent(100 if high is None else high)
    if bounds[0] > bounds[1]:
        raise ValueError("a share whose least is more than its most")
    return *bounds, above is True


def _percent(value: object) -> float:
    number = float(value)  # type: ignore[arg-type]
    if not 0 <= number <= 100:
        raise ValueError("a share lies in 0..100")
    return number


def _end(told: object, ids: Mapping[str, str]) -> str | None:
    """Return the record at one end of a relationship; None for a party that the statement leaves open."""
    if isinstance(told, str):
        return ids.get(told, told)
    for key in ("describedByEntityStatement", "describedByPersonStatement"):
        if isinstance(number := _object(told).get(key), str):
            return ids.get(number, number)
    return None


def _object(told: object) -> Mapping[str, object]:
    if not isinstance(told, Mapping):
        raise TypeError("an object is missing")
    return told


def _array(told: object) -> Sequence[object]:
    return told if isinstance(told, list) else ()


def _text(told: object) -> str:
    return " ".join(told.split()) if isinstance(told, str) else ""
