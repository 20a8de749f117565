"""How a word sounds without its vowels, so that an English brand and its spelling in Cyrillic meet.

In: a word. Out: its sounds. ``visionlabs`` and ``vizhnlabs`` (ВижнЛабс) both give ``vsnlbs``: all hissing and hushing
sounds are one, vowels, w and y are left out. What is left of a short word many words share, so it has none. The map
of parties has the same rule of its
own (``ledger/verifier/party_names.py``), which an auditor reads without this one; a test holds the two together.
"""

from __future__ import annotations

import re
from functools import lru_cache

from custodes.screening.names.doubles import DOUBLED, once

SHORTEST = 5
_SOUNDS = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (r"(?:ss?|t|c)ion", "sn"),
        (r"igh", "i"),
        (r"schtsch|chtch|shch|tsch|dzh|sch|tch|sh|zh|ch|dj|j", "s"),
        (r"g(?=[eiy])", "s"),
        (r"kh", "h"),
        (r"ph", "f"),
        (r"th", "t"),
        (r"ck|q|c(?![eiy])", "k"),
        (r"x", "ks"),
        (r"ts|tz|c|z", "s"),
        (r"[aeiouwy]", ""),
        (DOUBLED, once),
    )
)


@lru_cache(maxsize=131_072)
def skeleton(word: str) -> str:
    """Consonants of ``word``, which is of ``a-z0-9``; empty where fewer than five are left."""
    for pattern, put in _SOUNDS:
        word = pattern.sub(put, word)
    return word if len(word) >= SHORTEST else ""
