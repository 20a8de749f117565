"""Java regular expressions of the service model as Python ones.

In: a pattern of the model. Out: a compiled pattern whose ``fullmatch`` agrees with Java's ``matches``. Handles what
the model uses: ASCII classes and the Unicode properties L, N and Z. It is no general translator.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

_PROPERTY = re.compile(r"\\p\{([A-Z])\}")


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    r"""Compile ``pattern``. ``\d``, ``\w`` and ``\s`` mean ASCII, as in Java. Remembered:
    the model has a few dozen patterns.

    Raises:
        re.error: the pattern has syntax that Python does not know.
    """
    return re.compile(_PROPERTY.sub(lambda found: _ranges(found[1]), pattern), re.ASCII)


@cache
def _ranges(category: str) -> str:
    """Inside of a character class with all code points whose general category starts with ``category``."""
    parts: list[str] = []
    first: int | None = None
    for point in range(sys.maxunicode + 2):
        inside = point <= sys.maxunicode and unicodedata.category(chr(point))[0] == category
        if inside and first is None:
            first = point
        elif not inside and first is not None:
            parts.append(f"\\U{first:08x}-\\U{point - 1:08x}")
            first = None
    return "".join(parts)
