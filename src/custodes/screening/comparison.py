"""Two names compared word by word: how much of either the other explains, with its reasons.

In: prepared names. Out: a score of 0..1, its terms, and whether one name is a part of the other. Leaving a word out is
not contradicting it: a part of a person's name alerts once something else agrees, which ``matching`` knows. A listed
firm's name that stands whole in a longer one alerts. Rules of thumb, not law; measured in BENCHMARKS.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from custodes.screening.entities import PERSON, VESSEL, ScoreTerm
from custodes.screening.names.likeness import INITIAL, INITIALS, joined_similarity, word_similarity
from custodes.screening.names.name import PATRONYM, PLACE, PLACE_IN_BRACKETS, SMALL, NameToken, PreparedName
from custodes.screening.names.spellings import fold
from custodes.screening.words.common_names import is_common
from custodes.screening.words.small_words import SONS

REVIEW = 0.86
CONTAINED = 0.88
"""Score of a firm's name that stands whole in a longer one."""
LONG_PART = 0.87
"""Score of words that are all of one name and a part of another: three, or two that few people bear."""
PART_WITH_BIRTH, PART_WITH_COUNTRY = 1, 2
"""A part of a name that alerts with the same birth date or address; that alerts with the same country too."""
_JOINED, _ALIKE = 0.96, 0.88
_SLIP_BELOW, _MORE_SLIPS = 0.95, 0.96
DISTINCTIVE = 0.36
_PATRONYMICS, _OTHER_PLACE, _FATHER_AND_SON = 0.95, 0.85, 0.85
_ANOTHER_NUMBER, _ANOTHER_ORDINAL = 0.8, 0.94
_EQUAL, _LONE_WORD = 0.97, 8
_SURE, _LETTERS_WITH_COUNTRY, _RARE_PART = 0.9, 9, 12
_MOST_TOGETHER, _SMALL_WORDS = 3, 3
_LONG_PART = 16


@dataclass(frozen=True, slots=True)
class NameComparison:
    """What two names are to each other.

    Attributes:
        score: 0..1.
        terms: what it stands on.
        part: whether every word of one of them is in the other, two that tell at least, or the only one that tells of
            a listed firm, and nothing contradicts: how little has to agree beside it (``PART_WITH_BIRTH``,
            ``PART_WITH_COUNTRY``); 0 where it is none.
    """

    score: float
    terms: tuple[ScoreTerm, ...] = ()
    part: int = 0


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
    pairs = _with_initials(_pairs(ours, theirs), ours, theirs)
    if not _enough(pairs, ours, theirs):
        return NameComparison(0.0)
    score = math.sqrt(
        _explained(ours.tokens, [(pair.ours, pair.value) for pair in pairs])
        * _explained(theirs.tokens, [(pair.theirs, pair.value) for pair in pairs])
    )
    slips = sum(1 for pair in pairs if pair.value < _SLIP_BELOW and _weight(ours.tokens, pair.ours) > DISTINCTIVE)
    if slips > 1:
        score *= _MORE_SLIPS ** (slips - 1)
    terms = [
        ScoreTerm("word", _words(ours.tokens, pair.ours), _words(theirs.tokens, pair.theirs), round(pair.value, 3))
        for pair in pairs
    ]
    turned = False
    left = _left(ours, [pair.ours for pair in pairs]), _left(theirs, [pair.theirs for pair in pairs])
    if ours.kind == PERSON:
        if all(any(token.weight == PATRONYM for token in side) for side in left):
            score *= _PATRONYMICS
            terms.append(ScoreTerm("another patronymic", _said(left[0]), _said(left[1]), _PATRONYMICS))
        if turned := _is_turned(pairs, ours, theirs):
            score *= _FATHER_AND_SON
            terms.append(ScoreTerm("son and father turned around", ours.text, theirs.text, _FATHER_AND_SON))
    else:
        score, more = _of_firms(score, pairs, (ours, theirs), left)
        terms += more
    if any(token.weight > SMALL for side in left for token in side):
        terms.append(ScoreTerm("left out", _said(left[0]), _said(left[1]), 1.0))
    part = 0 if turned else _part(pairs, (ours, theirs), left)
    if part and score < LONG_PART and _is_telling_part(pairs, ours, theirs):
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
    lone = words == 1 and telling[0].value >= _EQUAL and _letters(theirs, telling) >= _LONE_WORD
    every = not left[1] and len(theirs.tokens) > 1 and min(pair.value for pair in pairs) >= _EQUAL and _in_a_row(pairs)
    lone = lone or (every and _letters(theirs, pairs) >= _LONE_WORD)
    if whole and (only_small or (words > 1 and _in_a_row(telling)) or lone) and score < CONTAINED:
        value = min(CONTAINED, *(pair.value for pair in telling))
        if value > score:
            terms.append(ScoreTerm("contained whole", _said(left[0] or left[1]), theirs.text, value))
            score = value
    if len(telling) == 1 and words == 1 and (score >= REVIEW or _is_lone_word(telling, theirs, left[1])):
        terms.append(ScoreTerm("one word only, which may be chance", "", "", 1.0))
    if all(any(token.weight in (PLACE, PLACE_IN_BRACKETS) for token in side) for side in left) and words == 1:
        score *= _OTHER_PLACE
        terms.append(ScoreTerm("another place", _said(left[0]), _said(left[1]), _OTHER_PLACE))
    numbers = [[token for token in side if token.plain.isdigit()] for side in left]
    if all(numbers) or (any(numbers) and ours.kind == VESSEL):
        small = all(token.weight <= SMALL for side in numbers for token in side)
        factor = _ANOTHER_ORDINAL if small else _ANOTHER_NUMBER
        same = whole and not any(token.weight > SMALL for token in left[0])
        score = max(score * factor, REVIEW if small and same else 0.0)
        terms.append(ScoreTerm("another number", _said(left[0]), _said(left[1]), factor))
    return score, terms


def _letters(name: PreparedName, pairs: Sequence[_Pair]) -> int:
    """How many letters the words of theirs in ``pairs`` have."""
    return sum(len(name.tokens[at].plain) for pair in pairs for at in pair.theirs)


def _part(
    pairs: Sequence[_Pair],
    names: tuple[PreparedName, PreparedName],
    left: tuple[list[NameToken], list[NameToken]],
) -> int:
    """See ``NameComparison.part``."""
    telling = [pair for pair in pairs if _tells(pair, *names)]
    loose = [any(token.weight > SMALL for token in side) for side in left]
    if sum(len(pair.ours) + len(pair.theirs) - 1 for pair in telling) < 2:
        return PART_WITH_COUNTRY if _is_lone_word(telling, names[1], left[1]) else 0
    if all(loose) or min(pair.value for pair in telling) < _ALIKE - 0.06:
        return 0
    # A person's longer name shares two words of its own, not one that two of the other make up.
    if names[0].kind == PERSON and any(loose):
        longer = [pair.ours if loose[0] else pair.theirs for pair in telling]
        if sum(map(len, longer)) < 2:
            return 0
    words = _words_of(telling, names[0], names[1])
    sure = min(pair.value for pair in telling) >= _SURE
    if names[0].kind == PERSON:
        sure = sure and min(map(len, words)) > 3 and any(map(is_rare, words))
    return PART_WITH_COUNTRY if sure and sum(map(len, words)) >= _LETTERS_WITH_COUNTRY else PART_WITH_BIRTH


def _is_lone_word(telling: Sequence[_Pair], theirs: PreparedName, left: Sequence[NameToken]) -> bool:
    """Whether the only word that tells of a listed firm stands in ours as it is, and millions do not bear it."""
    if len(telling) != 1 or theirs.kind in (PERSON, VESSEL) or any(token.weight > SMALL for token in left):
        return False
    word = _words(theirs.tokens, telling[0].theirs)
    return telling[0].value >= _EQUAL and len(word) > 2 and word.isalpha() and not is_common(word)


def _is_telling_part(pairs: Sequence[_Pair], ours: PreparedName, theirs: PreparedName) -> bool:
    """Whether what is shared is enough by itself: three words of some length, or two that few people bear."""
    telling = [pair for pair in pairs if _tells(pair, ours, theirs)]
    words = _words_of(telling, ours, theirs)
    rare = sum(map(is_rare, words))
    if len(telling) > 2 and sum(map(len, words)) >= _LONG_PART and (rare or ours.kind != PERSON):
        return True
    sure = min(pair.value for pair in telling) >= _SURE
    return ours.kind == PERSON and sure and rare > 1 and sum(map(len, words)) >= _RARE_PART


def _words_of(pairs: Sequence[_Pair], ours: PreparedName, theirs: PreparedName) -> list[str]:
    """The words that pairs share, as the side with fewer letters writes them."""
    both = [(_words(ours.tokens, one.ours), _words(theirs.tokens, one.theirs)) for one in pairs]
    return [min(one, key=len).replace(" ", "") for one in both]


def is_rare(word: str) -> bool:
    """Whether few people bear ``word`` as a name, as far as its length and the commonest names tell."""
    return len(word) > 4 and not is_common(word)


def _with_initials(pairs: list[_Pair], ours: PreparedName, theirs: PreparedName) -> list[_Pair]:
    """Pairs of initials are worth more where there are two."""
    found = [pair for pair in pairs if pair.value == INITIAL and _is_initial(pair, ours, theirs)]
    if len(found) < 2:
        return pairs
    return [replace(pair, value=INITIALS) if pair in found else pair for pair in pairs]


def _is_initial(pair: _Pair, ours: PreparedName, theirs: PreparedName) -> bool:
    return min(len(_words(ours.tokens, pair.ours)), len(_words(theirs.tokens, pair.theirs))) == 1


def _is_turned(pairs: Sequence[_Pair], ours: PreparedName, theirs: PreparedName) -> bool:
    """Whether one says "X bin Y" and the other "Y bin X"."""
    partner = {pair.ours[0]: pair.theirs[0] for pair in pairs if len(pair.ours) == len(pair.theirs) == 1}
    sons = [_sons(name) for name in (ours, theirs)]
    return any((partner.get(father), partner.get(son)) in sons[1] for son, father in sons[0])


def _sons(name: PreparedName) -> list[tuple[int, int]]:
    """Places of each word before and after "son of"."""
    return [
        (at - 1, at + 1) for at, token in enumerate(name.tokens)
        if token.plain in SONS and 0 < at < len(name.tokens) - 1
    ]  # fmt: skip


def _tells(pair: _Pair, ours: PreparedName, theirs: PreparedName) -> bool:
    return min(_weight(ours.tokens, pair.ours), _weight(theirs.tokens, pair.theirs)) > DISTINCTIVE


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
        same = [token.plain for token in ours.tokens] == [token.plain for token in theirs.tokens]
        return 0.0 if same else _JOINED
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
