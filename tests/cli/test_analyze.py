"""``custodes analyze``: pictures and folders to lines, JSON and copies with drawings."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.cli.output import NothingToDoError
from custodes.cli.pictures.analyze import expanded, shown, summary
from custodes.cli.pictures.annotate import FACE, LABEL, TEXT, WORN, annotated, remarks
from custodes.core.errors import InvalidParameterError
from tests.fakes.command import custodes

BOX = {"Left": 0.25, "Top": 0.5, "Width": 0.5, "Height": 0.25}
POLYGON = [{"X": 0.25, "Y": 0.5}, {"X": 0.75, "Y": 0.5}, {"X": 0.75, "Y": 0.75}, {"X": 0.25, "Y": 0.75}]
FACES = {"FaceDetails": [{"BoundingBox": BOX, "Confidence": 99.0, "Landmarks": [{"Type": "nose", "X": 0.5, "Y": 0.6}]}]}
LABELS = {
    "Labels": [
        {"Name": "Car", "Confidence": 90.0, "Instances": [{"BoundingBox": BOX, "Confidence": 90.0}]},
        {"Name": "Street", "Confidence": 70.0, "Instances": []},
    ]
}
WORDS = {
    "TextDetections": [
        {"Type": "LINE", "DetectedText": "HELLO", "Confidence": 98.0, "Geometry": {"Polygon": POLYGON}},
        {"Type": "WORD", "DetectedText": "HELLO", "Confidence": 98.0, "Geometry": {"Polygon": POLYGON}},
    ]
}


WORN_BY_ONE = {
    "Persons": [
        {
            "BoundingBox": BOX,
            "Confidence": 90.0,
            "BodyParts": [{"EquipmentDetections": [{"Type": "FACE_COVER", "BoundingBox": BOX, "Confidence": 80.0}]}],
        }
    ]
}
CONCERNS = {"ModerationLabels": [{"Name": "Weapons", "Confidence": 80.0}]}


def has(picture: PIL.Image.Image, colour: tuple[int, int, int], x: int, y: int) -> bool:
    """Whether the colour is within two pixels."""
    around = np.asarray(picture)[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3)
    return bool((np.abs(around.astype(int) - colour).sum(axis=1) < 12).any())


@pytest.mark.parametrize(
    ("answers", "colour"),
    [
        ({"DetectFaces": FACES}, FACE),
        ({"DetectLabels": LABELS}, LABEL),
        ({"DetectText": WORDS}, TEXT),
        ({"DetectProtectiveEquipment": WORN_BY_ONE}, WORN),
    ],
)
def test_boxes_are_drawn_where_they_are(answers: dict[str, Any], colour: tuple[int, int, int]) -> None:
    ground = PIL.Image.new("RGB", (400, 200), "white")
    drawn = annotated(ground, answers)
    assert has(drawn, colour, 300, 125) and has(drawn, colour, 200, 150), "right and lower edge"
    assert not has(drawn, colour, 380, 30)
    assert ground.getcolors() == [(400 * 200, (255, 255, 255))], "the picture itself is not changed"


def test_what_has_no_place_stands_below() -> None:
    ground = PIL.Image.new("RGB", (400, 200), "white")
    assert remarks({"DetectLabels": LABELS}) == ["Labels: Street 70 %"]
    assert annotated(ground, {"DetectLabels": LABELS}).height > 200
    assert annotated(ground, {"DetectFaces": FACES}).size == (400, 200)


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3)])
def test_any_size_can_be_drawn_on(size: tuple[int, int]) -> None:
    answers = {"DetectFaces": FACES, "DetectLabels": LABELS, "DetectText": WORDS}
    assert annotated(PIL.Image.new("RGB", size), answers).width == size[0]


def test_a_line_for_people() -> None:
    assert summary({"DetectFaces": FACES, "DetectLabels": LABELS, "DetectText": WORDS}) == [
        "1 face",
        "Car, Street",
        '"HELLO"',
    ]
    assert summary({"DetectFaces": {"FaceDetails": []}}) == ["no faces"]
    more = {"DetectModerationLabels": CONCERNS, "DetectProtectiveEquipment": WORN_BY_ONE}
    assert summary(more) == ["moderation: Weapons", "worn: face cover"]
    assert remarks(more) == ["Moderation: Weapons 80 %"]


def test_folders_are_their_pictures(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.png", "sub/a.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert list(expanded([tmp_path, tmp_path / "b.png"])) == [
        tmp_path / "b.png",
        tmp_path / "sub" / "a.jpg",
        tmp_path / "b.png",
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToDoError, match="no pictures"):
        list(expanded([tmp_path / "empty"]))


def test_what_is_hardly_sure_is_not_shown_unless_asked() -> None:
    """A portrait without text has been read as a Chinese character at 38 %."""
    line, word = WORDS["TextDetections"]
    guess = [{**line, "Id": 1, "Confidence": 38.0}, {**word, "Id": 2, "ParentId": 1, "Confidence": 90.0}]
    sure = [{**line, "Id": 3, "Confidence": 80.0}, {**word, "Id": 4, "ParentId": 3, "Confidence": 81.0}]
    answers = {"DetectText": {"TextDetections": [*guess, *sure]}, "DetectLabels": LABELS, "DetectFaces": FACES}
    assert [one["Id"] for one in shown(answers, None)["DetectText"]["TextDetections"]] == [3, 4]
    assert shown(answers, 0.0) == answers
    assert shown(answers, 75.0)["DetectLabels"]["Labels"] == LABELS["Labels"][:1]
    assert shown(answers, 95.0)["DetectFaces"] == FACES


def test_what_describes_a_finding_is_not_a_finding() -> None:
    face = {**FACES["FaceDetails"][0], "Emotions": [{"Type": "CALM", "Confidence": 3.0}]}
    answers = {"DetectFaces": {"FaceDetails": [face]}}
    assert shown(answers, None) == answers


@pytest.mark.models
def test_a_folder_from_end_to_end(model_pack: Path, tmp_path: Path) -> None:
    portrait = PIL.Image.fromarray(pytest.importorskip("skimage.data").astronaut())
    PIL.ImageDraw.Draw(portrait).text((300, 440), "HELLO", "white", PIL.ImageFont.load_default(60))
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    portrait.save(folder / "ann.png")
    (folder / "bad.jpg").write_bytes(b"not a picture")
    variables = {**os.environ, "CUSTODES_THREADS": "1"}
    asked = ["analyze", folder, "--json", "--what", "faces", "--what", "text", "--out", out]
    done = custodes(*asked, variables=variables)
    assert done.returncode == 3, done.stderr
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first.keys() == {"path", "DetectFaces", "DetectText"}
    assert len(first["DetectFaces"]["FaceDetails"][0]["Landmarks"]) == 30
    assert "HELLO" in {found["DetectedText"] for found in first["DetectText"]["TextDetections"]}
    assert second.keys() == {"path", "error"}
    assert sorted(path.name for path in out.iterdir()) == ["ann.png"]
    assert not np.array_equal(np.asarray(PIL.Image.open(out / "ann.png")), np.asarray(portrait))


def test_copies_never_overwrite(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    refused = CliRunner().invoke(app, ["analyze", str(tmp_path), "--out", str(tmp_path)])
    assert isinstance(refused.exception, InvalidParameterError)
    assert "copies go elsewhere" in refused.exception.message
    assert (tmp_path / "a.png").read_bytes() == b"x"
