"""Real networks on a real page: a printed page photographed, which scikit-image ships, straight and turned."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot, SlotClosedError
from custodes.engine.results.text import TextFound
from custodes.engine.text.assembly import open_text_engine
from custodes.engine.text.pipeline import TextPipeline
from custodes.imaging.image import Image
from custodes.models.store import ModelStore

pytestmark = pytest.mark.models

PAGE = [
    "Region-based segmentation",
    "Let us first determine markers of the coins and the",
    "background. These markers are pixels that we can label",
    "unambiguously as either object or background. Here,",
    "the markers are found at the two extreme parts of the",
    "histogram of grey values:",
]


@pytest.fixture(scope="module")
def engine(model_pack: Path) -> TextPipeline:
    return open_text_engine(ModelStore(model_pack), Device.CPU, 1)


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    grey = pytest.importorskip("skimage.data").page()
    return np.repeat(grey[:145, :, None], 3, axis=2)


def read(engine: TextPipeline, rgb: np.ndarray) -> TextFound:
    return engine.read(Slot(0, RequestId("1")), _image(rgb))


def _image(rgb: np.ndarray) -> Image:
    return Image(np.ascontiguousarray(rgb), sha256=b"")


def test_a_page_is_read_in_order(engine: TextPipeline, page: np.ndarray) -> None:
    found = read(engine, page)
    assert [line.text for line in found.lines] == PAGE
    assert all(word.confidence_pct > 80 for line in found.lines for word in line.words)


def test_words_lie_where_they_are(engine: TextPipeline, page: np.ndarray) -> None:
    heading = read(engine, page).lines[0].words
    # By eye: "Region-based" ends before x = 148, "segmentation" begins after x = 148.
    assert heading[0].quad.box_px.x2 < 150 < heading[1].quad.box_px.x1 + 4
    assert all(-2 <= word.quad.box_px.y1 < word.quad.box_px.y2 <= 45 for word in heading)


@pytest.mark.parametrize(("quarters", "begins"), [(1, (0, 1)), (2, (1, 1)), (3, (1, 0))])
def test_a_turned_page_is_read_and_its_corners_turn_with_it(
    engine: TextPipeline, page: np.ndarray, quarters: int, begins: tuple[int, int]
) -> None:
    turned = np.rot90(page, quarters)
    found = read(engine, turned)
    assert {line.text for line in found.lines} == set(PAGE)
    longest = next(line for line in found.lines if line.text == PAGE[2])
    x, y = longest.quad.points[0]
    near = (x > turned.shape[1] / 2, y > turned.shape[0] / 2)
    assert near == tuple(bool(each) for each in begins)


def test_a_slanted_page_is_read(engine: TextPipeline, page: np.ndarray) -> None:
    framed = cv2.copyMakeBorder(page, 150, 150, 60, 60, cv2.BORDER_CONSTANT, value=(225, 225, 225))
    centre = (framed.shape[1] / 2, framed.shape[0] / 2)
    slanted = cv2.warpAffine(framed, cv2.getRotationMatrix2D(centre, 30, 1), framed.shape[1::-1], flags=cv2.INTER_CUBIC)
    words = {word.text for line in read(engine, slanted).lines for word in line.words}
    wanted = {word for line in PAGE for word in line.split()}
    assert len(words & wanted) >= 0.9 * len(wanted)


@pytest.mark.parametrize("shape", [(80, 80), (80, 3000), (3000, 80), (1200, 1600)])
def test_nothing_is_read_where_nothing_is(engine: TextPipeline, shape: tuple[int, int]) -> None:
    assert read(engine, np.full((*shape, 3), 128, np.uint8)).lines == ()


def test_it_reads_only_while_the_gate_is_open(engine: TextPipeline, page: np.ndarray) -> None:
    slot = Slot(0, RequestId("1"))
    slot.close()
    with pytest.raises(SlotClosedError):
        engine.read(slot, _image(page))


@pytest.mark.parametrize("text", ["1 2 3 4", "A B C", "7 8 9", "12 34 56"])
@pytest.mark.parametrize("dark", [True, False])
def test_spaces_between_single_symbols_are_seen(engine: TextPipeline, text: str, dark: bool) -> None:
    ink, paper = ((20, 20, 20), 235) if dark else ((240, 240, 240), 40)
    drawn = np.full((200, 640, 3), paper, np.uint8)
    cv2.putText(drawn, text, (60, 120), cv2.FONT_HERSHEY_SIMPLEX, 2.0, ink, 5, cv2.LINE_AA)
    [line] = read(engine, drawn).lines
    assert line.text == text
    assert all(word.confidence_pct > 80 for word in line.words)
