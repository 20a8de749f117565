"""What a new edition of a list means for customers screened before: only changed entries against all of them.

In: customers, once; then the entries that an edition added or changed. Out: hits of the customers concerned. Customers
are kept by the words of their names, so the work goes with the number of changed entries, not of customers times
entries. Hits on entries that were removed are for whoever keeps hits to drop: an edition tells their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from custodes.screening.comparison import REVIEW
from custodes.screening.entities import ListEntry, ListHit, Party
from custodes.screening.index.entries import NameIndex, NearEntry, named, prepare_party
from custodes.screening.matching import match
from custodes.screening.names.addresses import address_pairs
from custodes.screening.names.name import PreparedName

_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class NearParty:
    """A party worth comparing with an entry.

    Attributes:
        entry: the entry.
        party: the party.
        prepared: those of its names to compare.
        near: names of the entry to compare; None for all.
    """

    entry: ListEntry
    party: Party
    prepared: tuple[PreparedName, ...]
    near: NearEntry | None = None


class CustomerIndex:
    """Parties by the words of their names and by their identifiers."""

    def __init__(self, parties: Iterable[Party] = ()) -> None:
        """Index ``parties``, ready to be asked; those that are added later are indexed with the next question."""
        self._index = NameIndex()
        self._parties: list[tuple[Party, tuple[PreparedName, ...]]] = []
        for party in parties:
            self.add(party)
        self._index.make()

    def add(self, party: Party) -> None:
        """Have ``party`` found as well. Its id may occur again, for another graph; hits then come for each."""
        prepared = prepare_party(party)
        self._index.add(len(self._parties), enumerate(prepared), (*party.identifiers, *address_pairs(party.addresses)))
        self._parties.append((party, prepared))

    def __len__(self) -> int:
        """How many parties there are."""
        return len(self._parties)

    def near(self, entries: Sequence[ListEntry]) -> Iterator[NearParty]:
        """Parties that are worth comparing with each entry."""
        asked = [(at, place, name) for at, entry in enumerate(entries) for place, name in named(entry)]
        numbered = set()
        for at, entry in enumerate(entries):
            for number in self._index.with_identifiers((*entry.identifiers, *address_pairs(entry.addresses))):
                if (at, number) not in numbered:
                    numbered.add((at, number))
                    yield NearParty(entry, *self._parties[number])
        found: dict[tuple[int, int], tuple[set[int], set[int], set[int]]] = {}
        for which, number, ours, is_part in self._index.near_each([name for _, _, name in asked]):
            at, place, _ = asked[which]
            names = found.setdefault((at, number), (set(), set(), set()))
            names[is_part].add(place)
            names[2].add(ours)
        for (at, number), (alone, parts, places) in found.items():
            if (at, number) not in numbered:
                party, prepared = self._parties[number]
                some = tuple(prepared[place] for place in sorted(places))
                yield NearParty(entries[at], party, some, NearEntry(entries[at], tuple(alone), tuple(parts)))


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
    entries = iter(changed)
    while some := list(islice(entries, _AT_ONCE)):
        for one in customers.near(some):
            hit = match(one.party, one.prepared, one.entry, one.near)
            if hit.score >= REVIEW:
                found.setdefault(id(one.party), (one.party, []))[1].append(hit)
    for party, hits in found.values():
        yield party, sorted(hits, key=lambda hit: (-hit.score, hit.entry.uid))
