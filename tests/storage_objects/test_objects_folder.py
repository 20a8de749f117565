"""A folder as a bucket: what is read, and everything that must not be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.errors import ImageTooLargeError, ObjectStoreError
from custodes.operations.images.ports import S3Object
from custodes.storage.objects.buckets import BucketObjects
from custodes.storage.objects.folder import FolderObjects

TEXT = "Unable to get object metadata from S3. Check object key, region and/or access permissions."


@pytest.fixture
def root(tmp_path: Path) -> Path:
    bucket = tmp_path / "bucket"
    (bucket / "sub").mkdir(parents=True)
    (bucket / "a.jpg").write_bytes(b"12345")
    (bucket / "sub" / "b c.jpg").write_bytes(b"b")
    (bucket / ".hidden").write_bytes(b"h")
    (bucket / "inside").symlink_to("a.jpg")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "bucket-twin").mkdir()
    (tmp_path / "bucket-twin" / "x").write_bytes(b"secret")
    (bucket / "out").symlink_to(tmp_path / "secret")
    (bucket / "out-folder").symlink_to(tmp_path)
    (bucket / "ring").symlink_to("ring")
    os.mkfifo(bucket / "pipe")
    return bucket


def read(root: Path, name: str, limit: int = 100, version: str | None = None) -> bytes:
    return FolderObjects(root).read(S3Object("photos", name, version), limit)


@pytest.mark.parametrize(
    ("name", "data"), [("a.jpg", b"12345"), ("sub/b c.jpg", b"b"), (".hidden", b"h"), ("inside", b"12345")]
)
def test_files_inside_are_read(root, name, data):
    assert read(root, name) == data


def test_the_root_itself_may_be_a_link(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    assert read(tmp_path / "link", "a.jpg") == b"12345"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/",
        "nobody.jpg",
        "sub",
        "sub/",
        "sub//b c.jpg",
        "./a.jpg",
        "sub/../a.jpg",
        "../secret",
        "../bucket-twin/x",
        "sub/../../secret",
        "..\\secret",
        "sub\\b c.jpg",
        "out",
        "out-folder/secret",
        "out-folder/bucket/a.jpg/",
        "ring",
        "pipe",
        "a.jpg/x",
        "a.jpg\0",
        "\0",
        "x" * 5000,
        "x/" * 3000 + "x",
    ],
)
def test_everything_else_is_refused_alike(root, name):
    with pytest.raises(ObjectStoreError) as refusal:
        read(root, name)
    assert refusal.value.message == TEXT


def test_absolute_names_are_refused(root, tmp_path):
    for name in (str(tmp_path / "secret"), str(root / "a.jpg")):
        with pytest.raises(ObjectStoreError):
            read(root, name)


@given(st.lists(st.sampled_from(["..", ".", "", "out", "out-folder", "sub", "secret", "bucket", "a.jpg"]), max_size=6))
def test_no_path_reaches_the_secret(tmp_path_factory, parts):
    base = tmp_path_factory.mktemp("t")
    (base / "bucket" / "sub").mkdir(parents=True)
    (base / "secret").write_bytes(b"secret")
    (base / "bucket" / "out").symlink_to(base / "secret")
    (base / "bucket" / "out-folder").symlink_to(base)
    with pytest.raises(ObjectStoreError):
        read(base / "bucket", "/".join(parts))


def test_limits(root):
    assert read(root, "a.jpg", limit=5) == b"12345"
    with pytest.raises(ImageTooLargeError):
        read(root, "a.jpg", limit=4)


def test_there_are_no_versions(root):
    with pytest.raises(ObjectStoreError):
        read(root, "a.jpg", version="1")


def test_a_missing_root_is_a_missing_object(tmp_path):
    with pytest.raises(ObjectStoreError):
        read(tmp_path / "nowhere", "a.jpg")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_file(root):
    (root / "a.jpg").chmod(0)
    with pytest.raises(ObjectStoreError):
        read(root, "a.jpg")


def test_buckets_go_to_their_stores(root, tmp_path):
    folders = BucketObjects({"photos": FolderObjects(root), "twin": FolderObjects(tmp_path / "bucket-twin")})
    assert folders.read(S3Object("twin", "x"), 100) == b"secret"
    assert folders.read(S3Object("photos", "a.jpg"), 100) == b"12345"
    with pytest.raises(ObjectStoreError) as refusal:
        folders.read(S3Object("unknown", "a.jpg"), 100)
    assert refusal.value.message == TEXT
    assert BucketObjects({}, FolderObjects(root)).read(S3Object("any", "a.jpg"), 100) == b"12345"
