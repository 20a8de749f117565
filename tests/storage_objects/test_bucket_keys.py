"""Buckets with an endpoint and keys of their own: each is asked where it is, with its keys and no others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from custodes.core.errors import ObjectStoreError, UnavailableError
from custodes.deployment.storage.objects import bucket_objects, s3_endpoints
from custodes.operations.images.ports import S3Object
from custodes.settings import Settings
from custodes.storage.objects.listing import list_objects

LIST = (
    b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a.jpg</Key><ETag>1</ETag><Size>1</Size>"
    b"</Contents></ListBucketResult>"
)


@contextmanager
def endpoint(content: bytes) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server that answers everything with ``content``; paths and keys that it was asked with."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            signed = self.headers.get("authorization", "")
            asked.append((self.path.partition("?")[0], signed.partition("Credential=")[2].partition("/")[0]))
            body = LIST if "list-type" in self.path else content
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            asked.append((self.path, "put"))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "buckets.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_each_bucket_is_asked_with_its_own_keys(tmp_path: Path) -> None:
    with endpoint(b"theirs") as (theirs, asked_theirs), endpoint(b"ours") as (ours, asked_ours):
        text = f'[tenant]\nendpoint = "{theirs}"\naccess_key_id = "AKTENANT"\nsecret_access_key = "hush"\n'
        keys = {"s3_endpoint": ours, "s3_access_key_id": "AKOURS", "s3_secret_access_key": "s"}
        settings = Settings(data=tmp_path, s3_bucket_keys=written(tmp_path, text), **keys)
        objects = bucket_objects(settings)
        assert objects.read(S3Object("tenant", "a.jpg"), 100) == b"theirs"
        assert objects.read(S3Object("other", "a.jpg"), 100) == b"ours"
        objects.write(S3Object("tenant", "out.json"), b"{}")
        listed = list_objects({}, s3_endpoints(settings), "tenant", "")
        assert [one.key for one in listed] == ["a.jpg"]
        assert asked_theirs == [("/tenant/a.jpg", "AKTENANT"), ("/tenant/out.json", "put"), ("/tenant", "AKTENANT")]
        assert asked_ours == [("/other/a.jpg", "AKOURS")]
        assert "hush" not in repr(s3_endpoints(settings))


def test_without_an_endpoint_for_others_only_these_are_there(tmp_path: Path) -> None:
    with endpoint(b"theirs") as (theirs, _):
        settings = Settings(data=tmp_path, s3_bucket_keys=written(tmp_path, f'[tenant]\nendpoint = "{theirs}"\n'))
        objects = bucket_objects(settings)
        assert objects.read(S3Object("tenant", "a.jpg"), 100) == b"theirs"
        with pytest.raises(ObjectStoreError):
            objects.read(S3Object("other", "a.jpg"), 100)


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("[a]\nendpoint = 'http://x'\n", 0o644, "0600"),
        ("[a]\nregion = 'x'\n", 0o600, "a needs an endpoint"),
        ("[a]\nendpoint = 'http://x'\nsecret_access_key = 5\n", 0o600, "a needs an endpoint"),
        ("[a]\nendpoint = 'http://x'\nsecret = 'hush'\n", 0o600, "a needs an endpoint"),
        ("a = 'hush'\n", 0o600, "a needs an endpoint"),
        ("hush", 0o600, "no TOML"),
    ],
)
def test_a_file_that_is_not_right_is_refused_without_showing_it(
    tmp_path: Path, text: str, mode: int, said: str
) -> None:
    with pytest.raises(UnavailableError, match=said) as refused:
        bucket_objects(Settings(data=tmp_path, s3_bucket_keys=written(tmp_path, text, mode)))
    assert "hush" not in refused.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"nothing\.toml"):
        bucket_objects(Settings(data=tmp_path, s3_bucket_keys=tmp_path / "nothing.toml"))
