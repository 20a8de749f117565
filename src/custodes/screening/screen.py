"""One organisation against the lists: names and identifiers of everybody in its graph, then the ownership rules.

In: an organisation and an index of entries. Out: verdict, hits and paths. A name alerts, an identifier decides, a
chain blocks. Nothing is stored and nobody is told.
"""

from __future__ import annotations

from custodes.screening.comparison import REVIEW
from custodes.screening.entities import UNKNOWN, ListHit, Organisation, Party
from custodes.screening.index.entries import EntryIndex, prepare_party
from custodes.screening.matching import match
from custodes.screening.names.addresses import address_pairs
from custodes.screening.rule import ScreeningOutcome, judge


def screen_party(party: Party, index: EntryIndex) -> list[ListHit]:
    """Hits of one party, best first: identifier matches, and names from ``REVIEW`` on."""
    if party.kind == UNKNOWN:
        return []
    prepared = prepare_party(party)
    numbered = index.by_identifiers((*party.identifiers, *address_pairs(party.addresses)))
    hits = {(entry.source, entry.uid): match(party, prepared, entry) for entry in numbered}
    for near in index.by_names(prepared):
        key = near.entry.source, near.entry.uid
        if key not in hits:
            hits[key] = match(party, prepared, near.entry, near)
    return sorted((hit for hit in hits.values() if hit.score >= REVIEW), key=lambda hit: (-hit.score, hit.entry.uid))


def screen(organisation: Organisation, index: EntryIndex, day: str = "") -> ScreeningOutcome:
    """Screen everybody, then follow the edges that stand on ``day`` from whoever was hit to the subject."""
    hits = [hit for party in organisation.parties.values() for hit in screen_party(party, index)]
    return judge(organisation, hits, day)
