"""Moments as people write them, for the periods that statements are about. In: text. Out: milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime

from custodes.core.errors import InvalidParameterError


def moment(text: str | None) -> int | None:
    """Milliseconds of an ISO date or time; without a zone it is UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidParameterError(f"not a date or time: {text}") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment.timestamp() < 0:
        raise InvalidParameterError("times before 1970 are not in any log")
    return int(moment.timestamp() * 1000)
