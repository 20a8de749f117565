"""Which names are worth comparing: words that agree or lie one letter apart, weighed by how much they tell.

In: prepared names. Out: numbers of the names that share enough. ``NameIndex`` holds them in memory, for the entries
that an edition changed and for the customers to screen against those; storage has all entries in SQLite, by the same
words. Proposes only; ``matching`` decides.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from custodes.screening.comparison import together, windows
from custodes.screening.entities import PERSON, ListEntry, Party
from custodes.screening.names.addresses import address_pairs
from custodes.screening.names.name import NameToken, PreparedName, keys, prepare
from custodes.screening.names.sounds import skeleton
from custodes.screening.names.spellings import fold, forms

MAX_CANDIDATES = 80
_OF_OURS, _OF_THEIRS = 0.7, 0.6
"""Parts of either name's weight without which no score reaches an alert: .86 squared, less where weights differ."""
_WHOLE, _WHOLE_LEAST, _PART_OF_THEIRS = 0.85, 0.5, 0.4
_MAX_FORMS = 4


class EntryIndex(Protocol):
    """Entries by name and by identifier."""

    def by_names(self, prepared: Sequence[PreparedName]) -> Sequence[ListEntry]:
        """Entries with a name near one of these, nearest first, at most ``MAX_CANDIDATES`` a name."""
        ...

    def by_identifiers(self, identifiers: Sequence[tuple[str, str]]) -> Sequence[ListEntry]:
        """Entries that carry one of these pairs of kind and value."""
        ...


def posted(name: PreparedName) -> set[str]:
    """Words under which a name is found: the forms of its words; their consonants, for scripts without vowels; their
    sounds, for brands; two and three neighbours written as one.

    The first letter tells them apart: ``~`` consonants of a voiced word, ``^`` of an unvoiced one, ``&`` sounds, ``+``
    two words, ``=`` three or all, ``1`` an initial.
    """  # fmt: skip
    found = {form for token in name.tokens for form in (token.plain, *token.forms)}
    for token in name.tokens:
        if name.kind != PERSON:
            found.update(("&" + token.skeleton,) if token.skeleton else ())
        elif len(token.consonants) > 1:
            found.add(("^" if token.unvoiced else "~") + token.consonants)
        if len(token.plain) == 1 and name.kind == PERSON:
            found.add("1" + token.plain)
    for places in windows(name):
        plain = together(name, places)
        found.update(("+" if len(places) == 2 else "=") + form for form in {plain, fold(plain)})
        if name.kind != PERSON and (sounds := skeleton(plain)):
            found.add("&" + sounds)
    found.add("=" + name.squeezed)
    return found


def sought(name: PreparedName) -> list[tuple[float, tuple[str, ...]]]:
    """What finds the like of a name: for each word, and each few neighbours, a weight and its keys (``names.keys``).

    A word of ours that is two or three of theirs counts as so many; an overestimate, as all weights of neighbours are,
    since this only proposes.
    """
    found = []
    for token in name.tokens:
        keys_ = _wanted(token, name.kind)
        found.append((token.weight, keys_))
        if len(token.plain) > 3 and not token.unvoiced:
            forms_ = (token.plain, *_forms(token.plain))
            found += [(1.0, tuple("+" + form for form in forms_)), (2.0, tuple("=" + form for form in forms_))]
    for places in windows(name):
        plain = together(name, places)
        keys_ = tuple(dict.fromkeys(key for form in (plain, *_forms(plain)) for key in keys(form)))
        if name.kind != PERSON and (sounds := skeleton(plain)):
            keys_ += ("&" + sounds,)
        found.append((sum(name.tokens[at].weight for at in places), keys_))
    found.append((total(name), (name.squeezed, "+" + name.squeezed, "=" + name.squeezed)))
    return found


@lru_cache(maxsize=65_536)
def _forms(plain: str) -> tuple[str, ...]:
    return forms(plain)[:_MAX_FORMS]


@lru_cache(maxsize=65_536)
def _wanted(token: NameToken, kind: str) -> tuple[str, ...]:
    wanted = {key for form in (token.plain, *token.forms) for key in keys(form)}
    if len(token.plain) > 3 and not token.unvoiced:
        wanted.update(mark + form for form in (token.plain, *_forms(token.plain)) for mark in "+=")
    if kind != PERSON:
        wanted.update(("&" + token.skeleton,) if token.skeleton else ())
        return tuple(wanted)
    wanted.add("1" + token.plain[0])
    if len(token.consonants) > 1:
        wanted.add(("~" if token.unvoiced else "^") + token.consonants)
    return tuple(wanted)


def posted_keys(word: str) -> tuple[str, ...]:
    """Keys by which a posted word is found; joined words and consonants are found whole only."""
    return (word,) if word[:1] in tuple("~^&+=1") else keys(word)


def total(name: PreparedName) -> float:
    """How much all words of a name tell."""
    return sum(token.weight for token in name.tokens)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a listed name must share with ours to be able to alert.

    Attributes:
        least: of the weight that is shared, in our weights.
        all_ours: what is shared where all of ours is.
        extra: added before what is shared is held against all of theirs: their weights may be greater than ours.
    """

    least: float
    all_ours: float
    extra: float

    @classmethod
    def of(cls, name: PreparedName) -> Bounds:
        """The bounds of ``name``."""
        whole = total(name)
        less = sum(1.0 - token.weight for token in name.tokens)
        return cls(whole * _OF_OURS, whole * 0.95, less)

    @property
    def floor(self) -> float:
        """Whoever shares less is never admitted."""
        return min(self.least, _WHOLE_LEAST)

    def admits(self, shared: Any, whole: Any) -> Any:
        """Whether names may alert that share ``shared`` and weigh ``whole``; numbers or arrays of them.

        Both share most of each other; or theirs is whole in ours; or ours in theirs.
        """
        most = (shared >= self.least) & (shared + self.extra >= whole * _OF_THEIRS)
        theirs = (shared >= _WHOLE_LEAST) & (shared + self.extra >= whole * _WHOLE)
        ours = (shared >= self.all_ours) & (shared + self.extra >= whole * _PART_OF_THEIRS)
        return most | theirs | ours


def rank(name: PreparedName, matches: Sequence[tuple[float, Mapping[int, float]]]) -> list[int]:
    """Order listed names by shared weight.

    Args:
        name: what is asked for.
        matches: per item of ``sought(name)`` its weight, and the total weight of each listed name with a word like it.

    Returns:
        Names that share enough, best first, at most ``MAX_CANDIDATES``.
    """
    bounds = Bounds.of(name)
    least = bounds.floor
    by_size = sorted((found for found in matches if found[1]), key=lambda found: len(found[1]))
    if sum(value for value, _ in by_size) < least:
        return []
    # Whoever is only in the largest sets shares too little: those are asked, not gone through.
    start = len(by_size)
    rest = 0.0
    while start and rest + by_size[start - 1][0] < least:
        start -= 1
        rest += by_size[start][0]
    candidates = {listed: whole for _, names in by_size[:start] for listed, whole in names.items()}
    kept = []
    for listed, whole in candidates.items():
        shared = sum(value for value, names in by_size if listed in names)
        if bounds.admits(shared, whole):
            kept.append((-shared / math.sqrt(whole), listed))
    kept.sort()
    return [listed for _, listed in kept[:MAX_CANDIDATES]]


class NameIndex:
    """Numbered items in memory, found by their names and identifiers."""

    def __init__(self) -> None:
        """Start without items."""
        self._identifiers: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._postings: dict[str, dict[int, float]] = defaultdict(dict)
        self._keys: dict[str, set[str]] = defaultdict(set)
        self._owner: list[int] = []
        self._near: dict[tuple[str, ...], Mapping[int, float]] = {}

    def add(self, item: int, names: Iterable[PreparedName], identifiers: Iterable[tuple[str, str]]) -> None:
        """Have ``item`` found by these names and identifiers; some ten thousand names a second."""
        self._near.clear()
        for pair in identifiers:
            self._identifiers[pair].append(item)
        for name in names:
            weight = total(name)
            for word in posted(name):
                self._postings[word][len(self._owner)] = weight
                for key in posted_keys(word):
                    self._keys[key].add(word)
            self._owner.append(item)

    def near(self, names: Iterable[PreparedName], identifiers: Iterable[tuple[str, str]] = ()) -> list[int]:
        """Items that carry one of the identifiers, then those with a name near one of ``names``, nearest first."""
        found = dict.fromkeys(item for pair in identifiers for item in self._identifiers.get(pair, ()))
        for name in names:
            matches = [(weight, self._like(wanted)) for weight, wanted in sought(name)]
            found.update((self._owner[listed], None) for listed in rank(name, matches))
        return list(found)

    def _like(self, wanted: tuple[str, ...]) -> Mapping[int, float]:
        """Names with a word that one of these keys finds; remembered until something is added."""
        known = self._near.get(wanted)
        if known is None:
            words = {word for key in wanted for word in self._keys.get(key, ())}
            if len(words) == 1:
                known = self._postings[words.pop()]
            else:
                known = {name: whole for word in words for name, whole in self._postings[word].items()}
            self._near[wanted] = known
        return known


class MemoryIndex:
    """An index over few entries, like those that an edition of a list changed."""

    def __init__(self, entries: Iterable[ListEntry]) -> None:
        """Index ``entries``; a few thousand a second."""
        self._entries = list(entries)
        self._index = NameIndex()
        for number, entry in enumerate(self._entries):
            names = [prepare(name.text, entry.kind) for name in entry.names]
            self._index.add(number, names, (*entry.identifiers, *address_pairs(entry.addresses)))

    def by_names(self, prepared: Sequence[PreparedName]) -> Sequence[ListEntry]:
        """Entries near these names."""
        return [self._entries[number] for number in self._index.near(prepared)]

    def by_identifiers(self, identifiers: Sequence[tuple[str, str]]) -> Sequence[ListEntry]:
        """Entries that carry one of these."""
        return [self._entries[number] for number in self._index.near((), identifiers)]


def prepare_party(party: Party) -> tuple[PreparedName, ...]:
    """Prepare the name and the aliases of a party, each once."""
    return tuple(prepare(text, party.kind) for text in dict.fromkeys((party.name, *party.aliases)))
