"""The four searches."""

from __future__ import annotations

import pytest

from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.engine.results.face import VectorUse
from tests.fakes.engine import BLURRED, Square, picture

GONE = "12345678-1234-4123-8123-123456789012"
ON = {"CollectionId": "people"}


def shot(who: int, angle: float = 0.0, **place: int) -> bytes:
    return picture(Square(who, angle, **place))


@pytest.fixture
def people(server):
    """Three shots of person 1 (0, 20, 60 degrees), one of person 2; users ann (1) and bob (2) with their faces."""
    server.collection()
    server.faces = [server.enrol(shot(1, angle))[0] for angle in (0, 20, 60)] + server.enrol(shot(2))
    for user, faces in (("ann", server.faces[:2]), ("bob", server.faces[3:])):
        server.call("CreateUser", **ON, UserId=user)
        server.call("AssociateFaces", **ON, UserId=user, FaceIds=faces)
    server.engine.uses.clear()
    return server


def ids(answer):
    return [match["Face"]["FaceId"] for match in answer["FaceMatches"]]


def users(answer):
    return [match["User"]["UserId"] for match in answer["UserMatches"]]


def test_search_faces_excludes_the_face_asked_for(people):
    answer = people.call("SearchFaces", **ON, FaceId=people.faces[0])
    assert answer["SearchedFaceId"] == people.faces[0]
    assert answer["FaceModelVersion"] == "1.0"
    assert ids(answer) == [people.faces[1]], "60 degrees is 75 percent, below the default of 80"
    assert answer["FaceMatches"][0]["Similarity"] == pytest.approx(96.98, abs=0.2)
    assert answer["FaceMatches"][0]["Face"]["UserId"] == "ann"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"FaceMatchThreshold": 0}, [1, 2, 3]),
        ({"FaceMatchThreshold": 50}, [1, 2, 3]),
        ({"FaceMatchThreshold": 50.01}, [1, 2]),
        ({"FaceMatchThreshold": 99.9}, []),
        ({"FaceMatchThreshold": 0, "MaxFaces": 1}, [1]),
        ({"FaceMatchThreshold": 0, "MaxFaces": 2}, [1, 2]),
    ],
)
def test_search_faces_threshold_and_maximum(people, params, expected):
    answer = people.call("SearchFaces", **ON, FaceId=people.faces[0], **params)
    assert ids(answer) == [people.faces[at] for at in expected]


def test_ties_are_in_order_of_enrolment(server):
    server.collection()
    faces = [server.enrol(shot(1), ExternalImageId=str(i))[0] for i in range(4)]
    assert ids(server.call("SearchFaces", **ON, FaceId=faces[2])) == [faces[0], faces[1], faces[3]]
    # The query is among the ties, so the one left out by MaxFaces must be another.
    assert ids(server.call("SearchFaces", **ON, FaceId=faces[3], MaxFaces=3)) == faces[:3]
    assert ids(server.call("SearchFaces", **ON, FaceId=faces[3], MaxFaces=2)) == faces[:2]


@pytest.mark.parametrize("operation", ["SearchFaces", "SearchUsers"])
def test_an_unknown_face(people, operation):
    with pytest.raises(InvalidParameterError) as refusal:
        people.call(operation, **ON, FaceId=GONE)
    assert refusal.value.message == "faceId was not found in the collection."


def test_a_deleted_face_is_unknown_and_unfound(people):
    people.call("DeleteFaces", **ON, FaceIds=[people.faces[2]])
    with pytest.raises(InvalidParameterError):
        people.call("SearchFaces", **ON, FaceId=people.faces[2])
    assert people.faces[2] not in ids(people.call("SearchFaces", **ON, FaceId=people.faces[0], FaceMatchThreshold=0))


def test_search_by_image_takes_the_largest_face(people):
    image = picture(Square(2, side=30), Square(1, 5, left=100, top=30, side=90))
    answer = people.call("SearchFacesByImage", **ON, Image={"Bytes": image})
    assert ids(answer) == people.faces[:2]
    assert answer["SearchedFaceBoundingBox"] == {"Left": 0.25, "Top": 0.1, "Width": 0.225, "Height": 0.3}
    assert answer["SearchedFaceConfidence"] == 99.5
    assert people.engine.uses == [VectorUse.QUERY]
    assert ids(people.call("SearchFacesByImage", **ON, Image={"Bytes": image}, MaxFaces=1)) == people.faces[:1]


@pytest.mark.parametrize(
    ("image", "params"), [(picture(), {}), (shot(1, blue=BLURRED), {"QualityFilter": "AUTO"})], ids=["none", "poor"]
)
def test_search_faces_by_image_needs_a_face(people, image, params):
    with pytest.raises(InvalidParameterError) as refusal:
        people.call("SearchFacesByImage", **ON, Image={"Bytes": image}, **params)
    assert refusal.value.message == "There are no faces in the image. Should be at least 1."


def test_the_filter_is_off_by_default(people):
    poor = shot(1, blue=BLURRED)
    assert ids(people.call("SearchFacesByImage", **ON, Image={"Bytes": poor})) == people.faces[:2]


def test_an_empty_collection_gives_no_matches(server):
    server.collection()
    answer = server.call("SearchFacesByImage", **ON, Image={"Bytes": shot(1)})
    assert answer["FaceMatches"] == []
    assert "SearchedFaceBoundingBox" in answer
    answer = server.call("SearchUsersByImage", **ON, Image={"Bytes": shot(1)})
    assert (answer["UserMatches"], answer["UnsearchedFaces"]) == ([], [])


def test_search_users_by_user_excludes_it(people):
    answer = people.call("SearchUsers", **ON, UserId="ann", UserMatchThreshold=0)
    assert answer["SearchedUser"] == {"UserId": "ann"}
    assert "SearchedFace" not in answer
    assert users(answer) == ["bob"]
    assert answer["UserMatches"][0]["User"] == {"UserId": "bob", "UserStatus": "ACTIVE"}
    assert users(people.call("SearchUsers", **ON, UserId="ann", UserMatchThreshold=0, MaxUsers=1)) == ["bob"]


def test_search_users_by_face_includes_its_own_user(people):
    answer = people.call("SearchUsers", **ON, FaceId=people.faces[0])
    assert answer["SearchedFace"] == {"FaceId": people.faces[0]}
    assert "SearchedUser" not in answer
    assert users(answer) == ["ann"]
    assert users(people.call("SearchUsers", **ON, FaceId=people.faces[0], UserMatchThreshold=0)) == ["ann", "bob"]


@pytest.mark.parametrize("params", [{}, {"UserId": "ann", "FaceId": GONE}], ids=["none", "both"])
def test_search_users_needs_exactly_one_of_user_and_face(people, params):
    with pytest.raises(InvalidParameterError, match="exactly one of UserId and FaceId"):
        people.call("SearchUsers", **ON, **params)


def test_an_unknown_user(people):
    with pytest.raises(NotFoundError):
        people.call("SearchUsers", **ON, UserId="nobody")


def test_a_user_without_faces_matches_nobody_and_is_matched_by_nobody(people):
    people.call("CreateUser", **ON, UserId="new")
    assert people.call("SearchUsers", **ON, UserId="new", UserMatchThreshold=0)["UserMatches"] == []
    assert "new" not in users(people.call("SearchUsers", **ON, UserId="ann", UserMatchThreshold=0))


def test_search_users_by_image(people):
    image = picture(
        Square(3, left=10, side=40),
        Square(2, left=100, side=60, blue=BLURRED),
        Square(1, 10, left=200, side=50),
    )
    answer = people.call("SearchUsersByImage", **ON, Image={"Bytes": image}, QualityFilter="AUTO")
    assert users(answer) == ["ann"]
    assert answer["UserMatches"][0]["Similarity"] == pytest.approx(100, abs=0.1)
    assert answer["SearchedFace"]["FaceDetail"]["BoundingBox"]["Width"] == 50 / 400
    assert [(face["FaceDetails"]["BoundingBox"]["Width"], face["Reasons"]) for face in answer["UnsearchedFaces"]] == [
        (60 / 400, ["LOW_SHARPNESS"]),
        (40 / 400, ["FACE_NOT_LARGEST"]),
    ]


def test_search_users_by_image_without_a_face_is_no_error(people):
    answer = people.call("SearchUsersByImage", **ON, Image={"Bytes": picture()})
    assert answer == {"UserMatches": [], "UnsearchedFaces": [], "FaceModelVersion": "1.0"}
    poor = people.call("SearchUsersByImage", **ON, Image={"Bytes": shot(1, blue=BLURRED)}, QualityFilter="LOW")
    assert "SearchedFace" not in poor
    assert [face["Reasons"] for face in poor["UnsearchedFaces"]] == [["LOW_SHARPNESS"]]
