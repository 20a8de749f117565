"""A search whose result two persons have to confirm: what ``custodes search`` says and draws of it."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest

from custodes.cli.faces.search import FoundFaces, draw_matches, print_matches, shown_matches
from custodes.deployment.networks.scores import SHIPPED

TOKEN = "sealed:5f0c2a7e:name:0:9a41"
SEALED = {"FaceMatches": [{"Similarity": 99.5, "Face": {"FaceId": "0", "ExternalImageId": TOKEN}}]}
OPEN = {"FaceMatches": [{"Similarity": 99.5, "Face": {"FaceId": "0", "ExternalImageId": "ann"}}]}


def test_it_says_with_which_commands_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    found = FoundFaces("people", 10, SEALED, {}, SHIPPED)
    assert found.review == "5f0c2a7e"
    print_matches(found, 80.0, shown_matches(found))
    told = capsys.readouterr().err
    for verb in ("show", "confirm", "reject", "release"):
        assert f"`custodes review {verb} 5f0c2a7e`" in told


def test_an_open_result_has_no_review(capsys: pytest.CaptureFixture[str]) -> None:
    found = FoundFaces("people", None, OPEN, {}, SHIPPED)
    assert found.review is None
    print_matches(found, 80.0, shown_matches(found))
    assert "review" not in capsys.readouterr().err


def test_a_sheet_of_a_held_result_is_drawn_without_boxes_and_photos(tmp_path: Path) -> None:
    photo = tmp_path / "query.png"
    PIL.Image.new("RGB", (100, 100), "white").save(photo)
    draw_matches(tmp_path / "sheet.png", photo, FoundFaces("people", 10, SEALED, {}, SHIPPED))
    with PIL.Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 300
