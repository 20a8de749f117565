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
from custodes.screening.index.asked import AskedStrings, AskedWords, Flags, Numbers, Values
from custodes.screening.index.names import AROUND, NameRows
from custodes.screening.index.strings import NearStrings, SlipTable, begins, distinct, ranges
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
_LEAST = REVIEW**2 - 0.002
"""Least product of what either name explains of the other that alerts, and a little for rounding."""
_APART = np.array(
    [[False, True, True, False], [True, False, True, False], [True, True, False, False], [False] * 4], np.bool_
)
"""Kinds that are never one another, by ``KINDS``: a person, a vessel, an organisation."""
_NO_PAIRS = np.empty(0, np.int64)
AT_ONCE = 128
"""Names that are looked for together at most."""


@dataclass(frozen=True, slots=True)
class NearNames:
    """Rows of names worth comparing.

    Attributes:
        alone: those that may alert by themselves.
        parts: those that may be a part of the name, or it of them, which alerts only where something else agrees.
    """

    alone: Numbers
    parts: Numbers


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Which word of ours may stand for which of theirs, all four of one length.

    Attributes:
        ours: place of our word among those asked for.
        at: place of theirs among the words of all names.
        values: what the pair may be worth.
        joins: whether one of them is written as one with its neighbours.
    """

    ours: Numbers
    at: Numbers
    values: Values
    joins: Flags

    @classmethod
    def joined(cls, parts: Sequence[_Evidence], asked: AskedWords) -> tuple[_Evidence, Numbers]:
        """All of ``parts``, by name and then by the place of their word; and which name each is of."""
        ours, at, values, joins = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("ours", "at", "values", "joins")
        )
        names = asked.of[ours]
        order = np.argsort(names << 40 | at)
        return cls(ours[order], at[order], values[order], joins[order]), names[order]

    def only(self, kept: Numbers | Flags) -> _Evidence:
        """Those that are ``kept``."""
        return _Evidence(self.ours[kept], self.at[kept], self.values[kept], self.joins[kept])


class _Postings:
    """Where each number stands."""

    def __init__(self, numbers: NDArray[np.int32], count: int, kept: NDArray[np.bool_] | None = None) -> None:
        """Of ``count`` numbers; places that are not ``kept`` are left out."""
        order = np.argsort(numbers, kind="stable").astype(np.int32)
        self._order = order if kept is None else order[kept[order]]
        self._starts = np.searchsorted(numbers[self._order], np.arange(count + 1)).astype(np.int64)

    def of(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
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

    def of(self, rows: Numbers) -> tuple[Numbers, Numbers]:
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
        self._none_big = none_big
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

    def near(self, names: Sequence[PreparedName], *, listed: bool = False) -> list[NearNames]:
        """For each of ``names`` those that may alert on it; many at once cost less than one by one.

        Args:
            names: of customers, while the rows are of a list; where they are ``listed``, it is the other way round.
            listed: which matters, since a listed firm's name that stands whole in a customer's alerts.
        """
        parts = [names[at : at + AT_ONCE] for at in range(0, len(names), AT_ONCE)]
        return [found for part in parts for found in self._near(part, listed)]

    def _near(self, names: Sequence[PreparedName], listed: bool) -> list[NearNames]:
        asked = AskedWords.of_names(names)
        whole = self._same_letters(names)
        alone, parts = self._by_words(names, asked, listed) if len(asked.of) and len(self) else (_NO_PAIRS, _NO_PAIRS)
        found = [distinct(np.concatenate([whole, alone])), parts]
        by_name = []
        for pairs in found:
            which, rows = np.divmod(pairs, max(len(self), 1))
            kept = ~_APART[asked.kinds[which], self._kinds[rows]]
            ends = np.searchsorted(which[kept], np.arange(1, len(names)))
            by_name.append(np.split(rows[kept], ends))
        return [NearNames(*rows) for rows in zip(*by_name, strict=True)]

    def _same_letters(self, names: Sequence[PreparedName]) -> Numbers:
        """Pairs of a name and a row whose words give the same letters."""
        asked = AskedStrings.of_wholes(names)
        near = self._whole.find(asked.texts, asked.most)
        want, source = _wishes(asked, near)
        same = near.slips[source] == 0
        at, which = self._wholes.of(near.rows[source[same]])
        return distinct(asked.words[want[same]][which] * len(self) + at // 3)

    def _by_words(self, names: Sequence[PreparedName], asked: AskedWords, listed: bool) -> tuple[Numbers, Numbers]:
        """Pairs of a name and a row, as one number, that may alert alone, and that may as parts."""
        evidence, of = _Evidence.joined([*self._of_words(names, asked), self._of_their_neighbours(names)], asked)
        hopeful = self._hopeful(evidence, of, asked)
        evidence, of = evidence.only(hopeful), of[hopeful]
        pairs = of * len(self) + self._name_of[evidence.at]
        firsts = begins(pairs)
        touched, slots = pairs[firsts], np.cumsum(firsts) - 1
        count, words = len(touched), len(asked.of)
        which, rows = np.divmod(touched, len(self))

        best = _best(slots * words + evidence.ours, evidence.values)
        by = evidence.ours[best]
        explained = np.bincount(slots[best], asked.weights[by] * evidence.values[best], count) + asked.allowed[which]
        whole = np.bincount(slots[best], asked.big[by], count) >= asked.counts[which]

        places = of * len(self._name_of) + evidence.at
        best = _best(places, evidence.values)
        at = evidence.at[best]
        big = self._is_big[at]
        found = np.bincount(slots[best], evidence.values[best] * self._weights[at] * big, count)
        theirs = np.minimum(found + self._small_totals[rows], self._totals[rows])
        whole_theirs = np.bincount(slots[best], big, count) >= self._big[rows]

        # A name of nothing but small words is told by all of them.
        tells = (asked.weights[evidence.ours] > DISTINCTIVE) & (self._weights[evidence.at] > DISTINCTIVE)
        small = self._none_big[evidence.at] | (asked.big & (asked.weights <= SMALL))[evidence.ours]
        telling = np.flatnonzero(tells | small | evidence.joins)
        met_ours = distinct(slots[telling] * words + evidence.ours[telling]) // words
        first_of = telling[begins(places[telling])]
        met = np.maximum(np.bincount(met_ours, None, count), np.bincount(slots[first_of], None, count))
        rare = np.bincount(slots[first_of], self._is_rare[evidence.at[first_of]], count)

        score = explained / asked.totals[which] * theirs / self._totals[rows]
        # Three words that tell make a part by themselves, and two that few people bear; so does a firm's whole name.
        alone = (score >= _LEAST) | ((whole | whole_theirs) & (met > 2)) | (whole & whole_theirs)
        few = (whole | whole_theirs) & (np.maximum(rare, asked.rare[which]) > 1) & (met > 1)
        alone |= np.where(asked.persons[which], few, (whole if listed else whole_theirs) & (met > 0))
        parts = (whole | whole_theirs) & (met > 1) & ~alone
        return touched[alone], touched[parts]

    def _hopeful(self, evidence: _Evidence, of: Numbers, asked: AskedWords) -> Flags:
        """Not where a single word is all that two names of several share: so it is with nine names of ten."""
        rows = self._name_of[evidence.at]
        firsts = begins(rows) | begins(of)
        single = firsts & np.append(firsts[1:], True)
        enough = (asked.weights + asked.allowed[asked.of]) / asked.totals[asked.of] >= _LEAST
        kept: Flags = ~single | (enough | (asked.counts[asked.of] < 2))[evidence.ours]
        if not asked.persons.all():
            kept |= ~asked.persons[of] & (self._big[rows] < 2)
        return kept

    def _of_words(self, names: Sequence[PreparedName], asked: AskedWords) -> list[_Evidence]:
        """Words like ours, and words like what our neighbours give as one."""
        wanted = AskedStrings.of_words(names)
        near = self._spellings.find(wanted.texts, wanted.most)
        want, source = _wishes(wanted, near)
        slips = near.slips[source]
        worth = _WORTH[slips, np.minimum(near.lengths[source], _LONGEST)]
        worth[(slips == 0) & wanted.plain[want]] = 1.0
        together = wanted.joins[want]
        worth[together] = _JOINED
        worth[slips > wanted.slips[want]] = 0.0
        words, which = self._spelled.of(near.rows[source])
        by, values, joins = wanted.words[want][which], worth[which], together[which]

        marks = AskedStrings.of_marks(names)
        same = self._marks.find(marks.texts, marks.most)
        want, source = _wishes(marks, same)
        marked, which = self._marked.of(same.rows[source])
        worth = np.array([_MARKS[text[0]] for text in marks.texts])[same.asked[source]]
        words = np.concatenate([words, marked])
        by = np.concatenate([by, marks.words[want][which]])
        values = np.concatenate([values, worth[which]])
        joins = np.concatenate([joins, np.zeros(len(which), np.bool_)])

        order = _best(words * (2 * len(asked.of)) + by * 2 + joins, values)
        order = order[values[order] > 0]
        parts = []
        everywhere = asked.big[by[order]] | joins[order]
        for postings, chosen in ((self._words, order[everywhere]), (self._big_words, order[~everywhere])):
            at, which = postings.of(words[chosen])
            parts.append(_Evidence(by[chosen][which], at, values[chosen][which], joins[chosen][which]))
        return parts

    def _of_their_neighbours(self, names: Sequence[PreparedName]) -> _Evidence:
        """Neighbours of theirs that are like one word of ours."""
        wanted = AskedStrings.of_joins(names)
        near = self._joined.find(wanted.texts, wanted.most)
        want, source = _wishes(wanted, near)
        kept = near.slips[source] <= wanted.slips[want]
        places, which = self._joins.of(near.rows[source[kept]])
        ours = wanted.words[want[kept]][which]
        first, size = self._join_at[places], self._join_sizes[places]
        second = np.where(size == AROUND, self._first[self._name_of[first]] if len(first) else first, first + 1)
        third = size == 3
        at = np.concatenate([first, second, first[third] + 2])
        by = np.concatenate([ours, ours, ours[third]])
        return _Evidence(by, at, np.full(len(at), _JOINED), np.ones(len(at), np.bool_))


def _wishes(asked: AskedStrings, near: NearStrings) -> tuple[Numbers, Numbers]:
    """For each string that was found and each wish for it: the wish, and which was found."""
    starts = asked.starts[near.asked]
    counts = asked.starts[near.asked + 1] - starts
    return asked.order[ranges(starts, counts)], np.repeat(np.arange(len(starts)), counts)


def _best(keys: Numbers, values: Values) -> Numbers:
    """Places of the greatest value of each key."""
    by_key = keys << 10 | (values * 1000).astype(np.int64)
    order = np.argsort(by_key)
    in_order = keys[order]
    last = np.ones(len(order), np.bool_)
    np.not_equal(in_order[1:], in_order[:-1], out=last[:-1])
    return order[last]
