"""Which entries are worth comparing: words that agree or lie one letter apart, weighed by how rare they are.

In: prepared names. Out: keys of the listed names that share enough. The port is implemented here in memory, for the
delta of a list, and in storage over SQLite, for the whole of it. Proposes only; ``matching`` decides.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from custodes.governance.screening.entities import ListEntry, Party
from custodes.governance.screening.names import NameToken, PreparedName, keys, prepare

MOST_CANDIDATES = 40


class EntryIndex(Protocol):
    """Entries by name and by identifier."""

    def by_names(self, prepared: Sequence[PreparedName]) -> Sequence[ListEntry]:
        """Entries with a name near one of these, nearest first, at most ``MOST_CANDIDATES`` a name."""
        ...

    def by_identifiers(self, identifiers: Sequence[tuple[str, str]]) -> Sequence[ListEntry]:
        """Entries that carry one of these pairs of kind and value."""
        ...


def rank(matches: Sequence[tuple[float, Iterable[tuple[int, int]]]]) -> list[int]:
    """Order listed names by shared weight.

    Args:
        matches: per word of the query its weight, and the (name, number of words) that have a word like it.

    Returns:
        Names best first, at most ``MOST_CANDIDATES``; one shared word out of two or more on both sides is not enough.
    """
    weight: dict[int, float] = defaultdict(float)
    shared: dict[int, int] = defaultdict(int)
    lengths: dict[int, int] = {}
    for value, names in matches:
        for name, length in names:
            weight[name] += value
            shared[name] += 1
            lengths[name] = length
    least = 2 if len(matches) > 1 else 1
    kept = [name for name, count in shared.items() if count >= min(least, lengths[name])]
    kept.sort(key=lambda name: (-weight[name] / math.sqrt(lengths[name]), name))
    return kept[:MOST_CANDIDATES]


class MemoryIndex:
    """An index over few entries, like those that an edition of a list changed."""

    def __init__(self, entries: Iterable[ListEntry]) -> None:
        """Index ``entries``; a few thousand a second."""
        self._entries: list[ListEntry] = []
        self._identifiers: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._keys: dict[str, set[str]] = defaultdict(set)
        self._owner: list[int] = []
        self._near: dict[str, dict[int, int]] = {}
        for entry in entries:
            self._add(entry)

    def _add(self, entry: ListEntry) -> None:
        number = len(self._entries)
        self._entries.append(entry)
        for pair in entry.identifiers:
            self._identifiers[pair].append(number)
        for name in entry.names:
            tokens = prepare(name.text, entry.kind).tokens
            for form in {form for token in tokens for form in token.forms}:
                self._postings[form].append((len(self._owner), len(tokens)))
                for key in keys(form):
                    self._keys[key].add(form)
            self._owner.append(number)

    def by_names(self, prepared: Sequence[PreparedName]) -> Sequence[ListEntry]:
        """Entries near these names."""
        found: dict[int, None] = {}
        for name in prepared:
            matches = [(token.weight, self._like(token).items()) for token in name.tokens]
            if matches:
                found.update((self._owner[listed], None) for listed in rank(matches))
        return [self._entries[number] for number in found]

    def _like(self, token: NameToken) -> Mapping[int, int]:
        """Return the names with a word like this one; asked once per word, since customers share most of theirs."""
        known = self._near.get(token.plain)
        if known is None:
            forms = {near for form in token.forms for key in keys(form) for near in self._keys.get(key, ())}
            known = self._near[token.plain] = dict(pair for form in forms for pair in self._postings[form])
        return known

    def by_identifiers(self, identifiers: Sequence[tuple[str, str]]) -> Sequence[ListEntry]:
        """Entries that carry one of these."""
        return [self._entries[number] for pair in identifiers for number in self._identifiers.get(pair, ())]


def prepare_party(party: Party) -> tuple[PreparedName, ...]:
    """Prepare the name and the aliases of a party, each once."""
    return tuple(prepare(text, party.kind) for text in dict.fromkeys((party.name, *party.aliases)))


def affected(
    parties: Iterable[tuple[Party, tuple[PreparedName, ...]]], changed: EntryIndex
) -> Iterator[tuple[Party, tuple[PreparedName, ...], Sequence[ListEntry]]]:
    """Parties that a change of a list may concern, with the changed entries to compare them with."""
    for party, prepared in parties:
        near = [*changed.by_identifiers(party.identifiers), *changed.by_names(prepared)]
        if near:
            yield party, prepared, near
