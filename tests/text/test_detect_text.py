"""DetectText over HTTP with predictable text: shapes, ids, filters, errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custodes.core.errors import UnavailableError
from custodes.deployment.networks.engines import open_text
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.settings import Settings
from tests.fakes.engine import SquareEngine, picture
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import running
from tests.fakes.text import ScriptedText

IMAGE = {"Bytes": picture(width=400, height=100)}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    stand_ins = {"engine": SquareEngine(), "gallery": gallery, "text": ScriptedText()}
    with running(tmp_path_factory.mktemp("text") / "data", **stand_ins) as server:
        yield server.client()


def texts_of(client: Any, **filters: Any) -> list[str]:
    answer = client.detect_text(Image=IMAGE, **({"Filters": filters} if filters else {}))
    return [each["DetectedText"] for each in answer["TextDetections"]]


def test_lines_first_then_words_with_their_lines(client: Any) -> None:
    answer = client.detect_text(Image=IMAGE)
    found = answer["TextDetections"]
    assert [each["Type"] for each in found] == ["LINE", "LINE", "WORD", "WORD", "WORD"]
    assert [each["Id"] for each in found] == [0, 1, 2, 3, 4]
    assert [each.get("ParentId") for each in found] == [None, None, 0, 0, 1]
    assert [each["DetectedText"] for each in found] == ["HELLO WORLD", "again", "HELLO", "WORLD", "again"]
    assert found[0]["Confidence"] == pytest.approx(92)
    assert answer["TextModelVersion"] == "3.0"


def test_places_are_ratios(client: Any) -> None:
    geometry = client.detect_text(Image=IMAGE)["TextDetections"][0]["Geometry"]
    box = {name: round(value, 6) for name, value in geometry["BoundingBox"].items()}
    assert box == {"Left": 0.025, "Top": 0.1, "Width": 0.225, "Height": 0.2}
    corners = [(round(point["X"], 6), round(point["Y"], 6)) for point in geometry["Polygon"]]
    assert corners == [(0.025, 0.1), (0.25, 0.1), (0.25, 0.3), (0.025, 0.3)]


def test_a_word_filter_asks_for_80_percent_unless_it_says_otherwise(client: Any) -> None:
    assert texts_of(client, WordFilter={}) == ["HELLO WORLD", "again", "HELLO", "WORLD", "again"]
    assert texts_of(client, WordFilter={"MinConfidence": 90}) == ["HELLO", "again", "HELLO", "again"]
    assert texts_of(client, WordFilter={"MinConfidence": 0, "MinBoundingBoxHeight": 0.3}) == []


def test_regions_are_boxes_or_polygons(client: Any) -> None:
    box = {"BoundingBox": {"Left": 0, "Top": 0.3, "Width": 1, "Height": 0.7}}
    assert texts_of(client, RegionsOfInterest=[box]) == ["again", "again"]
    polygon = {"Polygon": [{"X": 0, "Y": 0}, {"X": 0.13, "Y": 0}, {"X": 0.13, "Y": 0.35}, {"X": 0, "Y": 0.35}]}
    assert texts_of(client, RegionsOfInterest=[polygon]) == ["HELLO", "HELLO"]


@pytest.mark.parametrize(
    "region",
    [
        {},
        {"Polygon": [{"X": 0, "Y": 0}, {"X": 1, "Y": 0}]},
        {"Polygon": [{"X": 0, "Y": 0}] * 3, "BoundingBox": {"Left": 0, "Top": 0, "Width": 1, "Height": 1}},
        {"Polygon": [{"X": 0, "Y": 0}] * 11},
    ],
)
def test_a_region_that_is_none_is_refused(client: Any, region: dict[str, Any]) -> None:
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.detect_text(Image=IMAGE, Filters={"RegionsOfInterest": [region]})


def test_more_than_ten_regions_are_refused(client: Any) -> None:
    box = {"BoundingBox": {"Left": 0, "Top": 0, "Width": 1, "Height": 1}}
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.detect_text(Image=IMAGE, Filters={"RegionsOfInterest": [box] * 11})


def test_missing_networks_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="custodes models fetch ppocr"):
        open_text(Settings(models=tmp_path))
