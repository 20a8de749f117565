"""Two names compared word by word, with birth dates and countries: a score that explains itself.

In: prepared names and what else is known of both sides. Out: a score of 0..1 and its terms. A name never decides: it
alerts from ``REVIEW`` on. Rules of thumb, not law; measured in BENCHMARKS.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA

from custodes.screening.entities import PERSON, VESSEL, ListEntry, ListHit, Party, ScoreTerm
from custodes.screening.names.countries import country_code
from custodes.screening.names.identifiers import is_sound
from custodes.screening.names.name import NameToken, PreparedName, prepare
from custodes.screening.names.spellings import forms

REVIEW = 0.86
_WEAK_FACTOR = 0.97
_BIRTH_CLASH, _BIRTH_NEAR, _BIRTH_DAY, _COUNTRY_CLASH = 0.8, 0.98, 0.95, 0.98
_SPELLING, _CONSONANTS, _INITIAL, _JOINED = 0.97, 0.9, 0.7, 0.96
# Likeness of words one slip apart by the longer one's letters, and two slips apart.
_ONE_SLIP = (0.0, 0.0, 0.4, 0.72, 0.82, 0.88, 0.88, 0.91, 0.91)
_TWO_SLIPS = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.65, 0.76, 0.78, 0.84)
_SHORT_FORM, _SHORT_SPELLING = 4, 0.85
_SLIP_BELOW = 0.95
_MORE_SLIPS = 0.96
_DISTINCTIVE = 0.36


@dataclass(frozen=True, slots=True)
class _Pair:
    """Words of ours and words of theirs that stand for each other: one each, or two that are written as one."""

    value: float
    ours: tuple[int, ...]
    theirs: tuple[int, ...]


def word_similarity(ours: NameToken, theirs: NameToken) -> float:
    """Likeness of two words, 0..1: 1 equal, less for other spellings, 0 beyond a plausible slip."""
    if ours.plain == theirs.plain:
        return 1.0
    if ours.unvoiced != theirs.unvoiced:
        alike = ours.consonants == theirs.consonants and len(ours.consonants) > 1
        return _CONSONANTS - (0.05 if len(ours.consonants) < 3 else 0.0) if alike else 0.0
    return _similarity(ours.plain, ours.forms, theirs.plain, theirs.forms)


@lru_cache(maxsize=262_144)
def _similarity(ours: str, our_forms: tuple[str, ...], theirs: str, their_forms: tuple[str, ...]) -> float:
    if not set(our_forms).isdisjoint(their_forms):
        short = min(len(ours), len(theirs)) <= _SHORT_FORM and ours[0] != theirs[0]
        return _SHORT_SPELLING if short else _SPELLING
    if ours.isdigit() or theirs.isdigit():
        return 0.0
    if len(ours) == 1 or len(theirs) == 1:
        return _INITIAL if ours[0] == theirs[0] else 0.0
    best = _slips(ours, theirs)
    for a in our_forms:
        for b in their_forms:
            if min(len(a), len(b)) > _SHORT_FORM:  # folded, short words of different sound become neighbours
                best = max(best, _slips(a, b))
    return best


def _slips(ours: str, theirs: str) -> float:
    """Likeness of two words by the slips between them: a letter wrong, missing, too many, or swapped with the next."""
    size = max(len(ours), len(theirs))
    distance = OSA.distance(ours, theirs, score_cutoff=2)
    if distance == 1:
        if size < 4 and ours[:1] != theirs[:1]:
            return 0.0
        return _ONE_SLIP[size] if size < len(_ONE_SLIP) else 0.93
    if distance == 2:
        return _TWO_SLIPS[size] if size < len(_TWO_SLIPS) else _TWO_SLIPS[-1]
    return 0.0


def compare_names(ours: PreparedName, theirs: PreparedName, least: float = 0.0) -> tuple[float, tuple[ScoreTerm, ...]]:
    """Score two names, 0..1: the geometric mean of how much of either is explained by the other.

    Names that plainly cannot reach ``least`` may be given 0.
    """
    if not ours.tokens or not theirs.tokens:
        return 0.0, ()
    if least and not _comparable(ours.tokens, theirs.tokens, least):
        return 0.0, ()
    joined = _joined(ours, theirs)
    if joined:
        return joined, (ScoreTerm("words together", ours.text, theirs.text, joined),)
    pairs = _pairs(ours.tokens, theirs.tokens)
    if not _enough(pairs, ours, theirs):
        return 0.0, ()
    score = math.sqrt(
        _explained(ours.tokens, [(pair.ours, pair.value) for pair in pairs])
        * _explained(theirs.tokens, [(pair.theirs, pair.value) for pair in pairs])
    )
    slips = sum(1 for pair in pairs if pair.value < _SLIP_BELOW and _weight(ours.tokens, pair.ours) > _DISTINCTIVE)
    if slips > 1:
        score *= _MORE_SLIPS ** (slips - 1)
    if ours.kind != PERSON and _number_clash(pairs, ours, theirs):
        score *= 0.8
    return round(score, 4), tuple(
        ScoreTerm("word", _words(ours.tokens, pair.ours), _words(theirs.tokens, pair.theirs), round(pair.value, 3))
        for pair in pairs
    )


def _comparable(ours: Sequence[NameToken], theirs: Sequence[NameToken], least: float) -> bool:
    """Whether the lighter name could explain enough of the heavier one; half of a word for weights that differ."""
    light, heavy = sorted((sum(token.weight for token in ours), sum(token.weight for token in theirs)))
    return light + 0.5 >= heavy * least * least


def _explained(tokens: Sequence[NameToken], found: Sequence[tuple[tuple[int, ...], float]]) -> float:
    got = sum(value * _weight(tokens, places) for places, value in found)
    return got / sum(token.weight for token in tokens)


def _weight(tokens: Sequence[NameToken], places: tuple[int, ...]) -> float:
    return sum(tokens[at].weight for at in places)


def _words(tokens: Sequence[NameToken], places: tuple[int, ...]) -> str:
    return " ".join(tokens[at].plain for at in places)


def _pairs(ours: Sequence[NameToken], theirs: Sequence[NameToken]) -> list[_Pair]:
    """Give each word at most one partner, best first; order within a name is free."""
    every = [
        _Pair(value, (at,), (to,))
        for at, a in enumerate(ours)
        for to, b in enumerate(theirs)
        if (value := word_similarity(a, b))
    ]
    if len(every) < max(len(ours), len(theirs)):
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


def _joins(ours: Sequence[NameToken], theirs: Sequence[NameToken]) -> list[_Pair]:
    """Two neighbouring words on one side that are one word on the other (Jong Un, Jongun)."""
    found = [_Pair(_JOINED, places, (to,)) for places, to in _together(ours, theirs)]
    return found + [_Pair(_JOINED, (at,), places) for places, at in _together(theirs, ours)]


def _together(apart: Sequence[NameToken], whole: Sequence[NameToken]) -> list[tuple[tuple[int, ...], int]]:
    found: list[tuple[tuple[int, ...], int]] = []
    for at in range(len(apart) - 1):
        plain = apart[at].plain + apart[at + 1].plain
        for to, token in enumerate(whole):
            if (
                abs(len(token.plain) - len(plain)) < 3
                and _similarity(plain, forms(plain), token.plain, token.forms) > 0.87
            ):
                found.append(((at, at + 1), to))
    return found


def _enough(pairs: Sequence[_Pair], ours: PreparedName, theirs: PreparedName) -> bool:
    """One shared word that tells is enough only where it is all of a side, and for a person all of both."""
    if not pairs:
        return False
    telling = sum(
        len(pair.ours) + len(pair.theirs) - 1
        for pair in pairs
        if min(_weight(ours.tokens, pair.ours), _weight(theirs.tokens, pair.theirs)) > _DISTINCTIVE
    )
    fewest = min(len(ours.tokens), len(theirs.tokens))
    whole = min(sum(len(pair.ours) for pair in pairs), sum(len(pair.theirs) for pair in pairs)) >= fewest
    if ours.kind == PERSON:
        return telling >= 2 or (whole and (fewest > 1 or len(ours.tokens) == len(theirs.tokens)))
    return telling >= 2 or whole


def _joined(ours: PreparedName, theirs: PreparedName) -> float:
    """Names that differ in where words end (Abdul Rahman, Abdulrahman)."""
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


def _number_clash(pairs: Sequence[_Pair], ours: PreparedName, theirs: PreparedName) -> bool:
    loose = [
        any(token.plain.isdigit() and at not in matched for at, token in enumerate(side.tokens))
        for side, matched in (
            (ours, {at for pair in pairs for at in pair.ours}),
            (theirs, {at for pair in pairs for at in pair.theirs}),
        )
    ]
    return all(loose) or (any(loose) and ours.kind == VESSEL)


def birth_factor(ours: str, theirs: Sequence[str]) -> float:
    """1 where a date agrees or is unknown, a little less for a year beside it, ``0.8`` for a clash."""
    if not ours or not theirs or not re.match(r"\d{4}", ours):
        return 1.0
    return max(_one_birth(ours, other) for other in theirs)


def _one_birth(ours: str, theirs: str) -> float:
    if not re.match(r"\d{4}", theirs):
        return 1.0
    gap = abs(int(ours[:4]) - int(theirs[:4]))
    if gap > 1:
        return _BIRTH_CLASH
    if gap == 1:
        return _BIRTH_NEAR
    if len(ours) == len(theirs) == 10 and ours != theirs:
        swapped = f"{theirs[:4]}-{theirs[8:]}-{theirs[5:7]}"
        return 1.0 if ours == swapped else _BIRTH_DAY
    return 1.0


def match(party: Party, prepared: Sequence[PreparedName], entry: ListEntry) -> ListHit:
    """Compare every name of ``party`` with every name of ``entry``; the best pair counts.

    An equal identifier that its register could have given decides with score 1 whatever the names say; one whose check
    digits are wrong, which may be a placeholder, alerts.
    """
    shared = sorted(set(party.identifiers) & set(entry.identifiers))
    if shared:
        sound = {kind: is_sound(kind, value) for kind, value in shared}
        terms = tuple(
            ScoreTerm(
                f"identifier {kind}" if sound[kind] else f"identifier {kind}, wrong check digits", value, value, 1.0
            )
            for kind, value in shared
        )
        return ListHit(party.id, entry, 1.0, decides=any(sound.values()), terms=terms)
    if {party.kind, entry.kind} in ({"person", "organisation"}, {"person", "vessel"}, {"organisation", "vessel"}):
        return ListHit(party.id, entry, 0.0, decides=False, terms=())
    best, terms = 0.0, ()
    for name in entry.names:
        listed = prepare(name.text, entry.kind)
        for ours in prepared:
            score, found = compare_names(ours, listed, REVIEW)
            if name.weak and score:
                score *= _WEAK_FACTOR
                found = (*found, ScoreTerm("weak alias", "", name.text, _WEAK_FACTOR))
            if score > best:
                best, terms = score, found
    factor = birth_factor(party.birth, entry.births) if party.kind == PERSON else 1.0
    if best and factor != 1.0:
        terms = (*terms, ScoreTerm("birth", party.birth, ", ".join(entry.births), factor))
    if best and party.country and (term := _country_term(party.country, entry.countries)):
        factor *= term.value
        terms = (*terms, term)
    return ListHit(party.id, entry, round(best * factor, 4), decides=False, terms=terms)


def _country_term(ours: str, theirs: Sequence[str]) -> ScoreTerm | None:
    """The term for countries known on both sides; a clash costs little, since firms and persons move."""
    codes = {code for place in theirs if (code := country_code(place))}
    code = country_code(ours)
    if not code or not codes:
        return None
    return ScoreTerm("country", code, " ".join(sorted(codes)), 1.0 if code in codes else _COUNTRY_CLASH)
