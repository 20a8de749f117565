"""Labels that would sort people by what the law protects: names of protected traits, told from names of labels.

In: names of labels. Out: whether one of them is about such a trait. A list of words is a fence and not a wall: who
calls a label ``group 1`` passes it, and is answerable for that. Source: Charter of Fundamental Rights of the European
Union, article 21; Regulation (EU) 2024/1689, article 5(1)(g) on biometric categorisation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum


class SensitiveContent(StrEnum):
    """What a set of labels is about, as far as rules want to know."""

    NONE = "none"
    """No custom labels, or labels of things."""
    PROTECTED = "protected-traits"
    """At least one label names a protected trait."""
    FACES = "faces"
    """What is trained on shows faces most of all."""


# Whole words, in lower case without marks; a plural s is taken off before.
_WORDS = """
race racial ethnicity ethnic ethnie nationality complexion
african asian caucasian hispanic latino latina arab arabic jewish jew roma romani gypsy uyghur uighur tibetan kurd
kurdish slavic indigenous aboriginal negroid mongoloid
religion religious muslim islam islamic christian catholic protestant hindu sikh buddhist atheist hijab niqab burqa
kippa yarmulke turban
gender sex male female transgender trans nonbinary gay lesbian homosexual heterosexual bisexual queer lgbt
pregnant pregnancy disabled disability handicapped autistic autism
refugee migrant immigrant foreigner
communist socialist conservative liberal unionist
elderly
criminal terrorist offender
emotion angry happy sad fearful disgusted
"""
WORDS = frozenset(_WORDS.split())
PHRASES = (
    "skin tone", "skin color", "skin colour", "sexual orientation", "political opinion", "trade union",
    "dark skinned", "light skinned", "black person", "white person", "black people", "white people", "black man",
    "black woman", "white man", "white woman",
)  # fmt: skip
_WORD = re.compile(r"[a-z]+")


def trait_of(names: Iterable[str]) -> SensitiveContent:
    """Whether one of ``names`` is about a protected trait."""
    return SensitiveContent.PROTECTED if any(names_a_trait(name) for name in names) else SensitiveContent.NONE


def names_a_trait(name: str) -> bool:
    """Whether a label is about a protected trait, by its words."""
    plain = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).casefold()
    words = _WORD.findall("".join(char for char in plain if not unicodedata.combining(char)))
    text = f" {' '.join(words)} "
    if any(f" {phrase} " in text for phrase in PHRASES):
        return True
    return any(word in WORDS or word.removesuffix("s") in WORDS for word in words)
