"""The graph behind an account: from its profile, from what was declared about owners; and its places in the party map.

In: a profile, an ownership graph. Out: one graph, and for everybody in it a place under each number and name. Parties
that come from the profile have ids that begin with ``PROFILE``, so that a later profile replaces them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from custodes.governance.accounts.organisation import Counterparty, OrganisationProfile
from custodes.ledger.verifier.party_names import identifier_key, name_key, name_keys
from custodes.ledger.verifier.statement import PARTY_SCHEMES, map_of
from custodes.screening.entities import ORGANISATION, PERSON, UNKNOWN, Edge, Organisation, Party
from custodes.screening.organisation import KINDS, organisation

PROFILE = "profile:"
_MILLI = 1000


def graph_of(profile: OrganisationProfile, declared: Organisation | None = None) -> Organisation:
    """Everybody behind a customer: what it said about itself, and what was declared about who owns it."""
    owners: Organisation = declared or Organisation(PROFILE, {PROFILE: _customer(profile)}, ())
    subject = _named(owners.parties[owners.subject], profile)
    parties = {one: party for one, party in owners.parties.items() if one == subject.id or not one.startswith(PROFILE)}
    parties[subject.id] = subject
    edges = [edge for edge in owners.edges if edge.owner in parties and edge.asset in parties]
    for kind, listed in (("payer", profile.payers), ("end_customer", profile.end_customers)):
        for at, reported in enumerate(listed):
            one = f"{PROFILE}{kind}:{at}"
            parties[one] = _counterparty(one, reported)
            edges.append(Edge(one, subject.id, kind=kind))
    return organisation(subject.id, parties.values(), edges)


def places(account_id: str, graph: Organisation) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Name in the party map and private body of each place that ``graph`` brings, each once."""
    roles: dict[str, dict[tuple[tuple[str, object], ...], None]] = {one: {} for one in graph.parties}
    roles[graph.subject][("role", "customer"),] = None
    for edge in graph.edges:
        role = KINDS[edge.kind]
        roles[edge.owner][tuple(_place(role, edge).items())] = None
        if edge.held_for:
            roles[edge.held_for][tuple(_place("owner", edge).items())] = None
    for one, party in graph.parties.items():
        if party.kind == UNKNOWN:
            continue
        for facts in roles[one] or {(("role", "related"),): None}:
            for key in keys(party):
                yield key, {"acct": account_id, **dict(facts)}


def keys(party: Party) -> Iterable[str]:
    """Names under which ``party`` stands in the party map."""
    found = [identifier_key(kind, value, PARTY_SCHEMES) for kind, value in party.identifiers]
    for name in (party.name, *party.aliases):
        # The sounds of a person's name are those of too many others.
        found += [name_key(name)] if party.kind == PERSON else name_keys(name)
    return dict.fromkeys(key for key in found if key is not None and map_of(key) is not None)


def _customer(profile: OrganisationProfile) -> Party:
    return Party(PROFILE, profile.legal_name, ORGANISATION, (), profile.country.lower(), "", profile.identifiers)


def _named(subject: Party, profile: OrganisationProfile) -> Party:
    """Return the subject with what the profile calls it, beside what it was called before."""
    names = dict.fromkeys((profile.legal_name, subject.name, *subject.aliases))
    numbers = tuple(sorted({*subject.identifiers, *profile.identifiers}))
    country = subject.country or profile.country.lower()
    return replace(subject, name=next(iter(names)), aliases=tuple(names)[1:], country=country, identifiers=numbers)


def _counterparty(one: str, parsed: Counterparty) -> Party:
    return Party(one, parsed.name, ORGANISATION, (), parsed.country.lower(), "", parsed.identifiers)


def _place(role: str, edge: Edge) -> dict[str, object]:
    members: dict[str, object] = {"role": role}
    if edge.high_pct:
        members |= {"low": round(edge.low_pct * _MILLI), "high": round(edge.high_pct * _MILLI)}
    dates = (("from", edge.since), ("to", edge.until))
    return members | {name: value for name, value in dates if value}
