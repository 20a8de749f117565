"""Two names compared word by word: how much of either the other explains, with its reasons.

In: prepared names. Out: a score of 0..1, its terms, and whether one name is a part of the other. Leaving a word out is
not contradicting it: a part of a person's name alerts once something else agrees, which ``matching`` knows. A listed
firm's name that stands whole in a longer one alerts. Rules of thumb, not law; measured in BENCHMARKS.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from custodes.screening.entities import PERSON, VESSEL, ScoreTerm
from custodes.screening.names.likeness import joined_similarity, word_similarity
from custodes.screening.names.name import PATRONYM, PLACE, PLACE_IN_BRACKETS, SMALL, NameToken, PreparedName
from custodes.screening.names.spellings import fold

REVIEW = 0.86
CONTAINED = 0.88
"""Score of a firm's name that stands whole in a longer one."""
LONG_PART = 0.87
"""Score of three words or more that are all of one name and a part of another."""
_JOINED, _ALIKE = 0.96, 0.88
_SLIP_BELOW, _MORE_SLIPS = 0.95, 0.96
_DISTINCTIVE = 0.36
_PATRONYMICS, _OTHER_PLACE = 0.95, 0.85
_MOST_TOGETHER, _SMALL_WORDS = 3, 3
_LONG_PART = 16


@dataclass(frozen=True, slots=True)
class NameComparison:
    """What two names are to each other.

    Attributes:
        score: 0..1.
        terms: what it stands on.
        is_part: every word of one of them is in the other, two that tell at least; nothing contradicts.
    """

    score: float
    terms: tuple[ScoreTerm, ...] = ()
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class _Pair:
    """Words of ours and words of theirs that stand for each other: one each, or some that are written as one."""

    value: float
    ours: tuple[int, ...]
    theirs: tuple[int, ...]


def compare_names(ours: PreparedName, theirs: PreparedName) -> NameComparison:
    """Score two names: the geometric mean of how much of either is explained by the other."""
    if not ours.tokens or not theirs.tokens:
        return NameComparison(0.0)
    if joined := _joined(ours, theirs):
        return NameComparison(joined, (ScoreTerm("words together", ours.text, theirs.text, joined),))
    pairs = _pairs(ours, theirs)
    if not _enough(pairs, ours, theirs):
        return NameComparison(0.0)
    score = math.sqrt(
        _explained(ours.tokens, [(pair.ours, pair.value) for pair in pairs])
        * _explained(theirs.tokens, [(pair.theirs, pair.value) for pair in pairs])
    )
    slips = sum(1 for pair in pairs if pair.value < _SLIP_BELOW and _weight(ours.tokens, pair.ours) > _DISTINCTIVE)
    if slips > 1:
        score *= _MORE_SLIPS ** (slips - 1)
    terms = [
        ScoreTerm("word", _words(ours.tokens, pair.ours), _words(theirs.tokens, pair.theirs), round(pair.value, 3))
        for pair in pairs
    ]
    left = _left(ours, [pair.ours for pair in pairs]), _left(theirs, [pair.theirs for pair in pairs])
    if ours.kind == PERSON:
        if all(any(token.weight == PATRONYM for token in side) for side in left):
            score *= _PATRONYMICS
            terms.append(ScoreTerm("another patronymic", _said(left[0]), _said(left[1]), _PATRONYMICS))
    else:
        score, more = _of_firms(score, pairs, (ours, theirs), left)
        terms += more
    part = _is_part(pairs, (ours, theirs), left)
    if part and score < LONG_PART and _is_long(pairs, ours, theirs):
        terms.append(ScoreTerm("long part of the name", "", "", round(LONG_PART / score, 3)))
        score = LONG_PART
    return NameComparison(round(score, 4), tuple(terms), part)


def _of_firms(
    score: float,
    pairs: Sequence[_Pair],
    names: tuple[PreparedName, PreparedName],
    left: tuple[list[NameToken], list[NameToken]],
) -> tuple[float, list[ScoreTerm]]:
    """What is said of firms and vessels only: a name in a longer one, a single word, numbers that differ."""
    ours, theirs = names
    terms = []
    telling = [pair for pair in pairs if _tells(pair, ours, theirs)]
    if not any(token.weight > SMALL for token in theirs.tokens) and len(theirs.tokens) >= _SMALL_WORDS:
        telling = list(pairs) if not left[1] else []  # a name of nothing but such words is told by all of them
    words = sum(len(pair.ours) + len(pair.theirs) - 1 for pair in telling)
    alike = bool(telling) and min(pair.value for pair in telling) >= _ALIKE
    whole = alike and not any(token.weight > SMALL for token in left[1])
    only_small = whole and not (left[0] and left[1]) and not any(token.weight > SMALL for token in left[0])
    if whole and (only_small or (words > 1 and _in_a_row(telling))) and score < CONTAINED:
        value = min(CONTAINED, *(pair.value for pair in telling))
        if value > score:
            terms.append(ScoreTerm("contained whole", _said(left[0] or left[1]), theirs.text, value))
            score = value
    if len(telling) == 1 and words == 1 and score >= REVIEW:
        terms.append(ScoreTerm("one word only, which may be chance", "", "", 1.0))
    if all(any(token.weight in (PLACE, PLACE_IN_BRACKETS) for token in side) for side in left) and words == 1:
        score *= _OTHER_PLACE
        terms.append(ScoreTerm("another place", _said(left[0]), _said(left[1]), _OTHER_PLACE))
    loose = [any(token.plain.isdigit() for token in side) for side in left]
    if all(loose) or (any(loose) and ours.kind == VESSEL):
        score *= 0.8
        terms.append(ScoreTerm("another number", _said(left[0]), _said(left[1]), 0.8))
    return score, terms


def _is_part(
    pairs: Sequence[_Pair],
    names: tuple[PreparedName, PreparedName],
    left: tuple[list[NameToken], list[NameToken]],
) -> bool:
    telling = [pair for pair in pairs if _tells(pair, *names)]
    if sum(len(pair.ours) + len(pair.theirs) - 1 for pair in telling) < 2:
        return False
    loose = [any(token.weight > SMALL for token in side) for side in left]
    return not all(loose) and min(pair.value for pair in telling) >= _ALIKE - 0.06


def _is_long(pairs: Sequence[_Pair], ours: PreparedName, theirs: PreparedName) -> bool:
    """Whether three words that tell are shared, long enough that chance does not bring them together."""
    telling = [pair for pair in pairs if _tells(pair, ours, theirs)]
    return len(telling) > 2 and sum(len(ours.tokens[at].plain) for pair in telling for at in pair.ours) >= _LONG_PART


def _tells(pair: _Pair, ours: PreparedName, theirs: PreparedName) -> bool:
    return min(_weight(ours.tokens, pair.ours), _weight(theirs.tokens, pair.theirs)) > _DISTINCTIVE


def _in_a_row(pairs: Sequence[_Pair]) -> bool:
    """Whether the words of theirs stand together in ours, in their order."""
    in_order = sorted((pair.theirs, pair.ours) for pair in pairs)
    places = [at for _, ours in in_order for at in ours]
    return places == sorted(places) and places[-1] - places[0] < len(places) + 1


def _left(name: PreparedName, taken: Sequence[tuple[int, ...]]) -> list[NameToken]:
    used = {at for places in taken for at in places}
    return [token for at, token in enumerate(name.tokens) if at not in used]


def _said(tokens: Sequence[NameToken]) -> str:
    return " ".join(token.plain for token in tokens)


def _explained(tokens: Sequence[NameToken], found: Sequence[tuple[tuple[int, ...], float]]) -> float:
    got = sum(value * _weight(tokens, places) for places, value in found)
    return got / sum(token.weight for token in tokens)


def _weight(tokens: Sequence[NameToken], places: tuple[int, ...]) -> float:
    return sum(tokens[at].weight for at in places)


def _words(tokens: Sequence[NameToken], places: tuple[int, ...]) -> str:
    return " ".join(tokens[at].plain for at in places)


def _pairs(ours: PreparedName, theirs: PreparedName) -> list[_Pair]:
    """Give each word at most one partner, best first; order within a name is free."""
    by_sound = ours.kind != PERSON
    every = [
        _Pair(value, (at,), (to,))
        for at, a in enumerate(ours.tokens)
        for to, b in enumerate(theirs.tokens)
        if (value := word_similarity(a, b, by_sound=by_sound))
    ]
    if len(every) < max(len(ours.tokens), len(theirs.tokens)):
        every += _joins(ours, theirs)
    every.sort(key=lambda pair: (-pair.value, -len(pair.ours) - len(pair.theirs), pair.ours, pair.theirs))
    taken_ours: set[int] = set()
    taken_theirs: set[int] = set()
    pairs = []
    for pair in every:
        if taken_ours.isdisjoint(pair.ours) and taken_theirs.isdisjoint(pair.theirs):
            taken_ours.update(pair.ours)
            taken_theirs.update(pair.theirs)
            pairs.append(pair)
    return pairs


def windows(name: PreparedName) -> list[tuple[int, ...]]:
    """Positions of two or three neighbouring words; a person's last and first are neighbours too.

    Somebody who writes words as one, or one as two, does so with neighbours; lists turn given name and surname around.
    """
    count = len(name.tokens)
    found = [tuple(range(at, at + size)) for size in range(2, _MOST_TOGETHER + 1) for at in range(count - size + 1)]
    if name.kind == PERSON and count > 1:
        found += [(count - 1, 0)] if count > 2 else [(1, 0)]
    return found


def together(name: PreparedName, places: tuple[int, ...]) -> str:
    """The words at ``places`` written as one."""
    return "".join(name.tokens[at].plain for at in places)


def _joins(ours: PreparedName, theirs: PreparedName) -> list[_Pair]:
    """Neighbouring words on one side that are one word on the other (Jong Un, Jongun)."""
    found = [_Pair(value, places, (to,)) for value, places, to in _together(ours, theirs)]
    return found + [_Pair(value, (at,), places) for value, places, at in _together(theirs, ours)]


def _together(apart: PreparedName, whole: PreparedName) -> list[tuple[float, tuple[int, ...], int]]:
    found: list[tuple[float, tuple[int, ...], int]] = []
    long = [(to, token) for to, token in enumerate(whole.tokens) if len(token.plain) > 3 and not token.unvoiced]
    if not long:
        return found
    for places in windows(apart):
        plain = together(apart, places)
        for to, token in long:
            if abs(len(token.plain) - len(plain)) < 3 and (value := joined_similarity(plain, fold(plain), token)):
                found.append((min(value, _JOINED), places, to))
    return found


def _enough(pairs: Sequence[_Pair], ours: PreparedName, theirs: PreparedName) -> bool:
    """One shared word that tells is enough only where it is all of a side, and for a person all of both."""
    if not pairs:
        return False
    telling = sum(len(pair.ours) + len(pair.theirs) - 1 for pair in pairs if _tells(pair, ours, theirs))
    fewest = min(len(ours.tokens), len(theirs.tokens))
    whole = min(sum(len(pair.ours) for pair in pairs), sum(len(pair.theirs) for pair in pairs)) >= fewest
    if ours.kind == PERSON:
        return telling >= 2 or (whole and (fewest > 1 or len(ours.tokens) == len(theirs.tokens)))
    return telling >= 2 or whole or any(_tells(pair, ours, theirs) for pair in pairs)


def _joined(ours: PreparedName, theirs: PreparedName) -> float:
    """Names that differ in where words end (Abdul Rahman, Abdulrahman)."""
    if ours.squeezed == theirs.squeezed and len(ours.squeezed) > 5:
        return _JOINED if len(ours.tokens) != len(theirs.tokens) else 0.0
    if len(ours.tokens) == len(theirs.tokens):
        return 0.0
    for part in (_plain, _form):
        a, b = "".join(map(part, ours.tokens)), "".join(map(part, theirs.tokens))
        if a == b and len(a) > 5:
            return _JOINED
    return 0.0


def _plain(token: NameToken) -> str:
    return token.plain


def _form(token: NameToken) -> str:
    return token.forms[0]
