"""Korean syllables to their usual Latin spellings. In: a word of Hangul. Out: per syllable all spellings in use.

Source: Unicode's arithmetic of Hangul syllables; Revised Romanisation of 2000, McCune-Reischauer of 1939, and the
spellings of surnames that passports of either Korea bear.
"""

from __future__ import annotations

_LEADS = "g kk n d tt r m b pp s ss - j jj ch k t p h"
_VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"
_TAILS = "- k k k n n n t l k m l l l p l m p p t t ng t t k t p t"
_LEAD, _VOWEL, _TAIL = (tuple(part.strip("-") for part in table.split()) for table in (_LEADS, _VOWELS, _TAILS))
_OTHER_LEAD = {"g": "k", "d": "t", "b": "p", "j": "ch", "r": "l", "s": "sh"}
_OTHER_VOWEL = {"eo": ("o", "u"), "yeo": ("yo", "you"), "eu": ("u",), "u": ("oo",), "oe": ("oi",), "ae": ("e",)}
_SURNAMES = {
    "김": "kim gim", "이": "ri lee yi rhee", "박": "pak park", "최": "choe choi", "임": "im rim lim", "노": "ro no roh",
    "유": "ryu yu yoo", "량": "ryang yang", "리": "ri lee", "강": "kang", "조": "jo cho", "정": "jong jung chong jeong",
}  # fmt: skip
_FIRST, _LAST = "가", "힣"


def is_hangul(word: str) -> bool:
    """Whether ``word`` is written in Hangul syllables."""
    return bool(word) and all(_FIRST <= letter <= _LAST for letter in word)


def readings(word: str) -> list[tuple[str, ...]]:
    """For each syllable its spellings, the likeliest first; the first syllable may be a surname."""
    return [
        tuple(dict.fromkeys((*(_surname(letter) if at == 0 and len(word) > 1 else ()), *_spelled(letter))))
        for at, letter in enumerate(word)
    ]


def _surname(letter: str) -> list[str]:
    return _SURNAMES.get(letter, "").split()


def _spelled(letter: str) -> list[str]:
    number = ord(letter) - ord(_FIRST)
    lead, vowel, tail = _LEAD[number // 588], _VOWEL[number % 588 // 28], _TAIL[number % 28]
    return [
        one + two + tail
        for one in dict.fromkeys((lead, _OTHER_LEAD.get(lead, lead)))
        for two in (vowel, *_OTHER_VOWEL.get(vowel, ()))
    ]
