"""Listed names that may alert on a name: all for which no bound on the score rules it out.

In: names as rows, then a prepared name. Out: which rows to compare. What a word of ours can be worth for a word of
theirs is never less here than in ``comparison``, so a name that is left out would not have alerted; a property test
holds the two together. Proposes only; ``matching`` decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.screening.comparison import DISTINCTIVE, REVIEW, is_rare
from custodes.screening.entities import PERSON
from custodes.screening.index.names import (
    AROUND,
    KINDS,
    NameRows,
    joins,
    marks_sought,
    spellings,
    wholes_of,
)
from custodes.screening.index.strings import SlipTable, begins, distinct, ranges
from custodes.screening.names.legal_forms import without_tail
from custodes.screening.names.likeness import (
    CONSONANTS,
    INITIALS,
    LONG_JOIN,
    SAME_SOUNDS,
    SHARED_FORM,
    WITH_TAIL,
    slip_worth,
)
from custodes.screening.names.name import SMALL, PreparedName

_MARKS = {"~": CONSONANTS, "^": CONSONANTS, "&": SAME_SOUNDS, ".": INITIALS, "@": INITIALS, "%": WITH_TAIL}
"""Worth of words that share a mark, by its first letter."""
_JOINED = 0.96
_LONGEST = 12
"""Longer words are worth as much as those of so many letters, so many slips apart."""
_WORTH = np.array(
    [[SHARED_FORM] * (_LONGEST + 1), *([slip_worth(size, slips) for size in range(_LONGEST + 1)] for slips in (1, 2))]
)
_ROUNDING = 0.002
_APART = np.array(
    [[False, True, True, False], [True, False, True, False], [True, True, False, False], [False] * 4], np.bool_
)
"""Kinds that are never one another, by ``KINDS``: a person, a vessel, an organisation."""
_Numbers = NDArray[np.int64]
_Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NearNames:
    """Rows of names worth comparing.

    Attributes:
        alone: those that may alert by themselves.
        parts: those that may be a part of the name, or it of them, which alerts only where something else agrees.
    """

    alone: _Numbers
    parts: _Numbers


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Which word of ours may stand for which of theirs, all four of one length.

    Attributes:
        ours: place of our word.
        at: place of theirs among the words of all names.
        values: what the pair may be worth.
        joins: whether one of them is written as one with its neighbours.
    """

    ours: _Numbers
    at: _Numbers
    values: _Values
    joins: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Sequence[_Evidence]) -> _Evidence:
        """All of ``parts``, by the place of their word."""
        ours, at, values, joins = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("ours", "at", "values", "joins")
        )
        order = np.argsort(at)
        return cls(ours[order], at[order], values[order], joins[order])


class _Postings:
    """Where each number stands."""

    def __init__(self, numbers: NDArray[np.int32], count: int, kept: NDArray[np.bool_] | None = None) -> None:
        """Of ``count`` numbers; places that are not ``kept`` are left out."""
        order = np.argsort(numbers, kind="stable").astype(np.int32)
        self._order = order if kept is None else order[kept[order]]
        self._starts = np.searchsorted(numbers[self._order], np.arange(count + 1)).astype(np.int64)

    def of(self, numbers: _Numbers) -> tuple[_Numbers, _Numbers]:
        """Places of all of ``numbers``, and which of these each place is of."""
        starts = self._starts[numbers]
        counts = self._starts[numbers + 1] - starts
        return self._order[ranges(starts, counts)].astype(np.int64), np.repeat(np.arange(len(numbers)), counts)


class _Lookup:
    """Which words each string belongs to."""

    def __init__(self, pairs: Sequence[tuple[int, int]], count: int) -> None:
        found = np.array(pairs, np.int32).reshape(-1, 2)
        self._words = found[:, 1].astype(np.int64)
        self._postings = _Postings(found[:, 0], count)

    def of(self, rows: _Numbers) -> tuple[_Numbers, _Numbers]:
        """Words of the strings ``rows``, and which of these each is of."""
        at, source = self._postings.of(rows)
        return self._words[at], source


def _slips(letters: int) -> int:
    """How many slips leave words of so many letters worth anything to each other (``slip_worth``)."""
    return 0 if letters < 3 else 1 if letters < 6 else 2


class NameTable:
    """Names ready to be asked for."""

    def __init__(self, rows: NameRows) -> None:
        """Index ``rows``: half a second for 60,000 entries."""
        self.items, self.places, self._kinds = rows.items, rows.places, rows.kinds
        self._name_of = np.repeat(np.arange(len(rows), dtype=np.int32), rows.sizes)
        self._first = (np.cumsum(rows.sizes) - rows.sizes).astype(np.int64)
        self._weights = rows.weights.astype(np.float64)
        self._totals = np.bincount(self._name_of, self._weights, len(rows))
        big = rows.weights > SMALL
        none_big = (np.bincount(self._name_of, big, len(rows)) == 0)[self._name_of]
        self._is_big = big | none_big
        self._none_big, self._tells = none_big, (rows.weights > DISTINCTIVE) | none_big
        rare = np.array([is_rare(line.partition(" ")[0]) for line in rows.spelled], np.bool_)
        self._is_rare = rare[rows.words] & self._is_big
        self._big = np.bincount(self._name_of, self._is_big, len(rows))
        self._small_totals = np.bincount(self._name_of, self._weights * ~self._is_big, len(rows))
        self._index_words(rows)
        self._joined = SlipTable(rows.joined, lambda letters: int(letters >= LONG_JOIN))
        self._join_at, self._join_sizes = rows.join_at.astype(np.int64), rows.join_sizes
        self._joins = _Postings(rows.joins, len(rows.joined))
        self._whole = SlipTable(rows.whole, lambda _: 0)
        self._wholes = _Postings(rows.wholes.ravel(), len(rows.whole))

    def __len__(self) -> int:
        """How many names there are."""
        return len(self.items)

    def _index_words(self, rows: NameRows) -> None:
        spelled: dict[str, int] = {}
        marked: dict[str, int] = {}
        of_spelled: list[tuple[int, int]] = []
        of_marked: list[tuple[int, int]] = []
        for word, line in enumerate(rows.spelled):
            for text in line.split(" "):
                known, pairs = (marked, of_marked) if text[:1] in _MARKS else (spelled, of_spelled)
                pairs.append((known.setdefault(text, len(known)), word))
        self._spellings, self._spelled = SlipTable(tuple(spelled), _slips), _Lookup(of_spelled, len(spelled))
        self._marks, self._marked = SlipTable(tuple(marked), lambda _: 0), _Lookup(of_marked, len(marked))
        self._words = _Postings(rows.words, len(rows.spelled))
        self._big_words = _Postings(rows.words, len(rows.spelled), self._is_big)

    def near(self, name: PreparedName) -> NearNames:
        """Names that may alert on ``name``."""
        alone = self._same_letters(name)
        parts = np.empty(0, np.int64)
        if name.tokens and len(self):
            more, parts = self._by_words(name)
            alone = distinct(np.concatenate([alone, more]))
        never = _APART[KINDS.get(name.kind, 2)]
        return NearNames(alone[~never[self._kinds[alone]]], parts[~never[self._kinds[parts]]])

    def _same_letters(self, name: PreparedName) -> _Numbers:
        rows = self._whole.find([text for text in wholes_of(name) if len(text) > 6]).exact()
        at, _ = self._wholes.of(rows)
        return distinct(at // 3)

    def _by_words(self, name: PreparedName) -> tuple[_Numbers, _Numbers]:
        ours = _Ours.of(name)
        evidence = _Evidence.joined([*self._of_words(name, ours), self._of_their_neighbours(name)])
        names = self._name_of[evidence.at]
        firsts = begins(names)
        touched, slots = names[firsts], np.cumsum(firsts) - 1
        count = len(touched)

        best = _best(slots * len(ours.weights) + evidence.ours, evidence.values)
        by, values = evidence.ours[best], evidence.values[best]
        explained = np.bincount(slots[best], ours.weights[by] * values, count) + ours.allowed
        found = np.bincount(slots[best], ours.big[by], count)

        best = _best(evidence.at, evidence.values)
        at = evidence.at[best]
        big = self._is_big[at]
        found_weight = np.bincount(slots[best], evidence.values[best] * self._weights[at] * big, count)
        theirs = found_weight + self._small_totals[touched]
        theirs_found = np.bincount(slots[best], big, count)
        tells = (ours.weights[evidence.ours] > DISTINCTIVE) | self._none_big[evidence.at]
        telling = np.flatnonzero((tells & self._tells[evidence.at]) | evidence.joins)
        met_ours = distinct(slots[telling] * len(ours.weights) + evidence.ours[telling]) // len(ours.weights)
        met_theirs = distinct(evidence.at[telling])
        their_slots = slots[np.searchsorted(evidence.at, met_theirs)]
        met = np.maximum(np.bincount(met_ours, None, count), np.bincount(their_slots, None, count))

        totals = self._totals[touched]
        score = explained / ours.total * np.minimum(theirs, totals) / totals
        whole, whole_theirs = found >= ours.big.sum(), theirs_found >= self._big[touched]
        # Three words that tell make a part by themselves, and two that few people bear; so does a firm's whole name.
        alone = (score >= REVIEW**2 - _ROUNDING) | ((whole | whole_theirs) & (met > 2)) | (whole & whole_theirs)
        if name.kind == PERSON:
            rare = np.bincount(their_slots, self._is_rare[met_theirs], count)
            alone |= (whole | whole_theirs) & (np.maximum(rare, ours.rare) > 1) & (met > 1)
        else:
            alone |= whole_theirs & (met > 0)
        parts = (whole | whole_theirs) & (met > 1) & ~alone
        return touched[alone], touched[parts]

    def _of_words(self, name: PreparedName, ours: _Ours) -> list[_Evidence]:
        """Words like ours, and words like what our neighbours give as one."""
        asked = _Asked.of(name)
        near = self._spellings.find(asked.texts)
        pair, want = np.nonzero(near.asked[:, None] == asked.text[None, :])
        slips = near.slips[pair]
        worth = _WORTH[slips, np.minimum(near.lengths[pair], _LONGEST)]
        worth[(slips == 0) & asked.plain[want]] = 1.0
        worth[(slips > 0) & asked.exact[want]] = 0.0
        worth[asked.joins[want]] = np.where(slips <= asked.slips[want], _JOINED, 0.0)[asked.joins[want]]
        words, source = self._spelled.of(near.rows[pair])
        by, values, joins = asked.ours[want][source], worth[source], asked.joins[want][source]

        marks = [(at, mark) for at, token in enumerate(name.tokens) for mark in marks_sought(token, name.kind)]
        same = self._marks.find([mark for _, mark in marks])
        marked, source = self._marked.of(same.rows)
        which = same.asked[source]
        words = np.concatenate([words, marked])
        by = np.concatenate([by, np.array([at for at, _ in marks])[which]])
        values = np.concatenate([values, np.array([_MARKS[mark[0]] for _, mark in marks])[which]])
        joins = np.concatenate([joins, np.zeros(len(which), np.bool_)])

        order = _best(words * (2 * len(name.tokens)) + by * 2 + joins, values)
        order = order[values[order] > 0]
        parts = []
        everywhere = ours.big[by[order]] | joins[order]
        for postings, chosen in ((self._words, order[everywhere]), (self._big_words, order[~everywhere])):
            at, source = postings.of(words[chosen])
            parts.append(_Evidence(by[chosen][source], at, values[chosen][source], joins[chosen][source]))
        return parts

    def _of_their_neighbours(self, name: PreparedName) -> _Evidence:
        """Neighbours of theirs that are like one word of ours."""
        asked = [
            (at, text)
            for at, token in enumerate(name.tokens) if len(token.plain) > 3 and not token.unvoiced
            for text in spellings(token)
        ]  # fmt: skip
        near = self._joined.find([text for _, text in asked])
        allowed = np.array([len(text) >= LONG_JOIN for _, text in asked], np.bool_)[near.asked]
        kept = near.slips <= allowed
        places, source = self._joins.of(near.rows[kept])
        ours = np.array([at for at, _ in asked], np.int64)[near.asked[kept]][source]
        first, size = self._join_at[places], self._join_sizes[places]
        last_of = size == AROUND
        second = np.where(last_of, self._first[self._name_of[first]] if len(first) else first, first + 1)
        third = size == 3
        at = np.concatenate([first, second, first[third] + 2])
        by = np.concatenate([ours, ours, ours[third]])
        return _Evidence(by, at, np.full(len(at), _JOINED), np.ones(len(at), np.bool_))


@dataclass(frozen=True, slots=True)
class _Ours:
    """What the words of a name are worth.

    Attributes:
        weights: of each word.
        total: of all.
        big: which tell; all of them where none does.
        allowed: what small words beside others may be worth in any name.
        rare: how many few people bear.
    """

    weights: _Values
    total: float
    big: NDArray[np.bool_]
    allowed: float
    rare: int

    @classmethod
    def of(cls, name: PreparedName) -> _Ours:
        """Of ``name``, which has words."""
        weights = np.array([token.weight for token in name.tokens])
        wide = weights > SMALL
        big = wide if wide.any() else np.ones(len(weights), np.bool_)
        # A small word of ours beside others is taken as found: looking for it would find half of all names.
        rare = sum(is_rare(token.plain) for token in name.tokens)
        return cls(weights * big, float(weights.sum()), big, float(weights[~big].sum()), rare)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Strings to look for, and for which words of ours.

    Attributes:
        texts: each once.
        text: which of them each wish is for; what follows is by wish.
        ours: our word.
        plain: whether it is the word as it is.
        joins: whether it is the word with its neighbours.
        slips: how many slips such neighbours are forgiven.
        exact: whether only the same will do.
    """

    texts: list[str]
    text: _Numbers
    ours: _Numbers
    plain: NDArray[np.bool_]
    joins: NDArray[np.bool_]
    slips: _Numbers
    exact: NDArray[np.bool_]

    @classmethod
    def of(cls, name: PreparedName) -> _Asked:
        """All wishes for ``name``."""
        wishes = [
            (text, at, number == 0, False) for at, token in enumerate(name.tokens)
            for number, text in enumerate(spellings(token))
        ]  # fmt: skip
        if name.kind != PERSON:
            wishes += [
                (rest, at, False, False) for at, token in enumerate(name.tokens) for rest in without_tail(token.plain)
            ]
        wishes += [(text, place, False, True) for places, text in joins(name) for place in places]
        texts: dict[str, int] = {}
        text = [texts.setdefault(wish[0], len(texts)) for wish in wishes]
        ours, plain, joined = (np.array([wish[at] for wish in wishes]) for at in (1, 2, 3))
        slips = np.array([int(len(wish[0]) >= LONG_JOIN) for wish in wishes])
        syllabic = [token.syllabic for token in name.tokens]
        exact = np.array([wish[0].isdigit() or syllabic[wish[1]] for wish in wishes])
        return cls([*texts], np.array(text), ours, plain, joined, slips, exact)


def _best(keys: _Numbers, values: _Values) -> _Numbers:
    """Places of the greatest value of each key."""
    by_key = keys << 10 | (values * 1000).astype(np.int64)
    order = np.argsort(by_key)
    in_order = keys[order]
    last = np.ones(len(order), np.bool_)
    np.not_equal(in_order[1:], in_order[:-1], out=last[:-1])
    return order[last]
