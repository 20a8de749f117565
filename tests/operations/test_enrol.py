"""IndexFaces, ListFaces, DeleteFaces."""

from __future__ import annotations

import re
import threading

import pytest

from custodes.core.errors import InvalidParameterError, PaginationTokenError, UnavailableError
from custodes.core.ids import AccountId, CollectionId, ModelVersion
from custodes.engine.results.face import VectorUse
from custodes.gallery.entities import CollectionKey
from tests.fakes.engine import BLURRED, DARK_AND_BLURRED, Square, picture

TWO = picture(Square(1, side=40), Square(2, left=100, side=60))
ACCOUNT = AccountId("123456789012")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def index(server, data, collection="people", **params):
    return server.call("IndexFaces", CollectionId=collection, Image={"Bytes": data}, **params)


def listed(server, **params):
    return server.call("ListFaces", CollectionId="people", **params)["Faces"]


@pytest.fixture
def people(server):
    server.collection()
    return server


def test_faces_are_enrolled_largest_first(people):
    answer = index(people, TWO, ExternalImageId="photo:1")
    assert answer["UnindexedFaces"] == []
    assert answer["FaceModelVersion"] == "1.0"
    widths = [record["Face"]["BoundingBox"]["Width"] * 400 for record in answer["FaceRecords"]]
    assert widths == pytest.approx([60, 40])
    for record in answer["FaceRecords"]:
        face = record["Face"]
        assert UUID.fullmatch(face["FaceId"])
        assert UUID.fullmatch(face["ImageId"])
        assert face["ExternalImageId"] == "photo:1"
        assert face["IndexFacesModelVersion"] == "1.0"
        assert "UserId" not in face
        assert record["FaceDetail"]["BoundingBox"] == face["BoundingBox"]
    assert len({record["Face"]["ImageId"] for record in answer["FaceRecords"]}) == 1
    assert listed(people) == [record["Face"] for record in answer["FaceRecords"]]
    assert people.engine.uses == [VectorUse.ENROL] * 2


def test_no_face_is_an_empty_answer(people):
    answer = index(people, picture())
    assert answer == {"FaceRecords": [], "UnindexedFaces": [], "FaceModelVersion": "1.0"}


def test_the_same_picture_again_adds_nothing(people):
    first, again = index(people, TWO, ExternalImageId="a"), index(people, TWO, ExternalImageId="a")
    assert again == first
    assert len(listed(people)) == 2
    assert people.engine.uses == [VectorUse.ENROL] * 2, "and is not embedded again"
    assert people.recorder.outcomes[1].counts == {"faces_detected": 2, "faces_enrolled": 2}
    assert people.recorder.outcomes[2].counts == {"faces_detected": 2}


def test_nothing_is_enrolled_before_the_permission_is_durable(people):
    there, embedded = [], []

    def look() -> None:
        there.append(people.gallery.outline(CollectionKey(ACCOUNT, CollectionId("people"))).face_count)
        embedded.append(len(people.engine.uses))

    people.recorder.on_wait = look
    index(people, TWO)
    assert (there[0], embedded[0]) == (0, 2), "what computes did not wait for it"

    def fail() -> None:
        raise UnavailableError("the ledger cannot be written")

    people.recorder.on_wait = fail
    with pytest.raises(UnavailableError):
        index(people, TWO, ExternalImageId="other")
    assert len(listed(people)) == 2


def test_another_external_id_is_another_picture(people):
    ids = [
        (face["FaceId"], face["ImageId"])
        for params in ({}, {"ExternalImageId": "a"}, {"ExternalImageId": "b"})
        for face in (record["Face"] for record in index(people, TWO, **params)["FaceRecords"])
    ]
    assert len({face for face, _ in ids}) == 6
    assert len({image for _, image in ids}) == 3


def test_image_ids_depend_on_content_only(people):
    people.collection("others")
    first, second = index(people, TWO), index(people, TWO, collection="others")
    assert first["FaceRecords"][0]["Face"]["ImageId"] == second["FaceRecords"][0]["Face"]["ImageId"]


def test_faces_missing_from_an_indexed_picture_are_added(people):
    (largest,) = index(people, TWO, MaxFaces=1)["FaceRecords"]
    both = index(people, TWO)["FaceRecords"]
    assert both[0] == largest
    assert len(listed(people)) == 2
    people.call("DeleteFaces", CollectionId="people", FaceIds=[largest["Face"]["FaceId"]])
    healed = index(people, TWO)["FaceRecords"]
    assert healed[1]["Face"] == both[1]["Face"]
    assert healed[0]["Face"]["FaceId"] != largest["Face"]["FaceId"], "a deleted face's id never comes back"


def test_the_same_picture_at_the_same_time_is_enrolled_once(people):
    answers, barrier = [], threading.Barrier(8)

    def work():
        barrier.wait()
        answers.append(index(people, TWO))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)
    assert len(listed(people)) == 2


POOR = picture(
    Square(1, side=90, blue=BLURRED),
    Square(2, left=110, side=60),
    Square(3, left=200, side=50),
    Square(4, left=300, side=40, blue=DARK_AND_BLURRED),
)


@pytest.mark.parametrize(
    ("params", "taken", "reasons"),
    [
        ({}, [60, 50], [["LOW_SHARPNESS"], ["LOW_BRIGHTNESS", "LOW_SHARPNESS"]]),
        ({"QualityFilter": "NONE"}, [90, 60, 50, 40], []),
        ({"MaxFaces": 1}, [60], [["LOW_SHARPNESS"], ["EXCEEDS_MAX_FACES"], ["LOW_BRIGHTNESS", "LOW_SHARPNESS"]]),
        ({"MaxFaces": 2, "QualityFilter": "NONE"}, [60, 50], [["EXCEEDS_MAX_FACES"]] * 2),
        ({"MaxFaces": 1000}, [60, 50], [["LOW_SHARPNESS"], ["LOW_BRIGHTNESS", "LOW_SHARPNESS"]]),
    ],
)
def test_filter_and_maximum(people, params, taken, reasons):
    answer = index(people, POOR, **params)
    widths = [record["Face"]["BoundingBox"]["Width"] * 400 for record in answer["FaceRecords"]]
    assert widths == pytest.approx(taken)
    assert [unindexed["Reasons"] for unindexed in answer["UnindexedFaces"]] == reasons
    assert all("BoundingBox" in unindexed["FaceDetail"] for unindexed in answer["UnindexedFaces"])
    assert len(listed(people)) == len(taken)


def test_attributes(people):
    (record,) = index(people, picture(Square(1)), DetectionAttributes=["ALL"])["FaceRecords"]
    assert len(record["FaceDetail"]["Landmarks"]) == 7
    assert "EyesOpen" in record["FaceDetail"]
    assert "Landmarks" not in record["Face"]


def test_versions_are_never_mixed(people):
    people.engine.model_version = ModelVersion("2.0")
    for operation in ("IndexFaces", "SearchFacesByImage", "SearchUsersByImage"):
        with pytest.raises(InvalidParameterError, match=r"version 1\.0.*version 2\.0"):
            people.call(operation, CollectionId="people", Image={"Bytes": TWO})
    with pytest.raises(InvalidParameterError, match=r"version 1\.0.*version 2\.0"):
        people.call("SearchFaces", CollectionId="people", FaceId="12345678-1234-4123-8123-123456789012")
    assert people.engine.details == []
    assert people.call("ListFaces", CollectionId="people")["FaceModelVersion"] == "1.0"


def test_list_pages_and_filters(people):
    ids = [people.enrol(picture(Square(who)))[0] for who in range(1, 6)]
    people.call("CreateUser", CollectionId="people", UserId="ann")
    people.call("AssociateFaces", CollectionId="people", UserId="ann", FaceIds=ids[1:3], UserMatchThreshold=0)
    anns = listed(people, UserId="ann")
    assert [face["FaceId"] for face in anns] == ids[1:3]
    assert {face["UserId"] for face in anns} == {"ann"}
    assert [face["FaceId"] for face in listed(people, FaceIds=[ids[4], ids[0]])] == [ids[0], ids[4]]
    assert listed(people, UserId="nobody") == []
    seen, token = [], {}
    for _ in range(3):
        page = people.call("ListFaces", CollectionId="people", MaxResults=2, **token)
        seen += [face["FaceId"] for face in page["Faces"]]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert (seen, token) == (ids, {})


def test_a_listing_token_is_bound_to_its_filters(people):
    ids = [people.enrol(picture(Square(who)))[0] for who in range(1, 4)]
    token = people.call("ListFaces", CollectionId="people", MaxResults=1)["NextToken"]
    for other in ({"UserId": "ann"}, {"FaceIds": ids}):
        with pytest.raises(PaginationTokenError):
            people.call("ListFaces", CollectionId="people", NextToken=token, **other)
    filtered = people.call("ListFaces", CollectionId="people", MaxResults=1, FaceIds=ids)["NextToken"]
    rest = people.call("ListFaces", CollectionId="people", NextToken=filtered, FaceIds=ids)
    assert [face["FaceId"] for face in rest["Faces"]] == ids[1:]


def test_delete(people):
    ids = [people.enrol(picture(Square(who)))[0] for who in range(1, 4)]
    people.call("CreateUser", CollectionId="people", UserId="ann")
    people.call("AssociateFaces", CollectionId="people", UserId="ann", FaceIds=[ids[1]])
    gone = "12345678-1234-4123-8123-123456789012"
    answer = people.call("DeleteFaces", CollectionId="people", FaceIds=[ids[2], gone, ids[1], ids[2]])
    assert answer == {
        "DeletedFaces": [ids[2]],
        "UnsuccessfulFaceDeletions": [
            {"FaceId": gone, "Reasons": ["FACE_NOT_FOUND"]},
            {"FaceId": ids[1], "UserId": "ann", "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]},
        ],
    }
    assert [face["FaceId"] for face in listed(people)] == ids[:2]
    assert people.recorder.outcomes[-2].counts == {"faces_erased": 1}
    again = people.call("DeleteFaces", CollectionId="people", FaceIds=[ids[2]])
    assert again["DeletedFaces"] == []
