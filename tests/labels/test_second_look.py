"""Nothing explicit is said on one look alone, nor of a picture that a face fills. Both networks are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from custodes.engine.faces.detection.detect import centerface
from custodes.engine.labels.boxes import Boxes
from custodes.engine.moderation.second_look import SecondLook

EXPLICIT = [1, 3]


class Faces:
    """A face network that sees one face of ``share`` of the picture's sides, or none."""

    def __init__(self, share: float) -> None:
        self.share = share

    def run(self, feeds):
        height, width = (side // 4 for side in feeds["rgb"].shape[2:])
        heat, size = np.zeros((1, 1, height, width), np.float32), np.zeros((1, 2, height, width), np.float32)
        if self.share:
            heat[0, 0, height // 2, width // 2] = 0.9
            size[0, :, height // 2, width // 2] = np.log([height * self.share, width * self.share])
        rest = np.zeros((1, 2, height, width), np.float32), np.zeros((1, 10, height, width), np.float32)
        return dict(zip(("heatmap", "scale", "offset", "landmarks"), (heat, size, *rest), strict=True))


def person(share: float = 0.5, score: float = 0.9) -> Boxes:
    """One person who takes ``share`` of ``PICTURE``."""
    place = np.array([[0, 0, 160, 200 * share]], np.float32)
    return Boxes(place, np.array([0]), np.array([score], np.float32))


def look(face_share: float, *shares: float, seen: Boxes | None = None) -> tuple[SecondLook, list[float]]:
    """A second look whose classifier answers with ``shares`` in turn, and the answers that are left."""
    left = list(shares)

    def classes(planes):
        row = np.zeros((len(planes), 5), np.float32)
        row[0, 3] = left.pop(0)
        return row

    return SecondLook(classes, centerface(Faces(face_share)), lambda _: person() if seen is None else seen, 224), left


PICTURE = np.full((200, 160, 3), 128, np.uint8)


def test_a_picture_that_a_face_fills_is_never_explicit():
    second, left = look(0.6, 0.99, 0.99, 0.99)
    assert second.confirmed(PICTURE, 0.97, EXPLICIT) == 0.0
    assert len(left) == 3, "no further look is needed"


def test_what_other_framings_do_not_bear_out_is_not_said():
    second, _ = look(0.0, 0.2, 0.05, 0.1)
    assert second.confirmed(PICTURE, 0.94, EXPLICIT) < 0.5


@pytest.mark.parametrize("face_share", [0.0, 0.2])
def test_what_every_framing_bears_out_is_said_with_no_more_than_the_first_looks_confidence(face_share):
    second, left = look(face_share, 0.99, 0.97, 0.98)
    assert 0.85 < second.confirmed(PICTURE, 0.95, EXPLICIT) <= 0.95
    assert not left


@pytest.mark.parametrize(
    "seen",
    [
        Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.intp), np.zeros(0, np.float32)),
        person(share=0.05),
        person(score=0.3),
        Boxes(person().places, np.array([20]), person().scores),
    ],
    ids=["nothing", "somebody far away", "hardly a person", "an elephant"],
)
def test_nothing_explicit_is_said_where_nobody_is(seen):
    second, left = look(0.0, 0.99, 0.99, 0.99, seen=seen)
    assert second.confirmed(PICTURE, 0.97, EXPLICIT) == 0.0
    assert len(left) == 3, "no further look is needed"


def test_doubtful_looks_do_not_add_up_to_a_finding():
    second, _ = look(0.0, 0.7, 0.65, 0.7)
    assert second.confirmed(PICTURE, 0.7, EXPLICIT) < 0.5


def test_ordinary_pictures_cost_no_second_look():
    second, left = look(0.9, 0.5)
    assert second.confirmed(PICTURE, 0.1, EXPLICIT) == 0.1
    assert left == [0.5]
