"""Addresses made comparable. In: addresses as written. Out: keys of them, and whether two say one place.

A key has the words of an address that tell, in order of the alphabet, with its numbers, so that neither order nor
abbreviations nor the country matter. Without a number there is no key: a town or a street alone says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from custodes.screening.names.scripts import latin
from custodes.screening.names.spellings import fold
from custodes.screening.words.countries import country_code

KIND = "address"
"""Kind under which the index keeps keys of addresses beside numbers of registers."""
MAX_ADDRESS = 400
_LEAST_WORDS = 2
_WORDS = """
the of and de la le du des van der den st str street road rd avenue ave av boulevard blvd lane ln square sq place pl
suite ste office off apt apartment flat floor fl unit room rm building bldg build block bl house hse no nr number
ulitsa ul prospekt prosp pr pereulok per shosse naberezhnaya nab ploshchad pl dom d korpus korp k stroenie str ofis
kv kvartira pom pomeshchenie etazh litera lit g gorod strasse weg laan straat plein gracht kade rue via calle
carrer po box p o postbus postfach city district region oblast rayon province state zip
"""
_SMALL = frozenset(map(fold, _WORDS.split()))


@lru_cache(maxsize=65_536)
def address_key(text: str) -> str:
    """The words and numbers of an address that tell, in order; empty where it has no number or fewer than two words."""
    words = set()
    numbers = set()
    for word in re.findall(r"[^\W_]+", text[:MAX_ADDRESS]):
        plain = re.sub(r"[^a-z0-9]", "", latin(word))
        if any(letter.isdigit() for letter in plain):
            numbers.add(plain)
        elif len(plain) > 2 and (folded := fold(plain)) not in _SMALL and not country_code(word):
            words.add(folded)
    if not numbers or len(words) < _LEAST_WORDS:
        return ""
    return " ".join([*sorted(numbers), *sorted(words)])


def address_pairs(addresses: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The keys of ``addresses``, as pairs that an index of identifiers keeps and finds."""
    return tuple(dict.fromkeys((KIND, key) for text in addresses if (key := address_key(text))))


def same_address(ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, str] | None:
    """The first two addresses, as written, that say one place; None where none do."""
    for mine in ours:
        key = address_key(mine)
        other = next((text for text in theirs if key and address_key(text) == key), None)
        if other is not None:
            return mine, other
    return None
