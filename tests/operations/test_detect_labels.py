"""DetectLabels over a scripted engine: which labels are told, which members they have, what is refused and recorded."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from custodes.core.errors import ImageFormatError, InvalidParameterError, NotSupportedError
from custodes.operations.images.engines import ImageEngines
from tests.fakes.engine import picture
from tests.fakes.live import running
from tests.fakes.sight import LABELS, ScriptedLabels, sight

IMAGE = picture(width=400, height=300)


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    from custodes.gallery.exact import BruteForceIndex
    from custodes.gallery.gallery import IndexedGallery
    from tests.fakes.engine import SquareEngine
    from tests.fakes.gallery import MemoryGalleryStore

    gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    finder = ScriptedLabels()
    with running(
        tmp_path_factory.mktemp("labels") / "data", engine=SquareEngine(), gallery=gallery, sight=sight(finder)
    ) as server:
        yield server.client(), finder


def names(answer):
    return [label["Name"] for label in answer["Labels"]]


def detect(live, **params):
    return live[0].detect_labels(Image={"Bytes": IMAGE}, **params)


def test_a_label_has_every_member(live):
    answer = detect(live, MinConfidence=0)
    assert answer["LabelModelVersion"] == "3.0"
    assert "ImageProperties" not in answer
    car = answer["Labels"][2]
    assert car == {
        "Name": "Car",
        "Confidence": 95.0,
        "Instances": [
            {
                "BoundingBox": {
                    "Left": pytest.approx(0.1),
                    "Top": pytest.approx(0.1),
                    "Width": pytest.approx(0.2),
                    "Height": pytest.approx(0.2),
                },
                "Confidence": 91.0,
            }
        ],
        "Parents": [{"Name": "Vehicle"}, {"Name": "Transportation"}],
        "Aliases": [{"Name": "Automobile"}],
        "Categories": [{"Name": "Vehicles and Automotive"}],
    }
    assert answer["Labels"][0]["Parents"] == answer["Labels"][0]["Instances"] == []


def test_55_percent_unless_asked_otherwise_and_at_most_1000(live):
    assert names(detect(live)) == ["Transportation", "Vehicle", "Car", "Person"]
    assert len(detect(live, MinConfidence=0, MaxLabels=5000)["Labels"]) == len(LABELS)
    assert names(detect(live, MinConfidence=95)) == ["Transportation", "Vehicle", "Car"], "the limit itself counts"
    assert names(detect(live, MaxLabels=2)) == ["Transportation", "Vehicle"]
    assert names(detect(live, MaxLabels=0)) == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"LabelInclusionFilters": ["Car", "Nobody Knows It"]}, ["Car"]),
        ({"LabelInclusionFilters": ["Automobile"]}, []),
        ({"LabelCategoryInclusionFilters": ["Person Description"]}, ["Person"]),
        (
            {"LabelInclusionFilters": ["Car"], "LabelCategoryInclusionFilters": ["Person Description"]},
            ["Car", "Person"],
        ),
        ({"LabelExclusionFilters": ["Car", "Vehicle"]}, ["Transportation", "Person"]),
        ({"LabelCategoryExclusionFilters": ["Vehicles and Automotive"]}, ["Person"]),
        ({"LabelInclusionFilters": ["Car", "Person"], "LabelExclusionFilters": ["Car"]}, ["Person"]),
        ({"LabelInclusionFilters": []}, ["Transportation", "Vehicle", "Car", "Person"]),
    ],
)
def test_filters(live, filters, expected):
    assert names(detect(live, Settings={"GeneralLabels": filters})) == expected


def test_filters_come_before_the_number(live):
    settings = {"GeneralLabels": {"LabelExclusionFilters": ["Transportation", "Vehicle"]}}
    assert names(detect(live, Settings=settings, MaxLabels=1)) == ["Car"]


def test_looks_alone_and_with_labels(live):
    alone = detect(live, Features=["IMAGE_PROPERTIES"])
    assert alone["Labels"] == []
    looks = alone["ImageProperties"]
    assert looks["Quality"] == {"Brightness": 50.0, "Sharpness": 70.0, "Contrast": 30.0}
    assert looks["DominantColors"][0] == {
        "Red": 200, "Green": 10, "Blue": 20, "HexCode": "#c80a14", "CSSColor": "crimson", "SimplifiedColor": "red",
        "PixelPercent": 60.0,
    }  # fmt: skip
    assert looks["Foreground"].keys() == looks["Background"].keys() == {"Quality", "DominantColors"}
    both = detect(live, Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"])
    assert both["Labels"][2]["Instances"][0]["DominantColors"][0]["CSSColor"] == "crimson"


def test_number_of_colours(live):
    settings = {"ImageProperties": {"MaxDominantColors": 1}}
    assert len(detect(live, Features=["IMAGE_PROPERTIES"], Settings=settings)["ImageProperties"]["DominantColors"]) == 1
    assert live[1].asked[-1].max_colours == 1
    detect(live, Features=["IMAGE_PROPERTIES"])
    assert live[1].asked[-1].max_colours == 10
    with pytest.raises(live[0].exceptions.InvalidParameterException):
        detect(live, Settings={"ImageProperties": {"MaxDominantColors": 21}})


def test_no_foreground_is_absent(live):
    live[1].foreground, before = None, live[1].foreground
    try:
        assert "Foreground" not in detect(live, Features=["IMAGE_PROPERTIES"])["ImageProperties"]
    finally:
        live[1].foreground = before


@pytest.mark.parametrize("limit", [{"MaxLabels": 1}, {"MinConfidence": 10}])
def test_limits_on_labels_need_labels(live, limit):
    with pytest.raises(live[0].exceptions.InvalidParameterException, match="GENERAL_LABELS"):
        detect(live, Features=["IMAGE_PROPERTIES"], **limit)


@pytest.mark.parametrize(
    "bad",
    [
        {"Features": ["EVERYTHING"]},
        {"MinConfidence": 101},
        {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["a"] * 101}}},
        {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["a" * 51]}}},
        {"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES", "GENERAL_LABELS"]},
    ],
)
def test_what_the_model_forbids(live, bad):
    with pytest.raises(live[0].exceptions.InvalidParameterException):
        detect(live, **bad)


def test_too_long_a_side_is_told_with_both(server):
    out = io.BytesIO()
    PIL.Image.fromarray(np.zeros((100, 10_001), np.uint8)).save(out, "PNG")
    with pytest.raises(InvalidParameterError, match="10001 x 100 exceed maximum dimension size of 10000"):
        server.call("DetectLabels", Image={"Bytes": out.getvalue()})


def test_units_and_features_are_recorded(server):
    server.call("DetectLabels", Image={"Bytes": IMAGE}, Features=["IMAGE_PROPERTIES"])
    assert server.recorder.outcomes[-1].images == 1
    assert server.policy.intents[-1].facts["features"] == ["IMAGE_PROPERTIES"]
    server.call("DetectLabels", Image={"Bytes": IMAGE})
    assert server.recorder.outcomes[-1].counts["labels_detected"] == 4
    with pytest.raises(ImageFormatError):
        server.call("DetectLabels", Image={"Bytes": b"not a picture"})
    assert server.recorder.outcomes[-1].images == 0


def test_a_server_without_the_networks_says_so():
    with pytest.raises(NotSupportedError, match="labels"):
        ImageEngines().labels()
