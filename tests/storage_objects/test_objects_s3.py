"""Objects from a real S3 protocol server on the loopback interface."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from custodes.core.errors import ImageTooLargeError, ObjectStoreError
from custodes.operations.images.ports import S3Object
from custodes.storage.objects.s3 import S3Endpoint, S3Objects

TEXT = "Unable to get object metadata from S3. Check object key, region and/or access permissions."
REGION = "eu-central-1"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def versions(url) -> dict[str, str]:
    """Content by version id of the key ``a/b c.jpg``; ``small`` beside it."""
    s3 = boto3.session.Session().client(
        "s3", endpoint_url=url, region_name=REGION, aws_access_key_id="k", aws_secret_access_key="s"
    )
    s3.create_bucket(Bucket="photos", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="photos", VersioningConfiguration={"Status": "Enabled"})
    found = {
        s3.put_object(Bucket="photos", Key="a/b c.jpg", Body=content.encode())["VersionId"]: content
        for content in ("first", "second")
    }
    s3.put_object(Bucket="photos", Key="big", Body=bytes(1000))
    s3.close()
    return found


@pytest.fixture(scope="module")
def objects(url, versions) -> S3Objects:
    return S3Objects(S3Endpoint(REGION, url, "AKEXAMPLE", "secret"))


def test_newest_and_older_versions(objects, versions):
    assert objects.read(S3Object("photos", "a/b c.jpg"), 100) == b"second"
    for version, content in versions.items():
        assert objects.read(S3Object("photos", "a/b c.jpg", version), 100) == content.encode()


@pytest.mark.parametrize(
    "source",
    [
        S3Object("photos", "nobody"),
        S3Object("nobody-has-this", "a/b c.jpg"),
        S3Object("photos", "a/b c.jpg", "00000000-0000-0000-0000-000000000000"),
        S3Object("Not A Bucket", "x"),
        S3Object("photos", "../photos/big"),
        S3Object("..", "photos/big"),
    ],
)
def test_what_is_not_there(objects, source):
    with pytest.raises(ObjectStoreError) as refusal:
        objects.read(source, 100)
    assert refusal.value.message == TEXT


def test_limits(objects):
    assert len(objects.read(S3Object("photos", "big"), 1000)) == 1000
    with pytest.raises(ImageTooLargeError):
        objects.read(S3Object("photos", "big"), 999)


def test_an_endpoint_that_does_not_answer():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused at once
        closed = S3Objects(S3Endpoint(REGION, f"http://127.0.0.1:{taken.getsockname()[1]}", "k", "s"))
        with pytest.raises(ObjectStoreError):
            closed.read(S3Object("photos", "a"), 100)


def _answers(head: bytes, body: bytes) -> Iterator[str]:
    """A server that sends these bytes to everyone, whatever they ask."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(head + b"\r\n\r\n" + body)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


@pytest.mark.parametrize(
    ("head", "body", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999", b"x", ImageTooLargeError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close", b"x", ObjectStoreError),
        (b"HTTP/1.1 200 OK\r\nConnection: close", bytes(500), ImageTooLargeError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\nConnection: close", b"", ObjectStoreError),
        (b"HTTP/1.1 404 No\r\nContent-Length: 9\r\nConnection: close", b"<<not-xml", ObjectStoreError),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nConnection: close", b"", ObjectStoreError),
        (b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\nConnection: close", b"", ObjectStoreError),
        (b"nonsense", b"", ObjectStoreError),
    ],
    ids=["claims-too-much", "cut-off", "endless", "strange-length", "strange-error", "moved", "broken", "nonsense"],
)
def test_a_hostile_endpoint(head: bytes, body: bytes, error: Any):
    for url in _answers(head, body):
        with pytest.raises(error):
            S3Objects(S3Endpoint(REGION, url, "k", "s", read_timeout_s=2)).read(S3Object("photos", "a"), 100)


def test_a_stream_without_a_length_is_read():
    for url in _answers(b"HTTP/1.1 200 OK\r\nConnection: close", b"picture"):
        assert S3Objects(S3Endpoint(REGION, url)).read(S3Object("photos", "a"), 100) == b"picture"


def test_keys_stay_out_of_descriptions():
    described = repr(S3Endpoint(REGION, "http://s3", "AKEXAMPLE", "hush"))
    assert "hush" not in described
    assert "AKEXAMPLE" not in described
