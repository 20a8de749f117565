"""Times in forms: days as a browser's date field gives them. In: text. Out: ms since the epoch, UTC; and back."""

from __future__ import annotations

from datetime import UTC, datetime

from custodes.core.errors import InvalidParameterError

DAY_MS = 86_400_000


def day_ms(text: str) -> int | None:
    """The first moment of a day like ``2026-03-01``; None for nothing. Raises InvalidParameterError."""
    if not text:
        return None
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        raise InvalidParameterError(f"not a day: {text[:20]}") from None


def today_ms(now_ms: int) -> int:
    """The first moment of the day of ``now_ms``, UTC."""
    return now_ms - now_ms % DAY_MS


def month_of(now_ms: int) -> str:
    """The month of ``now_ms``, like ``2026-03``, UTC."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m")
