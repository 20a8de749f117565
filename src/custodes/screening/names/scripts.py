"""Text in any script to Latin letters, as names are spelled in English. In: text. Out: lower-case text of ``a-z0-9 '``.

Own rules stand where a general table loses what names need: Cyrillic by language, Indic scripts with their unwritten
*a*. ``anyascii`` has the rest. Letters that only look Latin are in ``disguises``. Korean syllables have several
spellings, and Arabic and Hebrew leave vowels out: see ``hangul`` and ``consonants``.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from anyascii import anyascii

from custodes.screening.names.disguises import one_script

# Source: BGN/PCGN 1947 (Russian), 1965 (Ukrainian), 1979 (Belarusian), without apostrophes and without "ye" for "е":
# what differs from list to list is joined in ``spellings``.
_LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґўјљњџђћѓќѕ"
_SPELLED = (
    "a b v g d e yo zh z i y k l m n o p r s t u f kh ts ch sh shch - y - e yu ya i yi ye g u j lj nj dz dj c g k z"
)
_CYRILLIC = dict(zip(_LETTERS, (part.strip("-") for part in _SPELLED.split()), strict=True))
_UKRAINIAN = {**_CYRILLIC, "г": "h", "и": "y", "й": "i"}
_BELARUSIAN = {**_CYRILLIC, "г": "h"}


@lru_cache(maxsize=65_536)
def latin(word: str) -> str:
    """One word in Latin letters, lower case; an empty string where nothing can be read.

    A word of two alphabets is read in the one that has more of its letters.
    """
    word = one_script(unicodedata.normalize("NFKC", word)).lower()
    if word.isascii():
        return word
    kinds = {_script(letter) for letter in word if letter.isalpha()}
    if kinds == {"CYRILLIC"}:
        table = _UKRAINIAN if set(word) & set("іїєґ") and "ў" not in word and "ы" not in word else _CYRILLIC
        table = _BELARUSIAN if "ў" in word else table
        return "".join(table[letter] if letter in table else anyascii(letter) for letter in word).lower()
    if len(kinds) == 1 and next(iter(kinds)) in _INDIC:
        return _indic(word)
    return anyascii(_marked(word)).lower()


def _marked(word: str) -> str:
    """Keep the sound of letters that lose it with their mark: č, š, ž and the like."""
    return word.translate(_MARKED)


_MARKED = str.maketrans(dict(zip("čćšşžçñ", ("ch", "ch", "sh", "sh", "zh", "s", "n"), strict=True)))
_INDIC = frozenset(
    {"DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM"}
)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").partition(" ")[0]


def _indic(word: str) -> str:
    """Read off Unicode's names of letters; a consonant carries *a* unless a sign says otherwise or the word ends."""
    out: list[str] = []
    carries = False
    for letter in word:
        value = unicodedata.name(letter, "")
        if " LETTER " in value:
            sound = value.rpartition(" ")[2].lower()
            if carries:
                out.append("a")
            carries = sound.endswith("a") and sound not in ("a", "aa")
            out.append(sound[:-1] if carries else sound)
        elif " VOWEL SIGN " in value:
            out.append(value.rpartition(" ")[2].lower())
            carries = False
        elif value.endswith("VIRAMA"):
            carries = False
        elif value.endswith(("ANUSVARA", "CANDRABINDU")):
            out.append("an" if carries else "n")
            carries = False
    return "".join(out).replace("aa", "a").replace("ii", "i").replace("uu", "u")
