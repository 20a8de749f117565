"""Entries found by their names and identifiers; in memory, for those that an edition changed, and for customers.

In: entries, or items with prepared names. Out: what is worth comparing. Storage keeps the index over all lists.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from custodes.screening.entities import PERSON, ListEntry, Party
from custodes.screening.index.names import NameRows
from custodes.screening.index.near import NameTable
from custodes.screening.names.addresses import address_pairs
from custodes.screening.names.alternatives import alternatives
from custodes.screening.names.name import PreparedName, prepare
from custodes.screening.names.pieces import put_together


@dataclass(frozen=True, slots=True)
class NearEntry:
    """An entry with names worth comparing.

    Attributes:
        entry: as listed.
        names: places of those that may alert by themselves.
        parts: places of those that may where something else agrees.
    """

    entry: ListEntry
    names: tuple[int, ...]
    parts: tuple[int, ...] = ()


class EntryIndex(Protocol):
    """Entries by name and by identifier."""

    def by_names(self, prepared: Sequence[PreparedName]) -> Sequence[NearEntry]:
        """Every entry with a name that may alert on one of these."""
        ...

    def by_identifiers(self, identifiers: Sequence[tuple[str, str]]) -> Sequence[ListEntry]:
        """Entries that carry one of these pairs of kind and value."""
        ...


@dataclass(frozen=True, slots=True)
class NearItem:
    """As ``NearEntry``, of an item of an index."""

    item: int
    names: tuple[int, ...]
    parts: tuple[int, ...]


def near_items(table: NameTable, prepared: Iterable[PreparedName]) -> list[NearItem]:
    """Items of ``table`` with names that may alert on one of ``prepared``."""
    found: dict[int, tuple[dict[int, None], dict[int, None]]] = defaultdict(lambda: ({}, {}))
    for near in table.near([*prepared]):
        for which, rows in enumerate((near.alone, near.parts)):
            for item, place in zip(table.items[rows].tolist(), table.places[rows].tolist(), strict=True):
                found[item][which][place] = None
    return [NearItem(item, tuple(names), tuple(parts)) for item, (names, parts) in found.items()]


class NameIndex:
    """Numbered items in memory, found by their names and identifiers. Asking after adding makes the index anew."""

    def __init__(self) -> None:
        """Start without items."""
        self._identifiers: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._new: list[tuple[int, int, PreparedName]] = []
        self._rows = NameRows.of(())
        self._table: NameTable | None = None

    def add(self, item: int, names: Iterable[tuple[int, PreparedName]], identifiers: Iterable[tuple[str, str]]) -> None:
        """Have ``item`` found by these identifiers and names, each with its place among the names of the item."""
        for pair in identifiers:
            self._identifiers[pair].append(item)
        self._new += [(item, place, name) for place, name in names]

    def near(self, names: Iterable[PreparedName]) -> list[NearItem]:
        """Items with a name that may alert on one of ``names``."""
        return near_items(self.make(), names)

    def near_each(self, names: Sequence[PreparedName]) -> Iterator[tuple[int, int, int, bool]]:
        """Of each of ``names``, which are listed while the items are customers: its place, and what may alert on it.

        That is an item, which of its names, and whether only as a part.
        """
        table = self.make()
        for at, near in enumerate(table.near(names, listed=True)):
            for rows, is_part in ((near.alone, False), (near.parts, True)):
                for item, place in zip(table.items[rows].tolist(), table.places[rows].tolist(), strict=True):
                    yield at, item, place, is_part

    def make(self) -> NameTable:
        """The table of what is in it now; made anew only after something was added."""
        if self._new or self._table is None:
            self._rows = self._rows.with_(NameRows.of(self._new))
            self._new = []
            self._table = NameTable(self._rows)
        return self._table

    def with_identifiers(self, identifiers: Iterable[tuple[str, str]]) -> list[int]:
        """Items that carry one of these."""
        return [item for pair in identifiers for item in self._identifiers.get(pair, ())]


class MemoryIndex:
    """An index over few entries, like those that an edition of a list changed."""

    def __init__(self, entries: Iterable[ListEntry]) -> None:
        """Index ``entries``; a few thousand a second."""
        self._entries = list(entries)
        self._index = NameIndex()
        for number, entry in enumerate(self._entries):
            self._index.add(number, named(entry), (*entry.identifiers, *address_pairs(entry.addresses)))

    def by_names(self, prepared: Sequence[PreparedName]) -> Sequence[NearEntry]:
        """See EntryIndex."""
        return [NearEntry(self._entries[near.item], near.names, near.parts) for near in self._index.near(prepared)]

    def by_identifiers(self, identifiers: Sequence[tuple[str, str]]) -> Sequence[ListEntry]:
        """See EntryIndex."""
        return [self._entries[number] for number in dict.fromkeys(self._index.with_identifiers(identifiers))]


def prepare_party(party: Party) -> tuple[PreparedName, ...]:
    """Prepare the name and the aliases of a party, the names within them, and those cut in pieces, each once."""
    texts = dict.fromkeys(one for text in (party.name, *party.aliases) for one in alternatives(text, party.kind))
    if party.kind != PERSON:
        texts.update(dict.fromkeys(whole for text in [*texts] for whole in put_together(text)))
    return tuple(prepare(text, party.kind) for text in texts)


def named(entry: ListEntry) -> Iterator[tuple[int, PreparedName]]:
    """The names of ``entry``, and the names within them, each with its place."""
    for place, name in enumerate(entry.names):
        for text in alternatives(name.text, entry.kind):
            yield place, prepare(text, entry.kind)
