"""Labelled pictures, as lines of a manifest.

In: pictures with labels of the whole, or labelled boxes in pixels. Out: what the API takes. Who reads annotations is
``annotations``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATE = "2026-01-01T00:00:00"

Box = tuple[str, float, float, float, float]
"""Label, left, top, width, height, in pixels."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: labels of the whole, or boxes in a picture of ``size``."""

    path: Path
    names: tuple[str, ...] = ()
    boxes: tuple[Box, ...] | None = None
    size: tuple[int, int] = (0, 0)

    def line(self, source: str) -> dict[str, Any]:
        """As a line of a manifest that names the picture as ``source``."""
        found: dict[str, Any] = {"source-ref": source}
        if self.boxes is None:
            for number, name in enumerate(self.names):
                found[f"label-{number}"] = number
                kind = _about("groundtruth/image-classification")
                found[f"label-{number}-metadata"] = {"class-name": name, "confidence": 1, **kind}
            return found
        names = list(dict.fromkeys(box[0] for box in self.boxes))
        sides = ("left", "top", "width", "height")
        found["boxes"] = {
            "image_size": [{"width": self.size[0], "height": self.size[1], "depth": 3}],
            "annotations": [
                {"class_id": names.index(box[0]), **dict(zip(sides, box[1:], strict=True))} for box in self.boxes
            ],
        }
        found["boxes-metadata"] = {
            "objects": [{"confidence": 1} for _ in self.boxes],
            "class-map": {str(number): name for number, name in enumerate(names)},
            **_about("groundtruth/object-detection"),
        }
        return found


def _about(kind: str) -> dict[str, str]:
    return {"type": kind, "human-annotated": "yes", "creation-date": _DATE, "job-name": "custodes-labels"}
