"""Pictures from which only those faces can be enrolled that were enrolled before, whoever else is in them.

In: an API, a picture, boxes of the faces that are wanted. Out: the picture, other people painted over where they would
be taken first, and how many faces to take. Nobody who was not in the collection is ever put into it, not for a moment:
the server's own detector says, before anything is enrolled, which faces will be taken.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import PIL.Image
import PIL.ImageDraw

from custodes.cli.client.api import ApiClient
from custodes.cli.pictures.photo import fitting
from custodes.core.box import BoxRatio, Size
from custodes.core.errors import InvalidParameterError
from custodes.imaging.image import decode
from custodes.operations.collections.same_face import overlap

SAME_OVERLAP = 0.3
"""Two detectors draw the box of one face differently, but not elsewhere."""
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class ChosenFaces:
    """A picture whose ``count`` largest faces are the wanted ones; 0 for none of them."""

    photo: bytes
    count: int


def chosen_faces(api: ApiClient, photo: bytes, wanted: Sequence[BoxRatio]) -> ChosenFaces:
    """``photo`` made so that the ``wanted`` are its largest faces.

    Raises:
        InvalidParameterError: somebody else's face cannot be kept apart from theirs.
        CustodesError: the server refuses the picture.
    """
    for _ in range(_ROUNDS):
        found = _largest_first(api.call("DetectFaces", Image={"Bytes": photo})["FaceDetails"])
        theirs = pairs(wanted, found)
        others = [box for at, box in enumerate(found) if at not in theirs.values()]
        count = len(theirs)
        if not count or not others or ({*theirs.values()} == {*range(count)} and _is_larger(found, count)):
            return ChosenFaces(photo, count)
        photo = _painted_over(photo, others)
    raise InvalidParameterError("the face of somebody else cannot be kept apart from the one that is moved")


def pairs(wanted: Sequence[BoxRatio], found: Sequence[BoxRatio]) -> dict[int, int]:
    """Which of ``found`` each of ``wanted`` is, those that are one."""
    free, matched = dict(enumerate(found)), {}
    for at, box in enumerate(wanted):
        best = max(free, key=lambda other: overlap(free[other], box), default=None)
        if best is not None and overlap(free[best], box) >= SAME_OVERLAP:
            matched[at] = best
            free.pop(best)
    return matched


def ratio(members: Mapping[str, float]) -> BoxRatio:
    """A box of the API."""
    return BoxRatio(members["Left"], members["Top"], members["Width"], members["Height"])


def _largest_first(details: Sequence[Mapping[str, Any]]) -> list[BoxRatio]:
    boxes = [ratio(detail["BoundingBox"]) for detail in details]
    return sorted(boxes, key=lambda box: -box.width * box.height)


def _is_larger(found: Sequence[BoxRatio], count: int) -> bool:
    """Whether the last of the first ``count`` is larger than the next, so that nothing hangs on how ties are broken."""
    areas = [box.width * box.height for box in found]
    return areas[count - 1] > areas[count]


def _painted_over(photo: bytes, others: Sequence[BoxRatio]) -> bytes:
    picture = PIL.Image.fromarray(decode(photo).rgb)
    drawing = PIL.ImageDraw.Draw(picture)
    for box in others:
        px = box.to_px(Size(picture.width, picture.height))
        drawing.rectangle((px.x1, px.y1, px.x2, px.y2), fill=(0, 0, 0))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return fitting(out.getvalue())
