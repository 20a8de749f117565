"""Which names are worth comparing: words that agree or lie one letter apart, weighed by how much they tell.

In: prepared names. Out: numbers of the names that share enough. ``NameIndex`` holds them in memory, for the entries
that an edition changed and for the customers to screen against those; storage has all entries in SQLite, by the same
words. Proposes only; ``matching`` decides.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from custodes.governance.screening.entities import PERSON, ListEntry, Party
from custodes.governance.screening.names import PreparedName, keys, prepare

MOST_CANDIDATES = 40
_JOIN_UNDER = 6


class EntryIndex(Protocol):
    """Entries by name and by identifier."""

    def by_names(self, prepared: Sequence[PreparedName]) -> Sequence[ListEntry]:
        """Entries with a name near one of these, nearest first, at most ``MOST_CANDIDATES`` a name."""
        ...

    def by_identifiers(self, identifiers: Sequence[tuple[str, str]]) -> Sequence[ListEntry]:
        """Entries that carry one of these pairs of kind and value."""
        ...


def posted(name: PreparedName) -> set[str]:
    """Words under which a name is found: the forms of its words; their consonants, for scripts without vowels;
    neighbours taken together where one is short.

    The first letter tells them apart: ``~`` consonants of a voiced word, ``^`` of an unvoiced one, ``+`` two words.
    """  # fmt: skip
    found = {form for token in name.tokens for form in token.forms}
    for token in name.tokens:
        if len(token.consonants) > 1 and name.kind == PERSON:
            found.add(("^" if token.unvoiced else "~") + token.consonants)
    for a, b in zip(name.tokens, name.tokens[1:], strict=False):
        if min(len(a.plain), len(b.plain)) < _JOIN_UNDER:
            found.add("+" + a.forms[0] + b.forms[0])
    return found


def sought(name: PreparedName) -> list[tuple[float, set[str]]]:
    """For each word of a name, and each two neighbours, its weight and the keys (``names.keys``) that find its like."""
    found = []
    for token in name.tokens:
        wanted = {key for form in token.forms for key in keys(form)} | {"+" + token.forms[0]}
        if len(token.consonants) > 1:
            wanted.add(("~" if token.unvoiced else "^") + token.consonants)
        found.append((token.weight, wanted))
    for a, b in zip(name.tokens, name.tokens[1:], strict=False):
        if min(len(a.plain), len(b.plain)) < _JOIN_UNDER:
            found.append((a.weight + b.weight, {a.forms[0] + b.forms[0]}))
    return found


def posted_keys(word: str) -> tuple[str, ...]:
    """Keys by which a posted word is found; joined words and consonants are found whole only."""
    return (word,) if word[:1] in tuple("~^+") else keys(word)


def rank(matches: Sequence[tuple[float, Iterable[tuple[int, int]]]], words: int) -> list[int]:
    """Order listed names by shared weight.

    Args:
        matches: per word of the query its weight, and the (name, number of words) that have a word like it.
        words: how many words the query has.

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
    least = 2 if words > 1 else 1
    kept = [name for name, count in shared.items() if count >= min(least, lengths[name])]
    kept.sort(key=lambda name: (-weight[name] / math.sqrt(lengths[name]), name))
    return kept[:MOST_CANDIDATES]


class NameIndex:
    """Numbered items in memory, found by their names and identifiers."""

    def __init__(self) -> None:
        """Start without items."""
        self._identifiers: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._postings: dict[str, dict[int, int]] = defaultdict(dict)
        self._keys: dict[str, set[str]] = defaultdict(set)
        self._owner: list[int] = []

    def add(self, item: int, names: Iterable[PreparedName], identifiers: Iterable[tuple[str, str]]) -> None:
        """Have ``item`` found by these names and identifiers; some ten thousand names a second."""
        for pair in identifiers:
            self._identifiers[pair].append(item)
        for name in names:
            for word in posted(name):
                self._postings[word][len(self._owner)] = len(name.tokens)
                for key in posted_keys(word):
                    self._keys[key].add(word)
            self._owner.append(item)

    def near(self, names: Iterable[PreparedName], identifiers: Iterable[tuple[str, str]] = ()) -> list[int]:
        """Items that carry one of the identifiers, then those with a name near one of ``names``, nearest first."""
        found = dict.fromkeys(item for pair in identifiers for item in self._identifiers.get(pair, ()))
        for name in names:
            matches = [(weight, self._like(wanted).items()) for weight, wanted in sought(name)]
            found.update((self._owner[listed], None) for listed in rank(matches, len(name.tokens)))
        return list(found)

    def _like(self, wanted: set[str]) -> Mapping[int, int]:
        words = {word for key in wanted for word in self._keys.get(key, ())}
        if len(words) == 1:
            return self._postings[next(iter(words))]
        return dict(pair for word in words for pair in self._postings[word].items())


class MemoryIndex:
    """An index over few entries, like those that an edition of a list changed."""

    def __init__(self, entries: Iterable[ListEntry]) -> None:
        """Index ``entries``; a few thousand a second."""
        self._entries = list(entries)
        self._index = NameIndex()
        for number, entry in enumerate(self._entries):
            names = [prepare(name.text, entry.kind) for name in entry.names]
            self._index.add(number, names, entry.identifiers)

    def by_names(self, prepared: Sequence[PreparedName]) -> Sequence[ListEntry]:
        """Entries near these names."""
        return [self._entries[number] for number in self._index.near(prepared)]

    def by_identifiers(self, identifiers: Sequence[tuple[str, str]]) -> Sequence[ListEntry]:
        """Entries that carry one of these."""
        return [self._entries[number] for number in self._index.near((), identifiers)]


def prepare_party(party: Party) -> tuple[PreparedName, ...]:
    """Prepare the name and the aliases of a party, each once."""
    return tuple(prepare(text, party.kind) for text in dict.fromkeys((party.name, *party.aliases)))
