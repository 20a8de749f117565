"""Pictures of requests: sources, limits and the order of checks."""

from __future__ import annotations

import pytest

from custodes.core.errors import (
    ImageFormatError,
    ImageTooLargeError,
    InvalidParameterError,
    NotFoundError,
    ObjectStoreError,
)
from custodes.operations.images.ports import S3Object
from custodes.operations.images.sources import MAX_INLINE_BYTES, MAX_OBJECT_BYTES, ImageInput
from tests.fakes.engine import Square, picture

FACE = picture(Square(1))
OBJECT = {"Bucket": "photos", "Name": "ann.png"}


@pytest.mark.parametrize(
    ("image", "error"),
    [
        ({}, InvalidParameterError),
        ({"Bytes": FACE, "S3Object": OBJECT}, InvalidParameterError),
        ({"S3Object": {}}, InvalidParameterError),
        ({"S3Object": {"Bucket": "photos"}}, InvalidParameterError),
        ({"S3Object": {"Name": "ann.png"}}, InvalidParameterError),
        ({"S3Object": {"Bucket": "photos", "Name": "nobody.png"}}, ObjectStoreError),
        ({"S3Object": {**OBJECT, "Version": "7"}}, ObjectStoreError),
        ({"S3Object": {"Bucket": "photos", "Name": "huge.png"}}, ImageTooLargeError),
        ({"Bytes": b""}, ImageFormatError),
        ({"Bytes": b"GIF89a" + bytes(100)}, ImageFormatError),
        ({"Bytes": FACE[: len(FACE) // 2]}, ImageFormatError),
        ({"Bytes": bytes(MAX_INLINE_BYTES + 1)}, ImageTooLargeError),
        ({"Bytes": picture(width=79, height=300)}, InvalidParameterError),
        ({"Bytes": picture(width=300, height=79)}, InvalidParameterError),
    ],
)
def test_bad_sources(server, image, error):
    server.objects.data[S3Object("photos", "ann.png")] = FACE
    server.objects.data[S3Object("photos", "huge.png")] = bytes(MAX_OBJECT_BYTES + 1)
    with pytest.raises(error):
        server.call("DetectFaces", Image=image)
    assert server.recorder.outcomes[-1].code == error.__name__


@pytest.mark.parametrize("version", [None, "7"])
def test_objects_are_read_with_their_limit(server, version):
    source = S3Object("photos", "ann.png", version)
    server.objects.data[source] = FACE
    extra = {} if version is None else {"Version": version}
    assert len(server.call("DetectFaces", Image={"S3Object": {**OBJECT, **extra}})["FaceDetails"]) == 1
    assert server.objects.asked == [(source, 15 * 1024 * 1024)]


def test_the_smallest_side_allowed(server):
    assert server.call("DetectFaces", Image={"Bytes": picture(width=80, height=80)}) == {"FaceDetails": []}


def test_inline_bytes_up_to_five_megabytes_reach_the_decoder(server):
    padded = FACE + bytes(MAX_INLINE_BYTES - len(FACE))
    assert server.call("DetectFaces", Image={"Bytes": padded})["FaceDetails"]


def test_a_combination_error_comes_before_a_missing_collection_before_a_missing_object(server):
    with pytest.raises(InvalidParameterError):
        server.call("IndexFaces", CollectionId="nobody", Image={})
    missing = {"S3Object": {"Bucket": "photos", "Name": "nobody.png"}}
    with pytest.raises(NotFoundError):
        server.call("IndexFaces", CollectionId="nobody", Image=missing)
    server.collection()
    with pytest.raises(ObjectStoreError):
        server.call("IndexFaces", CollectionId="people", Image=missing)


def test_bytes_stay_out_of_descriptions():
    assert "SECRET" not in repr(ImageInput(data=b"SECRET"))
