"""Letters that only look like others, and characters that nobody sees. In: a name as written. Out: what a reader sees.

Whoever hides a name writes V1sionLabs, or a Cyrillic letter among Latin ones, or puts a character without width into
it; scanned lists do as much by accident.
"""

from __future__ import annotations

import unicodedata

_TABLE = {
    "А": "A", "В": "B", "Е": "E", "Ѕ": "S", "І": "I", "Ј": "J", "К": "K", "М": "M", "Н": "H", "О": "O", "Р": "P",
    "С": "C", "Т": "T", "У": "Y", "Х": "X", "а": "a", "с": "c", "е": "e", "ѕ": "s", "і": "i", "ј": "j", "к": "k",
    "о": "o", "р": "p", "х": "x", "у": "y", "һ": "h", "ԁ": "d", "ԛ": "q", "ԝ": "w", "Α": "A", "Β": "B", "Ε": "E",
    "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M", "Ν": "N", "Ο": "O", "Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X",
    "α": "a", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "τ": "t", "υ": "u", "χ": "x", "в": "b", "м": "m",
    "н": "h", "т": "t", "п": "n", "г": "r", "ь": "b", "И": "N", "и": "u", "Я": "R", "я": "r",
}  # fmt: skip
_LATIN_OF = str.maketrans(_TABLE)
_CYRILLIC_OF = str.maketrans({
    "A": "А", "B": "В", "E": "Е", "K": "К", "M": "М", "H": "Н", "O": "О", "P": "Р", "C": "С", "T": "Т", "X": "Х",
    "Y": "У", "a": "а", "c": "с", "e": "е", "o": "о", "p": "р", "x": "х", "y": "у", "k": "к", "m": "м", "i": "і",
})  # fmt: skip
_DIGITS = ({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g"}, {"1": "l"})


def seen(text: str) -> str:
    """``text`` as a reader sees it: no characters without width, compatible letters as the usual ones."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")


def one_script(word: str) -> str:
    """A word whose letters are of two alphabets, in the one that was meant."""
    latin = [letter for letter in word if letter < "\u0250"]
    other = [letter for letter in word if "\u0370" <= letter < "\u0530"]
    if not latin or not other:
        return word
    # A letter that looks like none of the other alphabet tells which one was meant.
    real_latin = sum(ord(letter) not in _CYRILLIC_OF for letter in latin)
    real_other = sum(ord(letter) not in _LATIN_OF for letter in other)
    if bool(real_latin) != bool(real_other):
        return word.translate(_LATIN_OF if real_latin else _CYRILLIC_OF)
    return word.translate(_LATIN_OF if len(latin) >= len(other) else _CYRILLIC_OF)


def look_alike(word: str) -> str:
    """What a word of Cyrillic or Greek letters looks like where each of them looks like a Latin one; else nothing."""
    return word.translate(_LATIN_OF) if not word.isascii() and len(word) > 2 and set(word) <= _CAPITALS else ""


_CAPITALS = frozenset(letter for letter, latin in _TABLE.items() if latin.lower() not in "vnru" or letter in "ΝΥ")


def with_letters(word: str, *, person: bool = False) -> tuple[str, ...]:
    """Readings of a word of ``a-z0-9`` whose digits stand for letters: few of them, the last letter none.

    In the name of a ``person``, where no digits belong, any.
    """
    digits = [at for at, letter in enumerate(word) if letter.isdigit()]
    letters = len(word) - len(digits)
    if not digits or not letters:
        return ()
    if not person and (len(digits) > max(1, letters // 3) or letters < 2 or word[-1].isdigit()):
        return ()
    first, second = ({**_DIGITS[0], **more} for more in ({}, _DIGITS[1]))
    return tuple(dict.fromkeys("".join(table.get(letter, letter) for letter in word) for table in (first, second)))
