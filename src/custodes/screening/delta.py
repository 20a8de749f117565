"""What a new edition of a list means for customers screened before: only changed entries against all of them.

In: customers, once; then the entries that an edition added or changed. Out: hits of the customers concerned. Customers
are kept by the words of their names, so the work goes with the number of changed entries, not of customers times
entries. Hits on entries that were removed are for whoever keeps hits to drop: an edition tells their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from custodes.screening.comparison import REVIEW
from custodes.screening.entities import ListEntry, ListHit, Party
from custodes.screening.index.entries import NameIndex, named, prepare_party
from custodes.screening.matching import match
from custodes.screening.names.addresses import address_pairs
from custodes.screening.names.name import PreparedName


class CustomerIndex:
    """Parties by the words of their names and by their identifiers."""

    def __init__(self, parties: Iterable[Party] = ()) -> None:
        """Index ``parties``."""
        self._index = NameIndex()
        self._parties: list[tuple[Party, tuple[PreparedName, ...]]] = []
        for party in parties:
            self.add(party)

    def add(self, party: Party) -> None:
        """Have ``party`` found as well. Its id may occur again, for another graph; hits then come for each."""
        prepared = prepare_party(party)
        self._index.add(len(self._parties), enumerate(prepared), (*party.identifiers, *address_pairs(party.addresses)))
        self._parties.append((party, prepared))

    def __len__(self) -> int:
        """How many parties there are."""
        return len(self._parties)

    def near(self, entry: ListEntry) -> Iterator[tuple[Party, tuple[PreparedName, ...]]]:
        """Parties that are worth comparing with ``entry``."""
        names = [name for _, name in named(entry)]
        found = self._index.with_identifiers((*entry.identifiers, *address_pairs(entry.addresses)))
        for number in dict.fromkeys((*found, *(near.item for near in self._index.near(names)))):
            yield self._parties[number]


def concerns(now: ListEntry, before: ListEntry | None) -> bool:
    """Whether an entry is new, or changed in something that matching looks at; remarks and programmes are not."""
    if before is None:
        return True
    return _looked_at(now) != _looked_at(before)


def _looked_at(entry: ListEntry) -> tuple[object, ...]:
    return entry.kind, {*entry.names}, {*entry.births}, {*entry.countries}, {*entry.identifiers}, {*entry.addresses}


def rescreen(customers: CustomerIndex, changed: Iterable[ListEntry]) -> Iterator[tuple[Party, Sequence[ListHit]]]:
    """Hits that entries added or changed by an edition give, by party, best first; nothing for all other parties."""
    found: dict[int, tuple[Party, list[ListHit]]] = {}
    for entry in changed:
        for party, prepared in customers.near(entry):
            hit = match(party, prepared, entry)
            if hit.score >= REVIEW:
                found.setdefault(id(prepared), (party, []))[1].append(hit)
    for party, hits in found.values():
        yield party, sorted(hits, key=lambda hit: (-hit.score, hit.entry.uid))
