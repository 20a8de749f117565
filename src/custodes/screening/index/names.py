"""Names as flat arrays: which words each has, how much they tell, and what neighbours among them give as one word.

In: prepared names, each of an item with a number. Out: arrays, which can be written as bytes, joined, and thinned.
Finds nothing itself; ``near`` does.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.screening.comparison import together, windows
from custodes.screening.entities import OTHER, PERSON, VESSEL
from custodes.screening.names.legal_forms import without_tail
from custodes.screening.names.name import NameToken, PreparedName
from custodes.screening.names.spellings import fold

KINDS = {PERSON: 0, VESSEL: 1, OTHER: 3}
"""Numbers of kinds; every other one is 2, an organisation."""
AROUND = 0
"""Size of neighbours that are a person's last word and the first."""
_SEPARATOR = "\n"


@dataclass(frozen=True, slots=True)
class NameRows:
    """Names in the order in which they came.

    Attributes:
        items: what each name is of.
        places: which of its item's names it is.
        kinds: see ``KINDS``.
        sizes: how many words each has.
        words: number of each word of each name, in ``spelled``.
        weights: how much each word tells.
        spelled: each word once: its ``spellings`` and ``marks``, blanks between them.
        joins: number in ``joined`` of neighbours that are written as one.
        join_at: place of the first of those neighbours among ``words``.
        join_sizes: how many they are; ``AROUND`` for the last and the first.
        joined: what neighbours give, each once.
        wholes: number of each name's words written as one in three ways (``wholes_of``), in ``whole``.
        whole: those strings, each once.
    """

    items: NDArray[np.int64]
    places: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    words: NDArray[np.int32]
    weights: NDArray[np.float32]
    spelled: tuple[str, ...]
    joins: NDArray[np.int32]
    join_at: NDArray[np.int32]
    join_sizes: NDArray[np.uint8]
    joined: tuple[str, ...]
    wholes: NDArray[np.int32]
    whole: tuple[str, ...]

    @classmethod
    def of(cls, named: Iterable[tuple[int, int, PreparedName]]) -> NameRows:
        """Rows of (item, place among its names, name); some ten thousand a second."""
        made = _Making()
        for item, place, name in named:
            made.add(item, place, name)
        return made.rows()

    def __len__(self) -> int:
        """How many names there are."""
        return len(self.items)

    def without(self, items: Iterable[int]) -> NameRows:
        """The same without the names of ``items``; words that nobody has any more stay."""
        kept = ~np.isin(self.items, np.fromiter(items, np.int64))
        of_words = np.repeat(kept, self.sizes)
        moved = np.cumsum(of_words, dtype=np.int32) - 1
        joins = of_words[self.join_at]
        return NameRows(
            self.items[kept], self.places[kept], self.kinds[kept], self.sizes[kept], self.words[of_words],
            self.weights[of_words], self.spelled, self.joins[joins], moved[self.join_at[joins]],
            self.join_sizes[joins], self.joined, self.wholes[kept], self.whole,
        )  # fmt: skip

    def with_(self, more: NameRows) -> NameRows:
        """These names and then those of ``more``; strings that no name has are dropped."""
        spelled, words = _together(self.spelled, self.words, more.spelled, more.words)
        joined, joins = _together(self.joined, self.joins, more.joined, more.joins)
        whole, wholes = _together(self.whole, self.wholes, more.whole, more.wholes)
        return NameRows(
            np.concatenate([self.items, more.items]), np.concatenate([self.places, more.places]),
            np.concatenate([self.kinds, more.kinds]), np.concatenate([self.sizes, more.sizes]), words,
            np.concatenate([self.weights, more.weights]), spelled, joins,
            np.concatenate([self.join_at, more.join_at + np.int32(len(self.words))]),
            np.concatenate([self.join_sizes, more.join_sizes]), joined, wholes, whole,
        )  # fmt: skip

    def to_bytes(self) -> bytes:
        """All of it, for ``from_bytes``."""
        buffer = io.BytesIO()
        np.savez(buffer, items=self.items, places=self.places, kinds=self.kinds, sizes=self.sizes, words=self.words,
                 weights=self.weights, joins=self.joins, join_at=self.join_at, join_sizes=self.join_sizes,
                 wholes=self.wholes, spelled=_block(self.spelled), joined=_block(self.joined),
                 whole=_block(self.whole))  # fmt: skip
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> NameRows:
        """Read what ``to_bytes`` wrote."""
        with np.load(io.BytesIO(data), allow_pickle=False) as read:
            return cls(
                read["items"], read["places"], read["kinds"], read["sizes"], read["words"], read["weights"],
                _strings(read["spelled"]), read["joins"], read["join_at"], read["join_sizes"],
                _strings(read["joined"]), read["wholes"], _strings(read["whole"]),
            )  # fmt: skip


def _block(strings: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer(_SEPARATOR.join(strings).encode(), np.uint8)


def _strings(block: NDArray[np.uint8]) -> tuple[str, ...]:
    return tuple(block.tobytes().decode().split(_SEPARATOR))


def spellings(token: NameToken) -> tuple[str, ...]:
    """How a word is written: as it is, then its forms."""
    return tuple(dict.fromkeys(text.replace(" ", "") for text in (token.plain, *token.forms)))


def marks(token: NameToken) -> tuple[str, ...]:
    """What else leads to a word.

    ``~`` stands before consonants, ``^`` before those of a script without vowels, ``&`` before sounds, ``.`` before an
    initial, ``@`` before the first letter of another word, ``%`` before what is left without a tail.
    """
    found = []
    if len(token.consonants) > 1:
        found.append(("^" if token.unvoiced else "~") + token.consonants)
    if token.skeleton:
        found.append("&" + token.skeleton)
    found.append(("." if len(token.plain) == 1 else "@") + token.plain[:1])
    return (*found, *("%" + rest for rest in without_tail(token.plain)))


def marks_sought(token: NameToken, kind: str) -> tuple[str, ...]:
    """Marks of the words that ``token`` may stand for in a name of ``kind``."""
    found = ["." + token.plain[:1]]
    if len(token.plain) == 1:
        found.append("@" + token.plain)
    if len(token.consonants) > 1:
        found.append(("~" if token.unvoiced else "^") + token.consonants)
    if token.skeleton and kind != PERSON:
        found.append("&" + token.skeleton)
    if kind != PERSON:
        found.append("%" + token.plain)
    return tuple(found)


def joins(name: PreparedName) -> Iterable[tuple[tuple[int, ...], str]]:
    """Neighbours and what they give as one word, as it is and folded."""
    for places in windows(name):
        plain = together(name, places)
        for text in dict.fromkeys((plain, fold(plain))):
            yield places, text


def wholes_of(name: PreparedName) -> tuple[str, str, str]:
    """All words as one: legal forms as well, as they are, and folded. The first letter tells them apart."""
    plain = "".join(token.plain for token in name.tokens)
    folded = "".join(token.forms[0] for token in name.tokens)
    return "=" + name.squeezed, "+" + plain, "*" + folded


class _Making:
    """Rows while they are made."""

    def __init__(self) -> None:
        self._names: list[tuple[int, int, int, int]] = []
        self._words: list[int] = []
        self._weights: list[float] = []
        self._joins: list[tuple[int, int, int]] = []
        self._wholes: list[tuple[int, ...]] = []
        self._spelled: dict[str, int] = {}
        self._joined: dict[str, int] = {}
        self._whole: dict[str, int] = {}

    def add(self, item: int, place: int, name: PreparedName) -> None:
        first = len(self._words)
        self._names.append((item, place, KINDS.get(name.kind, 2), len(name.tokens)))
        for token in name.tokens:
            self._words.append(_number(self._spelled, " ".join((*spellings(token), *marks(token)))))
            self._weights.append(token.weight)
        for places, text in joins(name):
            around = places[0] > places[-1]
            size = AROUND if around else len(places)
            self._joins.append((_number(self._joined, text), first + places[0], size))
        self._wholes.append(tuple(_number(self._whole, text) for text in wholes_of(name)))

    def rows(self) -> NameRows:
        names = np.array(self._names, np.int64).reshape(-1, 4)
        found = np.array(self._joins, np.int64).reshape(-1, 3)
        return NameRows(
            names[:, 0].copy(), names[:, 1].astype(np.int32), names[:, 2].astype(np.uint8),
            names[:, 3].astype(np.int32), np.array(self._words, np.int32), np.array(self._weights, np.float32),
            tuple(self._spelled), found[:, 0].astype(np.int32), found[:, 1].astype(np.int32),
            found[:, 2].astype(np.uint8), tuple(self._joined),
            np.array(self._wholes, np.int32).reshape(-1, 3), tuple(self._whole),
        )  # fmt: skip


def _number(known: dict[str, int], text: str) -> int:
    return known.setdefault(text, len(known))


def _together(
    ours: Sequence[str], our_numbers: NDArray[np.int32], theirs: Sequence[str], their_numbers: NDArray[np.int32]
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Strings of both sides that a number leads to, each once, and the numbers of both in these."""
    known: dict[str, int] = {}
    found = []
    for strings, numbers in ((ours, our_numbers), (theirs, their_numbers)):
        used = np.unique(numbers)
        moved = np.zeros(len(strings), np.int32)
        moved[used] = [_number(known, strings[at]) for at in used.tolist()]
        found.append(moved[numbers])
    return tuple(known), np.concatenate(found)
