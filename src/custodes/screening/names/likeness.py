"""How alike two words are: equal, another spelling, a slip, an initial, the same sounds. In: words. Out: 0..1.

Rules of thumb, measured in BENCHMARKS.md; words are compared alone, names in ``comparison``.
"""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz.distance import OSA

from custodes.screening.names.name import NameToken

_SPELLING, _CONSONANTS, _INITIAL, _SOUND = 0.97, 0.9, 0.7, 0.9
# Likeness of words one slip apart by the longer one's letters, and two slips apart.
_ONE_SLIP = (0.0, 0.0, 0.4, 0.72, 0.82, 0.88, 0.88, 0.91, 0.91)
_TWO_SLIPS = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.65, 0.76, 0.78, 0.84)
_SHORT_FORM, _SHORT_SPELLING = 4, 0.85


def word_similarity(ours: NameToken, theirs: NameToken, *, by_sound: bool = False) -> float:
    """Likeness of two words, 0..1: 1 equal, less for other spellings, 0 beyond a plausible slip.

    Args:
        ours: one word.
        theirs: the other.
        by_sound: words with one ``skeleton`` are alike, as brands are that Cyrillic writes by their English sound.
    """
    if ours.plain == theirs.plain:
        return 1.0
    if ours.unvoiced != theirs.unvoiced:
        alike = ours.consonants == theirs.consonants and len(ours.consonants) > 1
        return _CONSONANTS - (0.05 if len(ours.consonants) < 3 else 0.0) if alike else 0.0
    found = spelled_similarity(ours.plain, ours.forms, theirs.plain, theirs.forms)
    if by_sound and found < _SOUND and ours.skeleton and ours.skeleton == theirs.skeleton:
        return _SOUND
    return found


@lru_cache(maxsize=262_144)
def spelled_similarity(ours: str, our_forms: tuple[str, ...], theirs: str, their_forms: tuple[str, ...]) -> float:
    """Likeness of two words by their letters alone, and by those of their folded forms."""
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
