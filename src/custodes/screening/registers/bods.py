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

MAX_BYTES = 256 << 20

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
    fields: Mapping[str, object]


def read_bods(path: Path, subject: str) -> tuple[str, Iterable[Party], Iterable[Edge]]:
    """Read statements; ``subject`` is the id of a statement or record, an identifier's value, or a name."""
    try:
        statements = _newest(_statement(parsed) for parsed in _load(path))
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
    if path.stat().st_size > MAX_BYTES:
        raise InvalidParameterError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB")
    data = path.read_bytes().strip()
    if data.startswith(b"["):
        parsed = orjson.loads(data)
    else:
        parsed = [orjson.loads(line) for line in data.splitlines() if line.strip()]
    if not all(isinstance(one, dict) for one in parsed):
        raise ValueError("a statement is no object")
    return list(parsed)


def _statement(parsed: Mapping[str, object]) -> _Statement:
    if "recordDetails" in parsed:  # 0.4
        details = _object(parsed["recordDetails"])
        closed = parsed.get("recordStatus") == "closed"
        return _Statement(str(parsed["statementId"]), str(parsed["recordId"]), str(parsed["recordType"]),
                          str(parsed.get("statementDate", "")), closed, (), details)  # fmt: skip
    kinds = {"entityStatement": "entity", "personStatement": "person", "ownershipOrControlStatement": "relationship"}
    number = str(parsed["statementID"])
    replaces = tuple(str(one) for one in _array(parsed.get("replacesStatements")))
    kind = kinds.get(str(parsed["statementType"]), "")
    return _Statement(number, number, kind, str(parsed.get("statementDate", "")), False, replaces, parsed)


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
    value = one.fields
    names = [_text(value.get("name"))] if isinstance(value.get("name"), str) else []
    names += [_text(name.get("fullName")) or _joined(name) for name in map(_object, _array(value.get("names")))]
    names += [str(name) for name in _array(value.get("alternateNames"))]
    names = [name for name in dict.fromkeys(names) if name]
    kind = PERSON if one.kind == "person" else ORGANISATION
    stated_kind = value.get("entityType") or value.get("personType") or ""
    stated_kind = str(stated_kind.get("type", "")) if isinstance(stated_kind, Mapping) else str(stated_kind)
    if stated_kind.startswith(("unknown", "anonymous")):
        kind = UNKNOWN
    elif stated_kind == "arrangement":
        kind = OTHER
    pairs = {(_SCHEMES[scheme], "".join(str(given.get("id", "")).split()).upper())
             for given in map(_object, _array(value.get("identifiers")))
             if (scheme := str(given.get("scheme", ""))) in _SCHEMES}  # fmt: skip
    place = value.get("incorporatedInJurisdiction") or value.get("jurisdiction") or {}
    country = _text(_object(place).get("code")) if isinstance(place, Mapping) else ""
    return Party(one.record, names[0] if names else one.record, kind, tuple(names[1:]), country.lower(),
                 _text(value.get("birthDate")), tuple(sorted(pairs)))  # fmt: skip


def _joined(name: Mapping[str, object]) -> str:
    return " ".join(
        part for key in ("givenName", "patronymicName", "familyName") if (part := _text(name.get(key)))
    ).strip()


def _edges(one: _Statement, ids: Mapping[str, str], parties: dict[str, Party]) -> Iterable[Edge]:
    asset = _end(one.fields["subject"], ids)
    if asset is None:
        return
    stated_owner = one.fields["interestedParty"]
    owner = _end(stated_owner, ids)
    if owner is None:
        owner = f"unknown:{one.record}"
        reason = _object(stated_owner).get("unspecified", stated_owner) if isinstance(stated_owner, Mapping) else {}
        parties[owner] = Party(owner, f"unknown ({_text(_object(reason).get('reason')) or 'unspecified'})", UNKNOWN)
    interests = [_object(parsed) for parsed in _array(one.fields.get("interests"))]
    for interest in interests or [{}]:
        yield _interest(owner, asset, interest)


def _interest(owner: str, asset: str, parsed: Mapping[str, object]) -> Edge:
    plain = re.sub(r"[^a-z]", "", str(parsed.get("type", "")).lower())
    kind = _INTERESTS.get(plain, _INFLUENCE)
    low, high, above = _share(parsed.get("share"))
    if kind not in (_SHARES, _VOTES, _NOMINEE):
        low, high, above = 0.0, 0.0, False
    indirect = "indirect" in (parsed.get("directOrIndirect"), parsed.get("interestLevel"))
    since, until = _text(parsed.get("startDate"))[:10], _text(parsed.get("endDate"))[:10]
    return Edge(owner, asset, low, high, kind, since, until, more_than=above, indirect=indirect)


def _share(parsed: object) -> tuple[float, float, bool]:
    """Bounds of a share in percent, and whether the lower one is excluded; all or nothing where none is told."""
    share = _object(parsed) if parsed is not None else {}
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


def _end(parsed: object, ids: Mapping[str, str]) -> str | None:
    """Return the record at one end of a relationship; None for a party that the statement leaves open."""
    if isinstance(parsed, str):
        return ids.get(parsed, parsed)
    for key in ("describedByEntityStatement", "describedByPersonStatement"):
        if isinstance(number := _object(parsed).get(key), str):
            return ids.get(number, number)
    return None


def _object(parsed: object) -> Mapping[str, object]:
    if not isinstance(parsed, Mapping):
        raise TypeError("an object is missing")
    return parsed


def _array(parsed: object) -> Sequence[object]:
    return parsed if isinstance(parsed, list) else ()


def _text(parsed: object) -> str:
    return " ".join(parsed.split()) if isinstance(parsed, str) else ""
