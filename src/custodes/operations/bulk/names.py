"""Names of pictures in the alphabet of ExternalImageId. In: any text. Out: a name, empty where nothing is left."""

from __future__ import annotations

import re
import unicodedata

# Source: pattern and length of shape ExternalImageId in the service model.
_FOREIGN = re.compile(r"[^a-zA-Z0-9_.\-:]")
_MAX_CHARS = 255


def acceptable(name: str) -> str:
    """``name`` in the API's alphabet: accents dropped, spaces and signs to ``_``, other letters as their number.

    A letter without an ASCII base, like a Chinese one, becomes ``uXXXX``, so that different names stay different.
    """
    plain = unicodedata.normalize("NFKD", name.strip())
    kept = (char for char in plain if not unicodedata.combining(char))
    return "".join(_letter(char) for char in kept)[:_MAX_CHARS]


def _letter(char: str) -> str:
    if not _FOREIGN.match(char):
        return char
    return f"u{ord(char):04X}" if char.isalnum() else "_"
