"""Several names in one: "New (formerly Old)", "A trading as B", "NEW SHIP (ex OLD SHIP)". In: a name. Out: each.

Lists write them so, and so does whoever hides the old name in the new one.
"""

from __future__ import annotations

import re

from custodes.screening.entities import PERSON

_BETWEEN = re.compile(
    r"[\s,;(\[]*(?:\b(?:formerly(?:\s+known\s+as)?|previously(?:\s+known\s+as)?|also\s+known\s+as|now\s+known\s+as"
    r"|trading\s+as|doing\s+business\s+as|operating\s+as|better\s+known\s+as|renamed"
    r"|a\.?k\.?a|f\.?k\.?a|d\.?b\.?a|voorheen|handelend\s+onder\s+de\s+naam|vormals|ehemals|firmierend\s+als"
    r"|anciennement|dite?|antes|anteriormente|ranee|dawniej|byvsh\w*)\b\.?|\b(?:t/a|a/k/a|f/k/a|d/b/a|o/a|c/o)\b"
    r"|\bранее\b|\bбывш\w*)[\s:,]*",
    re.IGNORECASE,
)
_OLD_SHIP = re.compile(r"[\s,;(\[]+ex[\s.:-]+(?=\w)", re.IGNORECASE)
_SLASH = re.compile(r"\s*/\s*")
_EDGES = " ,;.:()[]\"'«»“”„"
_SHORTEST = 4
MOST = 6


def alternatives(text: str, kind: str) -> tuple[str, ...]:
    """``text`` itself, and then each of the names in it where there are several; six at most."""
    parts = [part for piece in _BETWEEN.split(text) for part in (_OLD_SHIP.split(piece) if kind != PERSON else [piece])]
    if kind != PERSON and "/" in text:
        parts = [one for part in parts for one in _of_slashes(part)]
    found = [part.strip(_EDGES) for part in parts]
    if len(found) < 2:
        return (text,)
    return tuple(dict.fromkeys((text, *(part for part in found if len(part) > 1))))[:MOST]


def _of_slashes(text: str) -> list[str]:
    """Both sides of a slash where each is a name of some length, and no legal form like A/S."""
    parts = _SLASH.split(text)
    return parts if len(parts) > 1 and min(len(part.strip(_EDGES)) for part in parts) >= _SHORTEST else [text]
