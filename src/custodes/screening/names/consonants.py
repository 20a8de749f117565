"""What is left of a word in a script that writes no vowels. In: a word. Out: its consonants, alike for any script.

``حسین`` and ``Hossein`` both give ``hsn``. Many words share their consonants, so this finds and supports, and does
not prove.
"""

from __future__ import annotations

import re
import unicodedata

from custodes.screening.names.doubles import DOUBLED, once

_ARABIC = "اأإآبتثجحخدذرزسشصضطظعغفقكلمنهويىئؤةءپچژگکیۀہھےں"
_AS_LATIN = "aaaabttjhhddrzsCsdtzaGfkklmnhwyyyw  pCCgkyhhhyn"
_HEBREW, _HEBREW_AS_LATIN = "אבגדהוזחטיכךלמםנןסעפףצץקרשת", "abgdhwzhtykklmmnnsappsskrCt"
_UNVOICED = {**dict(zip(_ARABIC, _AS_LATIN, strict=True)), **dict(zip(_HEBREW, _HEBREW_AS_LATIN, strict=True))}
_VOICED = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (r"shch|tsch|sch|sh|ch|zh", "C"),
        (r"kh", "h"),
        (r"gh", "G"),
        (r"th", "t"),
        (r"dh", "d"),
        (r"ph", "f"),
        (r"dj", "j"),
        (r"ck|q|c", "k"),
        (r"x", "ks"),
    )
)
_DOUBLED = re.compile(DOUBLED)
_MARKS = re.compile(r"[\u064b-\u065f\u0670\u0640\u0591-\u05c7]")


def is_unvoiced(word: str) -> bool:
    """Whether ``word`` is written in Arabic or Hebrew letters."""
    return any(letter in _UNVOICED for letter in word)


def without_marks(word: str) -> str:
    """``word`` without the optional marks for vowels, and without the stroke that only stretches it."""
    return _MARKS.sub("", word)


def consonants(word: str) -> str:
    """The consonants of a word; w, v, y and vowels only as its first letter, h not as its last.

    Args:
        word: of ``a-z0-9``, or in Arabic or Hebrew letters.
    """
    if is_unvoiced(word):
        letters = "".join(_UNVOICED.get(letter, "") for letter in unicodedata.normalize("NFKC", word))
    else:
        letters = word
        for pattern, put in _VOICED:
            letters = pattern.sub(put, letters)
    letters = letters.replace(" ", "")
    first = re.sub(r"[aeiou]", "a", letters[:1]).replace("v", "w")
    rest = re.sub(r"h$", "", re.sub(r"[aeiouwyv]", "", letters[1:]))
    return _DOUBLED.sub(once, first + rest)
