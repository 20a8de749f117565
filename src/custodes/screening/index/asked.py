"""What is looked for on behalf of some names: strings, marks, and what each word is worth.

In: prepared names, any number at once, since a hundred names cost little more than ten. Out: flat arrays over all of
their words. It finds nothing; ``near`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.screening.comparison import is_rare
from custodes.screening.entities import PERSON
from custodes.screening.index.names import KINDS, joins, marks_sought, spellings, wholes_of
from custodes.screening.names.legal_forms import without_tail
from custodes.screening.names.likeness import LONG_JOIN
from custodes.screening.names.name import SMALL, NameToken, PreparedName

Numbers = NDArray[np.int64]
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
_SHORTEST_WHOLE = 6
MOST_SLIPS = 2
"""Slips that a word is forgiven at most; how long it must be for that is the table's matter."""


@dataclass(frozen=True, slots=True)
class AskedWords:
    """The words of some names.

    Attributes:
        names: how many names there are.
        of: which of them each word is of; what follows is by word.
        big: whether it tells; every word of a name where none does.
        weights: how much it tells; 0 for a small word beside others, which is taken as found: looking for it would
            find half of all names.
        totals: what all words of a name tell; what follows is by name.
        counts: how many of its words are big.
        allowed: what its small words tell.
        rare: how many of its words few people bear.
        persons: whether it is a person's.
        kinds: see ``KINDS``.
    """

    names: int
    of: Numbers
    big: Flags
    weights: Values
    totals: Values
    counts: Numbers
    allowed: Values
    rare: Numbers
    persons: Flags
    kinds: Numbers

    @classmethod
    def of_names(cls, names: Sequence[PreparedName]) -> AskedWords:
        """Of ``names``."""
        sizes = [len(name.tokens) for name in names]
        of, count = np.repeat(np.arange(len(names)), sizes), len(names)
        weights = np.array([token.weight for name in names for token in name.tokens], np.float64)
        wide = weights > SMALL
        big = wide | (np.bincount(of, wide, count) == 0)[of]
        rare = np.array([is_rare(token.plain) for name in names for token in name.tokens], np.bool_)
        counts = np.bincount(of, big, count).astype(np.int64)
        return cls(
            count, of, big, weights * big, np.bincount(of, weights, count).astype(np.float64), counts,
            np.bincount(of, weights * ~big, count).astype(np.float64), np.bincount(of, rare, count).astype(np.int64),
            np.array([name.kind == PERSON for name in names], np.bool_),
            np.array([KINDS.get(name.kind, 2) for name in names], np.int64),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AskedStrings:
    """Strings to look for, each once, and wishes for them by words.

    Attributes:
        texts: the strings.
        most: how many slips are forgiven at most in each.
        order: wishes in the order of their strings.
        starts: where in ``order`` those for each string begin, and the end.
        words: the word each wish is for; what follows is by wish.
        plain: whether the string is the word as it is.
        joins: whether it is the word with its neighbours.
        slips: how many slips are forgiven.
    """

    texts: list[str]
    most: list[int]
    order: Numbers
    starts: Numbers
    words: Numbers
    plain: Flags
    joins: Flags
    slips: Numbers

    @classmethod
    def of_words(cls, names: Sequence[PreparedName]) -> AskedStrings:
        """How the words of ``names`` are written, alone, without a tail, with their neighbours."""
        wishes: list[tuple[str, int, bool, bool, int]] = []
        first = 0
        for name in names:
            for at, token in enumerate(name.tokens):
                wishes += [
                    (text, first + at, number == 0, False, 0 if token.syllabic or text.isdigit() else MOST_SLIPS)
                    for number, text in enumerate(spellings(token))
                ]
                if name.kind != PERSON:
                    wishes += [(rest, first + at, False, False, MOST_SLIPS) for rest in without_tail(token.plain)]
            wishes += [(text, first + at, False, True, _of_join(text)) for places, text in joins(name) for at in places]
            first += len(name.tokens)
        return cls._of(wishes)

    @classmethod
    def of_joins(cls, names: Sequence[PreparedName]) -> AskedStrings:
        """Words of ``names`` that may be neighbours of somebody else, written as one."""
        words = [token for name in names for token in name.tokens]
        return cls._of([(text, at, False, True, _of_join(text)) for at, token in enumerate(words) if _may_join(token)
                        for text in spellings(token)])  # fmt: skip

    @classmethod
    def of_marks(cls, names: Sequence[PreparedName]) -> AskedStrings:
        """Marks of words that those of ``names`` may stand for."""
        words = [(token, name.kind) for name in names for token in name.tokens]
        return cls._of([(mark, at, False, False, 0) for at, word in enumerate(words) for mark in marks_sought(*word)])

    @classmethod
    def of_wholes(cls, names: Sequence[PreparedName]) -> AskedStrings:
        """All words of each of ``names`` as one; the "word" of a wish is the name's number."""
        return cls._of([(text, at, False, False, 0) for at, name in enumerate(names) for text in wholes_of(name)
                        if len(text) > _SHORTEST_WHOLE])  # fmt: skip

    @classmethod
    def _of(cls, wishes: Sequence[tuple[str, int, bool, bool, int]]) -> AskedStrings:
        texts: dict[str, int] = {}
        most: list[int] = []
        numbers = []
        for text, _, _, _, slips in wishes:
            number = texts.setdefault(text, len(most))
            if number == len(most):
                most.append(slips)
            elif slips > most[number]:
                most[number] = slips
            numbers.append(number)
        text_of = np.array(numbers, np.int64)
        order = np.argsort(text_of, kind="stable")
        starts = np.searchsorted(text_of[order], np.arange(len(texts) + 1))
        words, plain, joined, forgiven = (np.array([wish[at] for wish in wishes], np.int64) for at in range(1, 5))
        return cls([*texts], most, order, starts, words, plain.astype(np.bool_), joined.astype(np.bool_), forgiven)


def _of_join(text: str) -> int:
    """Slips that words written as one are forgiven."""
    return int(len(text) >= LONG_JOIN)


def _may_join(token: NameToken) -> bool:
    return len(token.plain) > 3 and not token.unvoiced
