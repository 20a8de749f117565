"""What a line of a manifest teaches. In: an entry and the labels that are trained. Out: a lesson for the engine."""

from __future__ import annotations

from collections.abc import Sequence

from custodes.core.box import BoxPx
from custodes.engine.results.custom import Lesson
from custodes.projects.manifest import Entry


def lesson_of(entry: Entry, names: Sequence[str]) -> Lesson:
    """What a line teaches about ``names``."""
    boxes = tuple(
        (box.name, BoxPx(box.left, box.top, box.left + box.width, box.top + box.height))
        for box in entry.boxes
        if box.name in names
    )
    return Lesson(tuple(name for name in entry.names if name in names), boxes)
