"""How alike two words are: equal, another spelling, a slip, an initial, the same sounds. In: words. Out: 0..1.

Rules of thumb, measured in BENCHMARKS.md; words are compared alone, names in ``comparison``.
"""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz.distance import OSA

from custodes.screening.names.legal_forms import without_tail
from custodes.screening.names.name import NameToken

SHARED_FORM, CONSONANTS, INITIAL, SAME_SOUNDS = 0.97, 0.9, 0.7, 0.9
"""Worth of words of one folded form; of one set of consonants; of an initial; of the same sounds."""
WITH_TAIL = 0.9
"""Worth of words of which one has a legal form, a generic word or a place written to its end."""
INITIALS = 0.8
"""Worth of an initial where two of them agree."""
LONG_JOIN = 9
"""From so many letters on, neighbours written as one are recognised in spite of a slip."""
# Likeness of words one slip apart by the longer one's letters, and two slips apart.
_ONE_SLIP = (0.0, 0.0, 0.0, 0.72, 0.82, 0.88, 0.88, 0.91, 0.91)
_TWO_SLIPS = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.65, 0.76, 0.78, 0.84)
_SHORT_FORM, _SHORT_SPELLING, _SHORTEST_FOLDED = 4, 0.85, 7


def word_similarity(ours: NameToken, theirs: NameToken, *, by_sound: bool = False) -> float:
    """Likeness of two words, 0..1: 1 equal, less for other spellings, 0 beyond a plausible slip.

    Args:
        ours: one word.
        theirs: the other.
        by_sound: words of firms: those with one ``skeleton`` are alike, as brands are that Cyrillic writes by their
            English sound, and those of which one has a tail (VisionLabsEurope).
    """
    if ours.plain == theirs.plain:
        return 1.0
    if ours.unvoiced != theirs.unvoiced:
        return _by_consonants(ours, theirs)
    if ours.syllabic or theirs.syllabic:
        return _by_syllables(ours, theirs)
    found = spelled_similarity(ours.plain, ours.forms, theirs.plain, theirs.forms)
    if not by_sound or found >= SAME_SOUNDS:
        return found
    if ours.skeleton and ours.skeleton == theirs.skeleton:
        return SAME_SOUNDS
    tailed = theirs.plain in without_tail(ours.plain) or ours.plain in without_tail(theirs.plain)
    return WITH_TAIL if tailed else found


def _by_consonants(ours: NameToken, theirs: NameToken) -> float:
    """Likeness of a word with vowels to one without: another ending is another word (Muhammad, Mohammadi)."""
    if ours.consonants != theirs.consonants or len(ours.consonants) < 2:
        return 0.0
    bare, full = (ours.plain, theirs.plain) if ours.unvoiced else (theirs.plain, ours.plain)
    ends = bare[-1:] in ("y", "i") and full[-1:] not in "aeiy"
    lacks = full[-1:] in "iy" and bare[-1:] not in ("y", "i", "a", "h", "`")
    return CONSONANTS - (0.2 if ends or lacks else 0.05 if len(ours.consonants) < 3 else 0.0)


def _by_syllables(ours: NameToken, theirs: NameToken) -> float:
    """Likeness of a syllable that was not written in Latin letters: readings of it, but no slips in them."""
    if set(ours.forms).isdisjoint(theirs.forms):
        return 0.0
    short = min(len(ours.plain), len(theirs.plain)) <= _SHORT_FORM and ours.plain[0] != theirs.plain[0]
    return _SHORT_SPELLING if short else SHARED_FORM


def joined_similarity(plain: str, folded: str, other: NameToken) -> float:
    """Likeness of neighbours written as one, as they are and folded, to another word: a slip needs ``LONG_JOIN``."""
    if plain == other.plain:
        return 1.0
    if plain.isdigit() or other.plain.isdigit():
        return 0.0
    if folded in other.forms and min(len(plain), len(other.plain)) >= _SHORTEST_FOLDED:
        return SHARED_FORM
    slip = _is_a_slip(plain, other.plain) or any(_is_a_slip(folded, form) for form in other.forms)
    return slip_worth(LONG_JOIN, 1) if slip else 0.0


def _is_a_slip(ours: str, theirs: str) -> bool:
    return min(len(ours), len(theirs)) >= LONG_JOIN and OSA.distance(ours, theirs, score_cutoff=1) == 1


@lru_cache(maxsize=262_144)
def spelled_similarity(ours: str, our_forms: tuple[str, ...], theirs: str, their_forms: tuple[str, ...]) -> float:
    """Likeness of two words by their letters alone, and by those of their folded forms."""
    if ours.isdigit() or theirs.isdigit():
        return SHARED_FORM if ours == theirs else 0.0
    if len(ours) == 1 or len(theirs) == 1:
        return INITIAL if ours[0] == theirs[0] else 0.0
    if not set(our_forms).isdisjoint(their_forms):
        short = min(len(ours), len(theirs)) <= _SHORT_FORM and ours[0] != theirs[0]
        return _SHORT_SPELLING if short else SHARED_FORM
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
    if distance == 1 and size < 4 and ours[:1] != theirs[:1]:
        return 0.0
    return slip_worth(size, distance) if distance in (1, 2) else 0.0


def slip_worth(size: int, slips: int) -> float:
    """Worth of two words one or two slips apart, the longer of ``size`` letters."""
    by_size, longer = (_ONE_SLIP, 0.93) if slips == 1 else (_TWO_SLIPS, _TWO_SLIPS[-1])
    return by_size[size] if size < len(by_size) else longer
