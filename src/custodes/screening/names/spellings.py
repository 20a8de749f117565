"""Spellings of one sound joined: what English, German, French and Polish make of one Russian word gives one form.

In: a word of ``a-z0-9``. Out: its folded forms; more than one where a spelling is ambiguous (German writes the Russian
kh as ch, French writes zh as j). Chodorkowski and Khodorkovsky share a form, so do Poutine and Putin. Folded forms are
for comparing and finding only; they are no way to write a name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product

from custodes.screening.names.doubles import DOUBLED, once
from custodes.screening.words.given_names import LATIN

# "C" stands for every hushing sound: ch, sh, zh and shch are each spelled with the letters of another elsewhere.
_FOLDS = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (r"schtsch|chtch|shch|szcz|tsch|dsch|dzh|sch|tch|sh|zh|cz|sz|ch|dj", "C"),
        (r"kh", "h"),
        (r"ph", "f"),
        (r"(?<=[eo])(?:ff?|w)$", "v"),
        (r"w", "v"),
        (r"gu(?=[ei])", "g"),
        (r"ck|q|c(?![eiyC])", "k"),
        (r"x", "ks"),
        (r"ts|tz|c|z", "s"),
        (r"(?:iou|you|ou|oo|yu|iu|ju)", "u"),
        (r"(?:[yji]+)(?=[aeo])", ""),
        (r"[iy]ne$", "in"),
        (r"ee", "i"),
        (r"[yj]", "i"),
        (DOUBLED, once),
        (r"(?<=[aeou])i$", ""),
        (r"(?<=sk)a?i$", "i"),
    )
)
_MAX_FORMS = 8
_ABD = re.compile(r"abd(?:ou|u|e|a|o|i)?(?:l|r|s|n|d)?(?=[^aeiou]\w{2})")


@lru_cache(maxsize=131_072)
def fold(word: str) -> str:
    """One form of ``word``, taking its letters as English does."""
    for pattern, put in _FOLDS:
        word = pattern.sub(put, word)
    return _SAME.get(word, word)


@lru_cache(maxsize=131_072)
def forms(word: str) -> tuple[str, ...]:
    """All forms of ``word``, the likeliest first, at most eight."""
    if word.isdigit():
        return (word,)
    if word in LATIN:
        return (fold(LATIN[word]),)
    if word.startswith("abd") and len(word) > 5 and (stem := _ABD.match(word)):
        rest = word[stem.end() :]
        word = "abd" + LATIN.get(rest, rest)
    other_readings = [read for letters, read in _AMBIGUOUS if letters in word]
    found: dict[str, None] = {}
    for chosen in product((False, True), repeat=len(other_readings)):
        other = word
        for read, wanted in zip(other_readings, chosen, strict=True):
            other = read(other) if wanted else other
        found[fold(other)] = None
        found[fold(_yo(other))] = None
    # ё after a hushing sound shows only once that sound is folded.
    found.update({form.replace("Cov", "Cev"): None for form in list(found)})
    return tuple(list(found)[:_MAX_FORMS])


def _yo(word: str) -> str:
    """Read the Russian ё, written yo, jo or io, as e, which stands for it as often."""
    return re.sub(r"[yji]o", "e", word)


def _german_ch(word: str) -> str:
    return re.sub(r"schtsch|chtch|shch|tsch|tch|sch", "C", word).replace("ch", "h")


def _french_j(word: str) -> str:
    return re.sub(r"j(?=[aeiou])", "zh", word)


def _balkan_c(word: str) -> str:
    return re.sub(r"ic$", "ich", word)


def _ukrainian_h(word: str) -> str:
    """Russian spells the Ukrainian h as g; only names that end as Ukrainian ones do are read so."""
    return re.sub(r"(?<![cskptzg])h", "g", word) if re.search(r"(?:ko|[uiy]k|skyi?|ych|yshyn)$", word) else word


_AMBIGUOUS = (("ch", _german_ch), ("j", _french_j), ("ic", _balkan_c), ("h", _ukrainian_h))
_SAME: dict[str, str] = {}
_SAME.update({fold(spelled): fold(stands) for spelled, stands in LATIN.items()})
