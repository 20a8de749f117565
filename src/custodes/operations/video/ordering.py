"""In which order results are read, and whether single sightings are joined to stretches of time.

In: items by time, and what a Get asks for. Out: all items in that order. Every order is total, so that pages neither
lose nor repeat an item.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from custodes.operations.video.commands import GetVideo
from custodes.operations.video.pages import VideoResults
from custodes.operations.video.ports import Item
from custodes.video.stretches import stretches

TIMESTAMP, TIMESTAMPS, SEGMENTS = "TIMESTAMP", "TIMESTAMPS", "SEGMENTS"
_KEYS: Mapping[str, Callable[[Item], Any]] = MappingProxyType(
    {
        TIMESTAMP: lambda item: item["t"],
        "NAME": lambda item: (item["k"], -item["c"], item["t"]),
        "ID": lambda item: (item["k"], item["t"]),
        "INDEX": lambda item: (item["x"], item["t"]),
    }
)


@dataclass(frozen=True, slots=True)
class Ordering:
    """API values."""

    sort_by: str
    aggregate_by: str

    @classmethod
    def of(cls, command: GetVideo) -> Ordering:
        """What ``command`` asks for, or the default."""
        return cls(command.sort_by or TIMESTAMP, command.aggregate_by or TIMESTAMPS)


BY_TIME = Ordering(TIMESTAMP, TIMESTAMPS)
"""As results were found."""


def ordered(found: VideoResults, ordering: Ordering) -> list[Item]:
    """All items; those of one key stay in the order in which they were found."""
    items = found.items
    if ordering.aggregate_by == SEGMENTS:
        duration_ms = 0 if found.facts is None else found.facts.duration_ms
        joined = stretches(((item["t"], item["k"], item["c"]) for item in items), found.samples_ms, duration_ms)
        items = [
            {
                **items[one.best],
                "t": one.start_ms,
                "start": one.start_ms,
                "end": one.end_ms,
                "c": one.confidence_pct,
            }
            for one in joined
        ]
    return sorted(items, key=_KEYS[ordering.sort_by])
