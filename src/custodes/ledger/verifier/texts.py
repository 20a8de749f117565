"""Texts for people: times in words, and text from files that nobody vouches for.

In: values of a file. Out: text that may stand on a terminal or a page.
"""

from __future__ import annotations

from datetime import UTC, datetime


def moment(t: int) -> str:
    """Milliseconds since the epoch as date and time, UTC."""
    try:
        return datetime.fromtimestamp(t // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{t} ms after 1970"


def clean(text: object) -> str:
    """Text from a file we do not trust, without characters that could move the cursor or end a line."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(text)[:200])
