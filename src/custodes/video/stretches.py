"""Single sightings of a label joined to stretches of time (API: AggregateBy SEGMENTS).

In: when each name was seen and how surely. Out: stretches. A stretch goes on over one sample without the name; it ends
where the first sample without it begins, or with the video. The confidence of a stretch is the highest in it, as the
API's own examples have it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class NamedStretch(Generic[K]):
    """A name from ``start_ms`` to ``end_ms``; ``best`` is the position of the surest sighting in the input."""

    name: K
    start_ms: int
    end_ms: int
    confidence_pct: float
    best: int


def stretches(
    sightings: Iterable[tuple[int, K, float]], samples_ms: Sequence[int], duration_ms: int
) -> tuple[NamedStretch[K], ...]:
    """Stretches by start, then by first sighting.

    Args:
        sightings: (time of a sample, name, confidence in percent).
        samples_ms: times of all samples in rising order.
        duration_ms: of the video.
    """
    position = {ts_ms: at for at, ts_ms in enumerate(samples_ms)}
    seen: dict[K, list[tuple[int, float, int]]] = {}
    for number, (ts_ms, name, confidence) in enumerate(sightings):
        seen.setdefault(name, []).append((position[ts_ms], confidence, number))
    found: list[NamedStretch[K]] = []
    for name, times in seen.items():
        times.sort(key=lambda one: one[0])
        run = [times[0]]
        for one in times[1:]:
            if one[0] - run[-1][0] > 2:
                found.append(_stretch(name, run, samples_ms, duration_ms))
                run = []
            run.append(one)
        found.append(_stretch(name, run, samples_ms, duration_ms))
    return tuple(sorted(found, key=lambda one: (one.start_ms, one.best)))


def _stretch(
    name: K, run: list[tuple[int, float, int]], samples_ms: Sequence[int], duration_ms: int
) -> NamedStretch[K]:
    after = run[-1][0] + 1
    end_ms = samples_ms[after] if after < len(samples_ms) else max(duration_ms, samples_ms[-1])
    best = max(run, key=lambda one: one[1])
    return NamedStretch(name, samples_ms[run[0][0]], end_ms, best[1], best[2])
