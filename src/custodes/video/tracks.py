"""Who is who over time: boxes of single samples joined to tracks, one for each person.

In: samples a fraction of a second apart, each with boxes and, where a face was seen, its vector; whether a cut lies
between. Out: an index for each box, in order of birth. Position (overlap with where constant motion leads) and face
vectors together decide; after a cut, faces alone. It sees no pictures. The state goes into a checkpoint and back.

A name for a track comes from all its sightings, each counting by its area: one blurred frame names nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from custodes.core.box import BoxRatio
from custodes.video.segments.signature import Float

MAX_LOST_MS = 3_000
"""A person out of sight for longer is a new one, unless the face says otherwise."""
MAX_REMEMBERED_MS = 60_000
"""For so long a face finds its old track again."""
_POSITION_WEIGHT, _FACE_WEIGHT = 0.6, 0.4
_NEAR_SIDES = 1.5
"""How many times its own size a box may have moved in half a second and still be the same by position."""
_SAMPLE_MS = 500
_EDGE = 0.01
"""Share of the picture; boxes end a few pixels before its edge."""
_MAX_PIECE, _MIN_INSIDE = 0.02, 0.8
"""Area of a piece of a body as a share of the picture, and how much of it lies in the box of the whole."""
_PICTURE = BoxRatio(0.0, 0.0, 1.0, 1.0)
_VECTOR_SHARE = 0.3
"""Of the newest vector in a track's running mean."""


SAME_PCT, DIFFERENT_PCT = 90.0, 30.0
"""Similarities from which two vectors are one person's, and up to which they are two persons'."""
Alike = Callable[[Float, Float], float]
"""How alike two faces are by their vectors, 0 to 100, on the published scale."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A person in one sample: the box that is tracked, and the face's unit vector, (D,) float32, where it was seen."""

    box: BoxRatio
    vector: Float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One person so far. ``velocity`` is of the box's centre, in ratios of the picture per second."""

    index: int
    box: BoxRatio
    ts_ms: int
    velocity: tuple[float, float] = (0.0, 0.0)
    vector: Float | None = None

    def expected(self, ts_ms: int) -> BoxRatio:
        """Where the box is at ``ts_ms`` if nothing changes its motion."""
        seconds = min(ts_ms - self.ts_ms, MAX_LOST_MS) / 1000
        dx, dy = self.velocity
        return replace(self.box, left=self.box.left + dx * seconds, top=self.box.top + dy * seconds)


@dataclass(slots=True)
class Tracker:
    """Joins samples in order of time."""

    alike: Alike
    born: int = 0
    tracks: list[Track] = field(default_factory=list)

    def step(self, ts_ms: int, sightings: Sequence[Sighting], *, cut: bool = False) -> tuple[int, ...]:
        """Indexes of the tracks that ``sightings`` belong to, in their order.

        Args:
            ts_ms: time of the sample, later than that of the last one.
            sightings: in no particular order; new persons get their indexes in this order.
            cut: between the last sample and this one the picture changed as a whole.
        """
        self.tracks = [one for one in self.tracks if ts_ms - one.ts_ms <= self._patience(one)]
        pairs = []
        for at, sighting in enumerate(sightings):
            for track in self.tracks:
                cost = self._cost(track, sighting, ts_ms, cut)
                if cost is not None:
                    pairs.append((cost, at, track.index))
        taken: dict[int, int] = {}
        for _, at, index in sorted(pairs):
            if at not in taken and index not in taken.values():
                taken[at] = index
        found = []
        for at, sighting in enumerate(sightings):
            if at not in taken:
                taken[at] = self.born
                self.born += 1
            found.append(taken[at])
            self._seen(taken[at], sighting, ts_ms)
        return tuple(found)

    def _patience(self, track: Track) -> int:
        return MAX_LOST_MS if track.vector is None else MAX_REMEMBERED_MS

    def _cost(self, track: Track, sighting: Sighting, ts_ms: int, cut: bool) -> float | None:
        """Lower is more alike; None where they cannot be one person."""
        pct = None
        if track.vector is not None and sighting.vector is not None:
            pct = self.alike(track.vector, sighting.vector)
        if pct is not None and pct <= DIFFERENT_PCT:
            return None
        known = pct is not None and pct >= SAME_PCT
        elapsed_ms = ts_ms - track.ts_ms
        expected = track.expected(ts_ms)
        placed = not cut and elapsed_ms <= MAX_LOST_MS and is_near(expected, sighting.box, elapsed_ms)
        if not placed and not known:
            return None
        position = 1 - overlap(expected, sighting.box) if placed else 1.0
        face = 0.5 if pct is None else 1 - pct / 100
        return _POSITION_WEIGHT * position + _FACE_WEIGHT * face

    def _seen(self, index: int, sighting: Sighting, ts_ms: int) -> None:
        old = next((one for one in self.tracks if one.index == index), None)
        self.tracks = [one for one in self.tracks if one.index != index]
        if old is None:
            self.tracks.append(Track(index, sighting.box, ts_ms, vector=sighting.vector))
            return
        seconds = max(1, ts_ms - old.ts_ms) / 1000
        (x1, y1), (x2, y2) = _centre(old.box), _centre(sighting.box)
        moved = ((x2 - x1) / seconds, (y2 - y1) / seconds) if seconds * 1000 <= MAX_LOST_MS else (0.0, 0.0)
        self.tracks.append(Track(index, sighting.box, ts_ms, moved, _mean(old.vector, sighting.vector)))


def overlap(one: BoxRatio, other: BoxRatio) -> float:
    """Intersection over union, 0 to 1."""
    both = _shared(one, other)
    union = one.width * one.height + other.width * other.height - both
    return both / union if union > 0 else 0.0


def _shared(one: BoxRatio, other: BoxRatio) -> float:
    """Area of both, in shares of the picture."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    return max(0.0, width) * max(0.0, height)


def is_near(expected: BoxRatio, seen: BoxRatio, elapsed_ms: int) -> bool:
    """Whether a box may have come from where it was expected: about as large, and not far away for the time.

    What comes into the picture or leaves it is seen in part, so that a box at the edge may be of any size.
    """
    smaller, larger = sorted((expected, seen), key=lambda box: box.width * box.height)
    if smaller.width * smaller.height * 6 < larger.width * larger.height and not is_at_edge(smaller):
        return False
    (x1, y1), (x2, y2) = _centre(expected), _centre(seen)
    reach = _NEAR_SIDES * max(1.0, elapsed_ms / _SAMPLE_MS) ** 0.5
    across, down = reach * max(expected.width, seen.width), reach * max(expected.height, seen.height)
    return bool(abs(x2 - x1) <= across and abs(y2 - y1) <= down)


def is_piece(box: BoxRatio, others: Sequence[BoxRatio]) -> bool:
    """Whether a small box at the picture's edge is a piece of one of ``others``: an arm of who is coming in, say."""
    area = _shared(box, _PICTURE)
    if area > _MAX_PIECE or not is_at_edge(box):
        return False
    return any(
        _shared(other, _PICTURE) > area and _shared(box, other) >= _MIN_INSIDE * area
        for other in others
        if other is not box
    )


def is_at_edge(box: BoxRatio) -> bool:
    """Whether a box touches the edge of the picture."""
    return min(box.left, box.top) <= _EDGE or box.left + box.width >= 1 - _EDGE or box.top + box.height >= 1 - _EDGE


@dataclass(slots=True)
class NameVote:
    """Which names a track's sightings speak for, each by its area.

    Attributes:
        area: of all sightings with a vector, in shares of the picture.
        sightings: how many these are.
        names: for each name the area and the number of sightings that matched it, and the highest similarity.
    """

    area: float = 0.0
    sightings: int = 0
    names: dict[str, tuple[float, int, float]] = field(default_factory=dict)

    def add(self, area: float, matched: Mapping[str, float]) -> None:
        """One sighting: ``matched`` are names with similarities, 0 to 100."""
        self.area += area
        self.sightings += 1
        for name, similarity_pct in matched.items():
            before, count, best = self.names.get(name, (0.0, 0, 0.0))
            self.names[name] = (before + area * similarity_pct / 100, count + 1, max(best, similarity_pct))

    def winners(self) -> dict[str, float]:
        """Names with at least a quarter of the area behind them and, of three or more sightings, two of them.

        Each has its highest similarity, 0 to 100.
        """
        least = 2 if self.sightings >= 3 else 1
        return {
            name: best
            for name, (area, count, best) in self.names.items()
            if count >= least and area >= 0.25 * self.area
        }


def _centre(box: BoxRatio) -> tuple[float, float]:
    return box.left + box.width / 2, box.top + box.height / 2


def _mean(old: Float | None, new: Float | None) -> Float | None:
    if old is None or new is None:
        return new if old is None else old
    mixed = (1 - _VECTOR_SHARE) * old + _VECTOR_SHARE * new
    return np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-12), np.float32)
