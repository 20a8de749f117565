"""Which entries become test data: a fifth of each label's, always the same ones.

In: labels of each entry. Out: places of the chosen ones. It draws nothing and reads nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

SHARE = 0.2
MIN_ENTRIES_A_LABEL = 2
"""A label with one entry cannot be both learnt and tested."""


def test_places(labels: Sequence[frozenset[str]]) -> list[int]:
    """Places of a fifth of ``labels``, so that every label has about a fifth of its entries among them.

    Rare labels choose first. No label loses its last entry; entries without labels are a group of their own.
    """
    groups = [found or frozenset({""}) for found in labels]
    counts = Counter(name for found in groups for name in found)
    wanted = {name: max(1, math.floor(count * SHARE + 0.5)) if count > 1 else 0 for name, count in counts.items()}
    left = Counter(counts)
    chosen: set[int] = set()
    for name in sorted(counts, key=lambda each: (counts[each], each)):
        places = [place for place, found in enumerate(groups) if name in found]
        missing = wanted[name] - sum(place in chosen for place in places)
        # Evenly over the list: what was filmed one after the other is alike.
        for place in _evenly([place for place in places if place not in chosen], missing):
            if all(left[each] > 1 for each in groups[place]):
                chosen.add(place)
                left.subtract(groups[place])
    return sorted(chosen)


def _evenly(places: Sequence[int], count: int) -> list[int]:
    """``count`` of ``places`` at even distances first, then the others, in case some cannot be taken."""
    if count <= 0 or not places:
        return []
    step = len(places) / count
    return [places[min(len(places) - 1, int(step * (i + 0.5)))] for i in range(min(count, len(places)))]
