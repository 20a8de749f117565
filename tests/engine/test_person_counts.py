"""How many persons a picture has, by boxes that are given."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from custodes.core.box import BoxPx
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.equipment.body_points import POINTS, BodyPoints
from custodes.engine.equipment.pipeline import EquipmentPipeline, EquipmentSteps
from custodes.engine.labels.boxes import Boxes
from custodes.engine.labels.pipeline import confidence_pct
from custodes.imaging.image import Image

PICTURE = Image(np.full((100, 200, 3), 120, np.uint8), b"")
PERSON, DOG = 0, 16


class Given:
    """Stands for the detectors and for the body network, which sees nothing."""

    def __init__(self, scores: list[float], classes: list[int]) -> None:
        order = np.argsort(-np.array(scores), kind="stable")
        places = np.tile(np.float32([10, 10, 40, 90]), (len(scores), 1))
        self.boxes = Boxes(places, np.array(classes, np.intp)[order], np.array(scores, np.float32)[order])

    def detect(self, rgb: NDArray[np.uint8]) -> Boxes:
        return self.boxes

    def read(self, rgb: NDArray[np.uint8], person: BoxPx) -> BodyPoints:
        return BodyPoints(np.zeros((POINTS, 2), np.float32), np.zeros(POINTS, np.float32))


def counted(scores: list[float], classes: list[int] | None = None) -> tuple[int, int]:
    """How many there are, and how many are told."""
    seen = cast(Any, Given(scores, classes or [PERSON] * len(scores)))
    steps = EquipmentSteps(seen, *[cast(Any, None)] * 4, seen)
    found = EquipmentPipeline(steps).bodies(Slot(1, RequestId("r")), PICTURE, 20)
    return found.count, len(found.persons)


def test_many_unlikely_persons_count_as_some_and_are_not_told():
    assert confidence_pct(0.4) == pytest.approx(26, abs=1)
    assert counted([0.4] * 8) == (2, 0)
    assert counted([0.4] * 8, [DOG] * 8) == (0, 0)
    assert counted([0.95, 0.95]) == (2, 2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_never_fewer_than_are_told_nor_more_than_there_are_boxes(scores: list[float]):
    count, told = counted(scores)
    assert told <= count <= len(scores)
