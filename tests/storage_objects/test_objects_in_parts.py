"""Long objects: sent in parts, read in ranges where a line breaks, listed in pages; nothing is left of what failed."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from custodes.core.errors import ObjectStoreError
from custodes.operations.images.ports import S3Object
from custodes.storage.objects.s3 import S3Objects
from tests.fakes.s3 import S3Server, cutting, s3_server

MIB = 1 << 20
CONTENT = os.urandom(40 * MIB + 17)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(s3: S3Server) -> str:
    return s3.bucket()


@pytest.fixture
def client(s3: S3Server) -> Iterator[Any]:
    with closing(s3.client()) as made:
        yield made


def copied(objects: S3Objects, place: S3Object) -> bytes:
    out = io.BytesIO()
    objects.copy(place, objects.version(place), out)
    return out.getvalue()


def unfinished(client: Any, bucket: str) -> list[Any]:
    return list(client.list_multipart_uploads(Bucket=bucket).get("Uploads", ()))


def test_a_long_object_goes_in_parts_and_comes_back(s3: S3Server, bucket: str, client: Any) -> None:
    objects, place = S3Objects(s3.endpoint), S3Object(bucket, "results/long.json")
    objects.send(place, io.BytesIO(CONTENT))
    assert copied(objects, place) == CONTENT
    told = client.head_object(Bucket=bucket, Key=place.name)
    assert told["ContentType"] == "application/json"
    assert told["ETag"].strip('"').endswith("-3"), "the tag of an object of three parts says so"
    objects.write(S3Object(bucket, "short"), b"short")
    assert "-" not in client.head_object(Bucket=bucket, Key="short")["ETag"]
    assert unfinished(client, bucket) == []


def test_what_cannot_be_read_to_its_end_leaves_neither_object_nor_parts(s3: S3Server, bucket: str, client: Any) -> None:
    class Breaking(io.BytesIO):
        """A file on a disk that fails behind its first 20 MiB."""

        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 20 * MIB:
                raise OSError(5, "the disk is broken")
            return super().read(size)

    objects, place = S3Objects(s3.endpoint), S3Object(bucket, "half")
    with pytest.raises(ObjectStoreError):
        objects.send(place, Breaking(CONTENT))
    assert unfinished(client, bucket) == []
    with pytest.raises(ObjectStoreError):
        objects.version(place)


def test_parts_of_a_killed_process_are_removed_when_they_are_old(s3: S3Server, bucket: str, client: Any) -> None:
    for key in ("ours/1", "ours/2", "theirs"):
        made = client.create_multipart_upload(Bucket=bucket, Key=key)
        client.upload_part(Bucket=bucket, Key=key, UploadId=made["UploadId"], PartNumber=1, Body=bytes(5 * MIB))
    objects = S3Objects(s3.endpoint)
    # The stand-in for S3 says of every upload that it began in 2010.
    assert objects.clear_abandoned(bucket, "ours/", timedelta(days=100 * 365)) == 0
    assert objects.clear_abandoned(bucket, "ours/") == 2
    assert [one["Key"] for one in unfinished(client, bucket)] == ["theirs"]


def test_a_line_that_breaks_is_gone_on_with_where_it_broke(s3: S3Server, bucket: str) -> None:
    place = S3Object(bucket, "long")
    S3Objects(s3.endpoint).send(place, io.BytesIO(CONTENT))
    with cutting(s3, 9 * MIB, 4) as line:
        assert copied(S3Objects(line.endpoint), place) == CONTENT
    with cutting(s3, MIB, 100) as line, pytest.raises(ObjectStoreError):
        copied(S3Objects(line.endpoint), place)


def test_what_changed_while_the_line_was_broken_is_not_mixed(s3: S3Server, bucket: str, client: Any) -> None:
    place = S3Object(bucket, "long")
    client.put_object(Bucket=bucket, Key="long", Body=CONTENT)

    class Replacing(io.BytesIO):
        """Whoever reads along replaces the object once the first bytes are there."""

        def write(self, data: Any) -> int:
            client.put_object(Bucket=bucket, Key="long", Body=b"another" + CONTENT[7:])
            return super().write(data)

    with cutting(s3, 9 * MIB, 1) as line, pytest.raises(ObjectStoreError, match="changed"):
        objects = S3Objects(line.endpoint)
        objects.copy(place, objects.version(place), Replacing())


def test_more_keys_than_a_page_holds_are_listed_in_order(s3: S3Server, bucket: str, client: Any) -> None:
    for number in range(1003):
        client.put_object(Bucket=bucket, Key=f"p/{number:04d}", Body=b"")
    found = [key for key, _ in S3Objects(s3.endpoint).keys(bucket, "p/")]
    assert found == [f"p/{number:04d}" for number in range(1003)]
