"""What a user's boto3 script does, unmodified, against a live server with predictable faces."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.engine import Square, picture

ANN, BOB = Square(1), Square(2)


def test_index_and_search(rekognition: Any) -> None:
    created = rekognition.create_collection(CollectionId="people")
    assert created["StatusCode"] == 200
    for name, square in (("ann", ANN), ("bob", BOB)):
        indexed = rekognition.index_faces(
            CollectionId="people", Image={"Bytes": picture(square)}, ExternalImageId=name, MaxFaces=1
        )
        assert len(indexed["FaceRecords"]) == 1
    found = rekognition.search_faces_by_image(
        CollectionId="people", Image={"Bytes": picture(Square(1, angle_deg=5))}, FaceMatchThreshold=90
    )
    assert [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]] == ["ann"]
    assert 90 <= found["FaceMatches"][0]["Similarity"] <= 100


def test_paginator_sees_every_face_once(rekognition: Any) -> None:
    rekognition.create_collection(CollectionId="people")
    ids = set()
    for who in range(1, 8):
        answer = rekognition.index_faces(CollectionId="people", Image={"Bytes": picture(Square(who))})
        ids.add(answer["FaceRecords"][0]["Face"]["FaceId"])
    pages = list(rekognition.get_paginator("list_faces").paginate(CollectionId="people", MaxResults=3))
    listed = [face["FaceId"] for page in pages for face in page["Faces"]]
    assert [len(page["Faces"]) for page in pages] == [3, 3, 1]
    assert set(listed) == ids and len(listed) == len(ids)


def test_compare_and_detect(rekognition: Any) -> None:
    both = picture(ANN, Square(2, left=150))
    compared = rekognition.compare_faces(SourceImage={"Bytes": picture(ANN)}, TargetImage={"Bytes": both})
    assert len(compared["FaceMatches"]) == 1
    assert len(compared["UnmatchedFaces"]) == 1
    details = rekognition.detect_faces(Image={"Bytes": both}, Attributes=["DEFAULT"])["FaceDetails"]
    assert len(details) == 2
    assert {"BoundingBox", "Landmarks", "Pose", "Quality", "Confidence"} <= details[0].keys()


def test_errors_are_the_modelled_exceptions(rekognition: Any) -> None:
    errors = rekognition.exceptions
    with pytest.raises(errors.ResourceNotFoundException):
        rekognition.describe_collection(CollectionId="nobody")
    rekognition.create_collection(CollectionId="people")
    with pytest.raises(errors.ResourceAlreadyExistsException):
        rekognition.create_collection(CollectionId="people")
    with pytest.raises(errors.InvalidImageFormatException):
        rekognition.detect_faces(Image={"Bytes": b"not a picture"})
    with pytest.raises(errors.InvalidParameterException):
        rekognition.search_faces_by_image(CollectionId="people", Image={"Bytes": picture()})


def test_a_wrong_secret_is_refused(live_server: Any) -> None:
    import boto3

    session = boto3.session.Session(
        aws_access_key_id=live_server.deployment.keys.key.access_key_id,
        aws_secret_access_key="wrong",
        region_name="eu-central-1",
    )
    client = session.client("rekognition", endpoint_url=live_server.url)
    with pytest.raises(ClientError, match="signature"):
        client.list_collections()
