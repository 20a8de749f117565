"""Strings found by what is at most two slips away from them, in a few flat arrays.

In: strings of ``a-z0-9`` and a few marks. Out: rows of those that are equal to a string, or one or two slips (a letter
wrong, missing, too many, swapped with the next) apart. It knows nothing of names. Each string has the hash of itself
and of itself with one or two letters left out; two strings so many slips apart share one (Source: symmetric delete, as
in SymSpell), and the distance itself is then taken letter by letter, so a hash that two share by chance does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import cpdist

Hashes = NDArray[np.uint64]
Rows = NDArray[np.int64]
Slips = Callable[[int], int]
"""How many slips are looked for in a string of so many letters."""
_BASE, _MIX = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
_ROW_BITS = 24
_ROW = np.uint64((1 << _ROW_BITS) - 1)
_HASH = ~_ROW
_MOST_LETTERS = 40
"""From more letters on, a string is found as it is only."""


@dataclass(frozen=True, slots=True)
class NearStrings:
    """Strings near some that were asked for: each pair by the place of what was asked, and its row.

    Attributes:
        asked: place of the one asked for.
        rows: row of the one found.
        slips: between them.
        lengths: letters of the longer one.
    """

    asked: Rows
    rows: Rows
    slips: NDArray[np.uint8]
    lengths: Rows

    def exact(self) -> Rows:
        """Rows of those that are equal."""
        found: Rows = self.rows[self.slips == 0]
        return found


_NOTHING = NearStrings(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.int64))


class Strings:
    """Numbered strings in one block of bytes."""

    def __init__(self, strings: Sequence[str]) -> None:
        """Keep ``strings`` in their order."""
        coded = [text.encode() for text in strings]
        self._block = b"".join(coded)
        self._ends = np.cumsum([0, *map(len, coded)], dtype=np.int64)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ends) - 1

    def at(self, rows: Rows) -> list[str]:
        """The strings of ``rows``."""
        starts, ends = self._ends[rows].tolist(), self._ends[rows + 1].tolist()
        return [self._block[start:end].decode() for start, end in zip(starts, ends, strict=True)]

    def lengths(self, rows: Rows) -> Rows:
        """How long the strings of ``rows`` are."""
        found: Rows = self._ends[rows + 1] - self._ends[rows]
        return found

    def by_length(self) -> Iterator[tuple[Rows, NDArray[np.uint8]]]:
        """Rows of one length in bytes, with their bytes, for each length."""
        letters = np.frombuffer(self._block, np.uint8)
        lengths = np.diff(self._ends)
        for length in np.unique(lengths).tolist():
            rows = np.flatnonzero(lengths == length)
            yield rows, letters[self._ends[rows, None] + np.arange(length)]


class SlipTable:
    """Finds those of many strings that are near one."""

    def __init__(self, strings: Sequence[str], slips: Slips) -> None:
        """Index ``strings``, which differ; ``slips`` says how many are forgiven by a string's length."""
        self._strings = Strings(strings)
        self._slips = slips
        found = [np.empty(0, np.uint64)]
        for rows, letters in self._strings.by_length():
            size = letters.shape[1]
            hashes = _hashes(letters.astype(np.uint64), slips(size) if size <= _MOST_LETTERS else 0)
            found.append((hashes | rows.astype(np.uint64)[:, None]).ravel())
        self._keys = np.concatenate(found)
        self._keys.sort()
        # Where keys begin that share their first bits: a few keys each.
        bits = max(1, len(self._keys).bit_length() - 2)
        self._shift = np.uint64(64 - bits)
        firsts = np.arange(1 << bits, dtype=np.uint64) << self._shift
        self._starts = np.append(np.searchsorted(self._keys, firsts), len(self._keys)).astype(np.int32)

    def find(self, texts: Sequence[str], most: Sequence[int]) -> NearStrings:
        """Strings near each of ``texts``: all within ``most`` slips that the lengths of both forgive, and some more."""
        if not len(self._keys) or not texts:
            return _NOTHING
        hashes = [hashes_of(text, min(self._slips(len(text)), slips)) for text, slips in zip(texts, most, strict=True)]
        wanted = np.concatenate(hashes)
        asked = np.repeat(np.arange(len(texts)), [len(one) for one in hashes])
        bucket = (wanted >> self._shift).astype(np.int64)
        starts = self._starts[bucket].astype(np.int64)
        counts = self._starts[bucket + 1] - starts
        keys = self._keys[ranges(starts, counts)]
        met = np.flatnonzero(keys & _HASH == np.repeat(wanted, counts))
        asked = np.repeat(asked, counts)[met]
        pairs = distinct(asked << _ROW_BITS | (keys[met] & _ROW).astype(np.int64))
        asked, rows = pairs >> _ROW_BITS, pairs & int(_ROW)
        ours = [texts[at] for at in asked.tolist()]
        slips = cpdist(ours, self._strings.at(rows), scorer=OSA.distance, score_cutoff=2, dtype=np.uint8)
        near = np.flatnonzero(slips <= 2)
        asked, rows = asked[near], rows[near]
        lengths = np.maximum(self._strings.lengths(rows), np.array([len(text) for text in texts], np.int64)[asked])
        return NearStrings(asked, rows, slips[near], lengths)


def distinct(numbers: Rows) -> Rows:
    """Each of ``numbers`` once, in order."""
    found = np.sort(numbers)
    return found[begins(found)]


def begins(numbers: NDArray[np.signedinteger]) -> NDArray[np.bool_]:
    """Where each run of equal numbers begins."""
    found = np.ones(len(numbers), np.bool_)
    np.not_equal(numbers[1:], numbers[:-1], out=found[1:])
    return found


def ranges(starts: Rows, counts: Rows) -> Rows:
    """The numbers from each start on, as many as its count, one range after the other."""
    ends = np.cumsum(counts)
    found: Rows = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + counts, counts)
    return found


@lru_cache(maxsize=65_536)
def hashes_of(text: str, slips: int) -> Hashes:
    """Hashes of ``text`` and of what is left of it with up to ``slips`` letters left out."""
    letters = np.frombuffer(text.encode(), np.uint8).astype(np.uint64)
    found = _hashes(letters, slips if letters.size <= _MOST_LETTERS else 0)
    found.setflags(write=False)
    return found


def _hashes(letters: Hashes, slips: int) -> Hashes:
    """Of one row of letters, or for each of many: its hashes with up to ``slips`` left out; the row's bits are zero.

    The hash is the sum of letters times powers of a number, so what a letter left out changes is the place of those
    behind it.
    """
    found: Hashes = letters @ _powers(letters.shape[-1], slips)
    found &= _HASH
    return found


@lru_cache(maxsize=512)
def _powers(size: int, slips: int) -> Hashes:
    """What each of ``size`` letters is multiplied with: a column for each way to leave up to ``slips`` of them out."""
    powers = [pow(_BASE, at, 1 << 64) * _MIX % (1 << 64) for at in range(size)]
    out = [gone for count in range(min(slips, size - 1) + 1) for gone in combinations(range(size), count)]
    found = np.zeros((size, len(out)), np.uint64)
    for column, gone in enumerate(out):
        kept = [at for at in range(size) if at not in gone]
        found[kept, column] = powers[: len(kept)]
    return found
