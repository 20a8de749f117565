"""Which detected face of a picture is which enrolled one, told by their boxes.

In: boxes found now and faces enrolled from the same bytes before. Out: pairs. Detection of the same bytes is
deterministic up to rounding, and two faces that a detector reports apart never overlap as much as asked for here.
"""

from __future__ import annotations

from collections.abc import Sequence

from custodes.core.box import BoxRatio
from custodes.gallery.entities import Face

# Far above what non-maximum suppression lets stand side by side, far below what rounding does to a box.
_SAME_OVERLAP = 0.8


def overlap(a: BoxRatio, b: BoxRatio) -> float:
    """Intersection over union, 0 to 1; 0 for boxes without area."""
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    shared = max(0.0, width) * max(0.0, height)
    union = a.width * a.height + b.width * b.height - shared
    return shared / union if union > 0 else 0.0


def by_box(boxes: Sequence[BoxRatio], faces: Sequence[Face]) -> dict[int, Face]:
    """The enrolled face of each box that has one, by index of the box."""
    matched: dict[int, Face] = {}
    for index, box in enumerate(boxes):
        best = max(faces, key=lambda face: overlap(box, face.box_ratio), default=None)
        if best is not None and overlap(box, best.box_ratio) >= _SAME_OVERLAP:
            matched[index] = best
    return matched
