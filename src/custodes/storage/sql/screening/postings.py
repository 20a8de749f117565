"""The words that find listed names, in SQLite: which names each word stands in, and which keys lead to a word.

In: an open connection, prepared names. Out: numbers of names near a name. A word's names are one array of 32-bit
numbers, each a name's number and how much its words tell, so that asking costs a few rows and some vector arithmetic.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from custodes.screening.index import (
    MAX_CANDIDATES,
    Bounds,
    posted,
    posted_keys,
    sought,
    total,
)
from custodes.screening.names.name import PreparedName

# A name's total weight in twentieths; longer names count as this long.
_TOTAL_BITS, _TOTAL_UNIT = 8, 20
_MAX_TOTAL = (1 << _TOTAL_BITS) - 1
_BY_KEY = "SELECT word.key, word.form FROM json_each(?) AS asked CROSS JOIN word ON word.key = asked.value"
_BY_FORM = (
    "SELECT posting.form, posting.names FROM json_each(?) AS asked CROSS JOIN posting ON posting.form = asked.value"
)
_Numbers = NDArray[np.uint32]


class Changes:
    """Names to take out of the words and to put in, gathered, then written at once."""

    def __init__(self) -> None:
        """Start without any."""
        self._gone: dict[str, list[int]] = defaultdict(list)
        self._new: dict[str, list[int]] = defaultdict(list)

    def take(self, number: int, name: PreparedName) -> None:
        """Name ``number``, which was added as ``name``, is gone."""
        for word in posted(name):
            self._gone[word].append(_packed(number, name))

    def put(self, number: int, name: PreparedName) -> None:
        """Have ``name`` found under ``number``."""
        for word in posted(name):
            self._new[word].append(_packed(number, name))

    def write(self, connection: Connection) -> None:
        """Bring the tables up to date."""
        touched = [*dict.fromkeys((*self._gone, *self._new))]
        known = _postings(connection, touched)
        rows, emptied, fresh = [], [], []
        for word in touched:
            old = known.get(word)
            names = old if old is not None else np.empty(0, np.uint32)
            if word in self._gone:
                names = np.setdiff1d(names, np.array(self._gone[word], np.uint32))
            names = np.union1d(names, np.array(self._new.get(word, ()), np.uint32)).astype(np.uint32)
            if names.size:
                rows.append((word, names.tobytes()))
            else:
                emptied.append((word,))
            if old is None:
                fresh += [(key, word) for key in posted_keys(word)]
        _many(connection, "INSERT OR REPLACE INTO posting (form, names) VALUES (?, ?)", rows)
        _many(connection, "DELETE FROM posting WHERE form = ?", emptied)
        # A word that no name has any more keeps its keys: they lead nowhere, and the word may come back.
        _many(connection, "INSERT OR IGNORE INTO word (key, form) VALUES (?, ?)", sorted(fresh))


def near(connection: Connection, name: PreparedName) -> list[int]:
    """Numbers of names that share enough with ``name``, best first, at most ``MAX_CANDIDATES``.

    As ``index.rank`` orders them.
    """
    wanted = sought(name)
    by_key: dict[str, list[int]] = defaultdict(list)
    for at, (_, found) in enumerate(wanted):
        for key in found:
            by_key[key].append(at)
    by_form: dict[str, set[int]] = defaultdict(set)
    for key, form in connection.exec_driver_sql(_BY_KEY, (json.dumps(list(by_key)),)):
        by_form[form].update(by_key[key])
    lists: list[list[_Numbers]] = [[] for _ in wanted]
    for form, names in _postings(connection, list(by_form)).items():
        for at in by_form[form]:
            lists[at].append(names)
    like = [(weight, np.unique(np.concatenate(some))) for (weight, _), some in zip(wanted, lists, strict=True) if some]
    return _ranked(name, like) if like else []


def _ranked(name: PreparedName, like: Sequence[tuple[float, _Numbers]]) -> list[int]:
    names, places = np.unique(np.concatenate([some for _, some in like]), return_inverse=True)
    shared = np.bincount(places, np.concatenate([np.full(some.size, weight) for weight, some in like]))
    totals = (names & _MAX_TOTAL) / _TOTAL_UNIT
    kept = np.flatnonzero(Bounds.of(name).admits(shared, totals))
    order = -shared[kept] / np.sqrt(totals[kept])
    best = kept[np.lexsort((names[kept], order))][:MAX_CANDIDATES]
    return [int(number) >> _TOTAL_BITS for number in names[best]]


def _postings(connection: Connection, words: Sequence[str]) -> Mapping[str, _Numbers]:
    rows = connection.exec_driver_sql(_BY_FORM, (json.dumps(words),))
    return {form: np.frombuffer(names, np.uint32) for form, names in rows}


def _packed(number: int, name: PreparedName) -> int:
    return number << _TOTAL_BITS | min(round(total(name) * _TOTAL_UNIT), _MAX_TOTAL)


def _many(connection: Connection, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
    if found := list(rows):
        connection.exec_driver_sql(statement, found)
