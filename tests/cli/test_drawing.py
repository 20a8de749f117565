"""Pictures for people: colours that judge, captions that can be read and lie beside each other."""

from __future__ import annotations

import itertools

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.cli.pictures.annotate import annotated, confidence
from custodes.cli.pictures.captions import Caption, arrange
from custodes.cli.pictures.drawing import COLOURS, MatchSheet, Tile, contact_sheet, side_by_side
from custodes.cli.pictures.likeness import LikenessVerdict, verdict
from custodes.cli.pictures.typeface import Typeface

BOX = {"Left": 0.25, "Top": 0.25, "Width": 0.5, "Height": 0.5}
GREEN = COLOURS[LikenessVerdict.LIKELY]


def count(picture: PIL.Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(picture) == colour).all(axis=2).sum())


def pair(similarity: float) -> PIL.Image.Image:
    tile = Tile(PIL.Image.new("RGB", (300, 300), "white"), BOX, ("a.jpg",), verdict(similarity))
    return side_by_side(tile, tile, ("title", "explanation"))


@pytest.mark.parametrize("similarity", [0.0, 50.0, 79.0, 98.9])
def test_strangers_are_never_framed_in_green(similarity: float) -> None:
    drawn = pair(similarity)
    assert count(drawn, GREEN) == 0
    assert count(drawn, COLOURS[verdict(similarity)]) > 1000
    assert count(pair(99.5), GREEN) > 1000


def test_the_face_searched_for_stands_apart_from_its_matches() -> None:
    query = Tile(PIL.Image.new("RGB", (50, 50), (1, 2, 3)), None, ("query.jpg",))
    found = Tile(PIL.Image.new("RGB", (50, 50), (200, 2, 3)), BOX, ("99 % Ann",), LikenessVerdict.LIKELY)
    drawn = np.asarray(contact_sheet(query, MatchSheet("people", (found,) * 9)))
    queries = np.argwhere((drawn == (1, 2, 3)).all(axis=2))
    matches = np.argwhere((drawn == (200, 2, 3)).all(axis=2))
    assert queries[:, 1].max() + 40 < matches[:, 1].min()
    assert contact_sheet(query, MatchSheet("people", ())).width > 300


@pytest.mark.parametrize(
    "text", ["Zoë Ångström", "Жук Їжак", "Ωμέγα", "李明 漢字 汉字", "カナ ひらがな", "한국어", "Tiếng Việt"]
)
def test_the_letters_of_many_scripts_are_drawn_as_they_are(text: str) -> None:
    assert Typeface.load().legible(text) == text


def test_other_letters_are_written_in_latin_ones() -> None:
    assert Typeface.load().legible("سلام\nनमस्ते ไทย") == "slm nmste aithy"


def test_each_script_has_letters_of_its_own() -> None:
    """A typeface without them would draw the same empty box for all."""
    typeface, shapes = Typeface.load(), set()
    for letter in "aЖΩ漢カ한ễ":
        field = PIL.Image.new("L", (60, 60))
        typeface.draw(PIL.ImageDraw.Draw(field), (5, 5), letter, 30, (255,))
        assert field.getbbox() is not None
        shapes.add(field.tobytes())
    assert len(shapes) == 7


def test_letters_of_two_scripts_stand_on_one_line_and_text_is_cut_to_its_width() -> None:
    typeface = Typeface.load()
    both = typeface.length_px("Ann 李明", 20)
    assert both == pytest.approx(typeface.length_px("Ann ", 20) + typeface.length_px("李明", 20), abs=6)
    cut = typeface.fitted("a long name of 李明 and others", 20, 120)
    assert cut.endswith("...")
    assert typeface.length_px(cut, 20) <= 120


@settings(max_examples=50)
@given(
    boxes=st.lists(
        st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(1, 300), st.integers(1, 300)), max_size=25
    )
)
def test_no_caption_covers_another_and_none_is_lost(boxes: list[tuple[int, int, int, int]]) -> None:
    captions = [Caption(str(n), (90, 20), (x, y, x + w, y + h), GREEN) for n, (x, y, w, h) in enumerate(boxes)]
    placed, left_over = arrange(captions, 600, 600)
    for one, other in itertools.combinations([it.place for it in placed], 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    assert all(it.place[0] >= 0 and it.place[2] <= 600 and it.place[1] >= 0 and it.place[3] <= 600 for it in placed)
    assert sorted(it.caption.text for it in placed) + sorted(it.text for it in left_over) != [] or not boxes
    assert {it.caption.text for it in placed} | {it.text for it in left_over} == {it.text for it in captions}


def test_lines_grow_with_the_picture() -> None:
    answers = {"DetectFaces": {"FaceDetails": [{"BoundingBox": BOX, "Confidence": 99.0, "Landmarks": []}]}}

    def width(side: int) -> int:
        row = np.asarray(annotated(PIL.Image.new("RGB", (side, side), "white"), answers))[side // 2]
        return int((row[: side // 2] != 255).any(axis=1).sum())

    assert width(3000) >= 3 * width(600)


def test_confidence_is_not_rounded_up_to_certainty() -> None:
    assert [confidence(value) for value in (38.4, 99.4, 99.96, 100.0)] == ["38 %", "99 %", "over 99 %", "100 %"]
