"""Faces grouped into proposed persons: what is alike beyond doubt is one group, what does not fit together is apart.

In: pairs that are alike, as ``neighbours`` gives them, and a way to look at single cosines. Out: groups of rows, each
with its weakest link. Nothing is merged for good here: a person decides, and sees first what holds a group together
least. Two steps: connected components of the pairs; then, within each, complete linkage: two parts become one only
while their two least alike faces are still alike by a laxer limit, so that a chain of look-alikes does not make one
person of two.

Source: complete linkage: Defays 1977, The Computer Journal 20 (4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.neighbours import AlikePairs

LARGEST = 4096
"""Rows of a component whose cosines are all looked at; of a larger one, parts of this size are told apart."""
Cosines = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""From K rows to their (K, K) margins: cosine minus the limit of the pair; not negative where they fit together."""


@dataclass(frozen=True, slots=True)
class FaceGroup:
    """Rows that are proposed to be one person, rising, and the pair within that is least alike."""

    rows: tuple[int, ...]
    weakest: tuple[int, int]


def components(pairs: Iterable[AlikePairs], count: int) -> list[NDArray[np.int64]]:
    """Rows of each connected component of more than one row, largest first. Memory: one number a row."""
    parent = np.arange(count)

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    for part in pairs:
        for one, other in zip(part.first.tolist(), part.second.tolist(), strict=True):
            first, second = root(one), root(other)
            if first != second:
                parent[max(first, second)] = min(first, second)
    roots = np.array([root(row) for row in range(count)], np.int64)
    order = np.argsort(roots, kind="stable")
    starts = np.flatnonzero(np.diff(roots[order], prepend=-1))
    parts = np.split(order, starts[1:]) if len(starts) else []
    return sorted((part for part in parts if len(part) > 1), key=lambda part: (-len(part), int(part[0])))


def groups(parts: Sequence[NDArray[np.int64]], margins: Cosines) -> list[FaceGroup]:
    """Groups within components, largest first."""
    found = []
    for part in parts:
        for start in range(0, len(part), LARGEST):
            rows = part[start : start + LARGEST]
            found += _split(rows, margins(rows))
    return sorted(found, key=lambda group: (-len(group.rows), group.rows[0]))


def _split(rows: NDArray[np.int64], margin: NDArray[np.float32]) -> list[FaceGroup]:
    """Complete linkage of one component while the margin of a union is not negative."""
    linked = margin.astype(np.float32, copy=True)
    np.fill_diagonal(linked, -np.inf)
    members: list[list[int]] = [[at] for at in range(len(rows))]
    best = linked.argmax(axis=1)
    score = linked[np.arange(len(rows)), best]
    while True:
        one = int(score.argmax())
        if not score[one] >= 0:
            break
        other = int(best[one])
        members[one] += members[other]
        members[other] = []
        linked[one] = linked[:, one] = np.minimum(linked[one], linked[other])
        linked[one, one] = -np.inf
        linked[other] = linked[:, other] = -np.inf
        score[other] = -np.inf
        stale = np.flatnonzero((best == one) | (best == other) | (np.arange(len(rows)) == one))
        best[stale] = linked[stale].argmax(axis=1)
        score[stale] = linked[stale, best[stale]]
    return [_group(rows, margin, sorted(one)) for one in members if len(one) > 1]


def _group(rows: NDArray[np.int64], margin: NDArray[np.float32], inside: list[int]) -> FaceGroup:
    part = margin[np.ix_(inside, inside)].copy()
    np.fill_diagonal(part, np.inf)
    one, other = divmod(int(part.argmin()), len(inside))
    weakest = sorted((int(rows[inside[one]]), int(rows[inside[other]])))
    return FaceGroup(tuple(int(rows[at]) for at in inside), (weakest[0], weakest[1]))
