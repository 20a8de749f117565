"""Onboarding graphs as files: JSON in, ``Organisation`` out, and back. The form is docs/organisation.schema.json.

Registers in other forms (BODS, PSC, GLEIF) are read by ``registers``. Nothing is screened here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import orjson

from custodes.core.errors import InvalidParameterError
from custodes.screening.dates import read_date
from custodes.screening.entities import Edge, Organisation, Party

MAX_PARTIES = 200_000
MAX_EDGES = 1_000_000
MAX_ADDRESSES = 100
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "shares": "owner",
        "votes": "owner",
        "nominee": "nominee",
        "control": "controller",
        "influence": "controller",
        "director": "director",
        "payer": "payer",
        "end_customer": "end_customer",
    }
)
"""What an edge can be, and the role in which its owner stands behind the subject."""


def organisation(subject: str, parties: Iterable[Party], edges: Iterable[Edge]) -> Organisation:
    """Put a graph together.

    Raises:
        InvalidParameterError: an edge leads to nobody, an id is given twice, or there is too much of anything.
    """
    by_id: dict[str, Party] = {}
    for party in parties:
        if by_id.setdefault(party.id, party) is not party:
            raise InvalidParameterError(f"two parties are called {party.id!r}")
    kept = tuple(edges)
    if len(by_id) > MAX_PARTIES or len(kept) > MAX_EDGES:
        raise InvalidParameterError(f"more than {MAX_PARTIES} parties or {MAX_EDGES} edges")
    ends = [subject, *(end for edge in kept for end in (edge.owner, edge.asset, edge.holder))]
    if missing := sorted(set(ends) - set(by_id)):
        raise InvalidParameterError(f"no party called {missing[0]!r}")
    return Organisation(subject, by_id, kept)


def read_organisation(parsed: object) -> Organisation:
    """An organisation from JSON (docs/organisation.schema.json).

    Raises:
        InvalidParameterError: a member is missing or wrong, an edge leads to nobody, or there are too many parties.
    """
    try:
        if not isinstance(parsed, Mapping) or len(parsed["parties"]) > MAX_PARTIES:
            raise InvalidParameterError(f"not an organisation, or more than {MAX_PARTIES} parties")
        parties = [_party(party) for party in parsed["parties"]]
        edges = [_edge(edge) for edge in parsed.get("edges", ())]
        subject = str(parsed["subject"])
    except KeyError as error:
        raise InvalidParameterError(f"not an organisation file: it lacks the member {error.args[0]!r}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidParameterError(
            f"not an organisation file: {error}; docs/organisation.schema.json says what one has"
        ) from error
    return organisation(subject, parties, edges)


def organisation_to_json(graph: Organisation) -> dict[str, object]:
    """Return ``graph`` as JSON members that ``read_organisation`` reads."""
    return {
        "subject": graph.subject,
        "parties": [_party_to_json(party) for party in graph.parties.values()],
        "edges": [_edge_to_json(edge) for edge in graph.edges],
    }


def encoded(graph: Organisation) -> bytes:
    """Canonical JSON of ``graph``; the order of its parties and edges counts."""
    return orjson.dumps(organisation_to_json(graph), option=orjson.OPT_SORT_KEYS)


def digest(graph: Organisation) -> bytes:
    """SHA-256 of ``encoded``."""
    return hashlib.sha256(encoded(graph)).digest()


def _party(parsed: Mapping[str, object]) -> Party:
    ids, aliases = parsed.get("identifiers", {}), parsed.get("aliases", ())
    if not isinstance(ids, Mapping) or not isinstance(aliases, list | tuple):
        raise TypeError("identifiers is an object, aliases an array")
    pairs = sorted((str(kind), "".join(str(value).split()).upper()) for kind, value in ids.items())
    addresses, birth = parsed.get("addresses", ()), str(parsed.get("birth", ""))
    if not isinstance(addresses, list | tuple) or len(addresses) > MAX_ADDRESSES:
        raise TypeError(f"addresses is an array of at most {MAX_ADDRESSES}")
    if birth and read_date(birth) is None:
        raise ValueError(f"the birth of {parsed['id']!r} is no date: {birth!r}")
    return Party(
        str(parsed["id"]),
        str(parsed["name"]),
        str(parsed.get("kind", "organisation")),
        tuple(map(str, aliases)),
        str(parsed.get("country", "")),
        birth,
        tuple(pairs),
        tuple(map(str, addresses)),
    )


def _edge(parsed: Mapping[str, object]) -> Edge:
    share, kind = parsed.get("share", 0), str(parsed.get("kind", "shares"))
    low, high = share if isinstance(share, list) else (share, share)
    low, high = float(low), float(high)  # type: ignore[arg-type]
    if not 0 <= low <= high <= 100 or kind not in KINDS:
        raise ValueError("a share lies in 0..100, low before high; the kind of an edge is " + ", ".join(sorted(KINDS)))
    return Edge(
        str(parsed["owner"]),
        str(parsed["asset"]),
        low,
        high,
        kind,
        str(parsed.get("from", "")),
        str(parsed.get("to", "")),
        str(parsed.get("acting_together", "")),
        str(parsed.get("for", "")),
        parsed.get("more_than") is True,
        parsed.get("indirect") is True,
    )


def _party_to_json(party: Party) -> dict[str, object]:
    members: dict[str, object] = {"id": party.id, "name": party.name, "kind": party.kind}
    optional: Sequence[tuple[str, object]] = (
        ("aliases", list(party.aliases)),
        ("country", party.country),
        ("birth", party.birth),
        ("identifiers", dict(party.identifiers)),
        ("addresses", list(party.addresses)),
    )
    return members | {name: value for name, value in optional if value}


def _edge_to_json(edge: Edge) -> dict[str, object]:
    members: dict[str, object] = {"owner": edge.owner, "asset": edge.asset, "kind": edge.kind}
    if edge.high_pct:
        members["share"] = edge.low_pct if edge.low_pct == edge.high_pct else [edge.low_pct, edge.high_pct]
    optional: Sequence[tuple[str, object]] = (
        ("from", edge.since),
        ("to", edge.until),
        ("acting_together", edge.acting_together),
        ("for", edge.held_for),
        ("more_than", edge.more_than),
        ("indirect", edge.indirect),
    )
    return members | {name: value for name, value in optional if value}
