"""DetectFaces and CompareFaces."""

from __future__ import annotations

import pytest

from custodes.core.errors import InvalidParameterError
from custodes.engine.results.face import Trait, VectorUse
from custodes.operations.requests.gate import Allow
from tests.fakes.engine import BLURRED, Square, picture

BASIC = {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
EVERYTHING = {
    *("AgeRange", "Gender", "Smile", "Emotions", "Eyeglasses", "Sunglasses", "Beard", "Mustache"),
    *("FaceOccluded", "EyesOpen", "MouthOpen", "EyeDirection"),
}


def detect(server, data, **params):
    return server.call("DetectFaces", Image={"Bytes": data}, **params)["FaceDetails"]


def test_boxes_are_ratios_of_the_picture_largest_first(server):
    small, large = Square(1, left=20, top=30, side=40), Square(2, left=100, top=60, side=90)
    details = detect(server, picture(small, large, width=400, height=300))
    assert [d["BoundingBox"] for d in details] == [
        {"Left": 0.25, "Top": 0.2, "Width": 0.225, "Height": 0.3},
        {"Left": 0.05, "Top": 0.1, "Width": 0.1, "Height": pytest.approx(40 / 300)},
    ]
    assert details[0]["Landmarks"][1] == {"Type": "eyeRight", "X": 101 / 400, "Y": 0.2}
    assert details[0]["Pose"] == {"Yaw": 1.0, "Pitch": -2.0, "Roll": 3.0}
    assert details[0]["Confidence"] == 99.5


def test_no_face_is_an_empty_list(server):
    assert detect(server, picture()) == []


@pytest.mark.parametrize(
    ("attributes", "more", "landmarks"),
    [
        (None, set(), 5),
        (["DEFAULT"], set(), 5),
        (["ALL"], EVERYTHING, 7),
        (["ALL", "DEFAULT"], EVERYTHING, 7),
        (["EYES_OPEN"], {"EyesOpen"}, 5),
        (["DEFAULT", "MOUTH_OPEN", "EYE_DIRECTION"], {"MouthOpen", "EyeDirection"}, 5),
        (["AGE_RANGE", "SMILE"], {"AgeRange", "Smile"}, 5),
        (["GENDER", "EMOTIONS"], {"Gender", "Emotions"}, 5),
        (["FACE_OCCLUDED"], {"FaceOccluded"}, 5),
        (["BEARD", "MUSTACHE", "EYEGLASSES", "SUNGLASSES"], {"Beard", "Mustache", "Eyeglasses", "Sunglasses"}, 5),
    ],
)
def test_members_follow_the_attributes(server, attributes, more, landmarks):
    params = {} if attributes is None else {"Attributes": attributes}
    (detail,) = detect(server, picture(Square(1)), **params)
    assert detail.keys() == BASIC | more
    assert len(detail["Landmarks"]) == landmarks
    # Programs index into them, so the order is the one that the service's guide prints.
    order = ["eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose", "leftPupil", "chinBottom"]
    assert [point["Type"] for point in detail["Landmarks"]] == order[:landmarks]
    if "EyesOpen" in more:
        assert detail["EyesOpen"] == {"Value": True, "Confidence": 90.0}
    if "AgeRange" in more:
        assert detail["AgeRange"] == {"Low": 25, "High": 35}
        assert detail["Smile"] == {"Value": True, "Confidence": 96.0}
    if "Gender" in more:
        assert detail["Gender"] == {"Value": "Female", "Confidence": 97.0}
        assert detail["Emotions"] == [{"Type": "HAPPY", "Confidence": 90.0}, {"Type": "CALM", "Confidence": 10.0}]
    if "EyeDirection" in more:
        assert detail["EyeDirection"] == {"Yaw": 4.0, "Pitch": 5.0, "Confidence": 70.0}


def test_only_what_is_asked_for_is_described(server):
    detect(server, picture(Square(1)), Attributes=["GENDER", "EYES_OPEN"])
    detect(server, picture(Square(1)))
    assert server.engine.traits == [{Trait.GENDER}, frozenset()]


@pytest.mark.parametrize("asked", [["ALL"], ["GENDER", "SMILE"]])
def test_what_a_rule_withholds_is_neither_computed_nor_told(server, asked):
    server.policy.decision = Allow("some-rule", withheld=frozenset({"AGE_RANGE", "GENDER", "EMOTIONS"}))
    (detail,) = detect(server, picture(Square(1)), Attributes=asked)
    assert "Smile" in detail
    assert not {"AgeRange", "Gender", "Emotions"} & detail.keys()
    server.collection()
    server.enrol(picture(Square(2)), DetectionAttributes=asked)
    for computed in server.engine.traits:
        assert not {Trait.AGE_RANGE, Trait.GENDER, Trait.EMOTIONS} & computed


def compare(server, source, target, **params):
    return server.call("CompareFaces", SourceImage={"Bytes": source}, TargetImage={"Bytes": target}, **params)


def test_largest_source_face_against_all_target_faces(server):
    source = picture(Square(1, side=90), Square(2, left=200, side=40))
    target = picture(Square(1, 30, side=50), Square(1, 10, left=100, side=60), Square(2, left=200, side=40))
    answer = compare(server, source, target, SimilarityThreshold=90)
    assert answer["SourceImageFace"]["BoundingBox"]["Width"] == 90 / 400
    assert answer["SourceImageFace"].keys() == {"BoundingBox", "Confidence"}
    assert [match["Face"]["BoundingBox"]["Width"] for match in answer["FaceMatches"]] == [60 / 400, 50 / 400]
    similarities = [match["Similarity"] for match in answer["FaceMatches"]]
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[0] == pytest.approx(50 * (1 + 0.985), abs=0.1)
    assert [face["BoundingBox"]["Width"] for face in answer["UnmatchedFaces"]] == [40 / 400]
    assert answer["UnmatchedFaces"][0].keys() == BASIC
    assert server.recorder.outcomes[-1].images == 1


def test_default_threshold_is_80_and_thresholds_include_their_value(server):
    source, target = picture(Square(1)), picture(Square(1, 60), Square(1, 45, left=100))
    answer = compare(server, source, target)  # cos 60 is 75 percent, cos 45 is 85
    assert [round(match["Similarity"]) for match in answer["FaceMatches"]] == [85]
    exact = picture(Square(2))  # orthogonal: cosine 0, exactly 50 percent
    assert len(compare(server, source, exact, SimilarityThreshold=50)["FaceMatches"]) == 1
    assert len(compare(server, source, exact, SimilarityThreshold=50.001)["FaceMatches"]) == 0
    assert len(compare(server, source, exact, SimilarityThreshold=0)["FaceMatches"]) == 1


def test_the_same_picture_matches_at_100(server):
    same = picture(Square(3))
    assert compare(server, same, same, SimilarityThreshold=100)["FaceMatches"][0]["Similarity"] == 100


def test_equal_similarities_stay_largest_first(server):
    target = picture(Square(1, side=30), Square(2, left=100, side=50), Square(3, left=200, side=40))
    widths = [
        match["Face"]["BoundingBox"]["Width"] * 400
        for match in compare(server, picture(Square(4)), target, SimilarityThreshold=10)["FaceMatches"]
    ]
    assert widths == pytest.approx([50, 40, 30])


@pytest.mark.parametrize(
    ("source", "target", "quality", "which"),
    [
        (picture(), picture(Square(1)), "NONE", "source"),
        (picture(Square(1)), picture(), "NONE", "target"),
        (picture(Square(1, blue=BLURRED)), picture(Square(1)), "AUTO", "source"),
        (picture(Square(1)), picture(Square(1, blue=BLURRED)), "LOW", "target"),
    ],
)
def test_a_face_is_needed_on_both_sides(server, source, target, quality, which):
    with pytest.raises(InvalidParameterError, match=f"no faces in the {which} image"):
        compare(server, source, target, QualityFilter=quality)


def test_the_filter_is_off_by_default_and_drops_poor_targets(server):
    target = picture(Square(1, blue=BLURRED), Square(2, left=100))
    assert len(compare(server, picture(Square(1)), target)["FaceMatches"]) == 1
    filtered = compare(server, picture(Square(1)), target, QualityFilter="AUTO")
    assert (len(filtered["FaceMatches"]), len(filtered["UnmatchedFaces"])) == (0, 1)


def test_both_sides_are_seen_as_an_enrolment_is(server):
    compare(server, picture(Square(1)), picture(Square(1), Square(2, left=100)))
    assert server.engine.uses == [VectorUse.ENROL] * 3
