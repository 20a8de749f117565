"""What lies on disk: sealed, bound to its place, gone after erasure; and damage is named."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from custodes.core.errors import UnavailableError
from custodes.core.ids import FaceId, UserId
from custodes.gallery.gallery import IndexedGallery
from custodes.storage.files.seal import DamagedError, KeyBox, names_of
from custodes.storage.sql.gallery.store import SqlGalleryStore
from custodes.storage.sql.sqlite_database import SqliteDatabase
from custodes.storage.vectors.faiss_index import FaissIndex
from tests.fakes.directories import opened, raw
from tests.fakes.vectors import KEY, collection, new_face, units
from tests.fakes.waiting import eventually

VECTORS = units(11, 3, 64)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three faces; the first is also a user's."""
    with opened(tmp_path / "data") as store:
        store.create_collection(collection(dimension=64), {})
        faces = store.add_faces(KEY, [new_face(vector, f"face-{n}") for n, vector in enumerate(VECTORS)])
        store.create_user(KEY, UserId("ann"))
        store.set_user_faces(KEY, UserId("ann"), add=[faces[0].face_id], remove=[], vector=VECTORS[0])
    return tmp_path / "data"


def everything(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file())


def test_no_vector_is_on_disk_in_the_clear(data: Path) -> None:
    content = everything(data)
    for vector in VECTORS:
        assert vector.tobytes() not in content
        assert vector[:4].tobytes() not in content
    assert b"face-1" in content  # what is looked at is the database indeed


def test_a_thumbnail_is_sealed_and_goes_with_its_face(data: Path) -> None:
    face, picture = FaceId("face-1"), b"\xff\xd8 a small picture" * 20
    with opened(data) as store:
        store.put_thumbnails(KEY, {face: picture})
        with raw(data) as connection:
            key, sealed = connection.execute("SELECT wrapped_key, sealed FROM thumbnails").fetchone()
        assert picture not in everything(data) and sealed in everything(data)
        store.delete_faces(KEY, [face])
        # The log is emptied right after the answer.
        eventually(lambda: key not in everything(data) and sealed not in everything(data))


def test_only_the_owner_can_read(data: Path) -> None:
    with opened(data) as store:
        store.put_tags(KEY, {"a": "b"})
        for path in data.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_erasure_leaves_neither_key_nor_ciphertext_on_disk(data: Path) -> None:
    with raw(data) as connection:
        query = "SELECT wrapped_key, sealed FROM faces WHERE face_id = 'face-1'"
        key, sealed = connection.execute(query).fetchone()
    assert key in everything(data)
    with opened(data) as store:
        assert len(store.delete_faces(KEY, [FaceId("face-1")])) == 1
        # The log is emptied right after the answer.
        eventually(lambda: key not in everything(data) and sealed not in everything(data))
        assert key[12:44] not in everything(data)


def test_deleting_a_collection_leaves_no_keys(data: Path) -> None:
    with raw(data) as connection:
        keys = [
            key for (key,) in connection.execute("SELECT wrapped_key FROM faces UNION SELECT wrapped_key FROM users")
        ]
        keys += [key for (key,) in connection.execute("SELECT wrapped_key FROM collection_keys")]
    assert len(keys) == 5
    with opened(data) as store:
        store.delete_collection(KEY)
    assert not [key for key in keys if key in everything(data)]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE faces SET sealed = zeroblob(272) WHERE face_id = 'face-1'",
        "UPDATE faces SET sealed = x'' WHERE face_id = 'face-1'",
        "UPDATE faces SET wrapped_key = x'00' WHERE face_id = 'face-1'",
        "UPDATE faces SET model_version = '2.0' WHERE face_id = 'face-1'",
        "UPDATE faces SET wrapped_key = (SELECT wrapped_key FROM faces WHERE face_id = 'face-2'),"
        " sealed = (SELECT sealed FROM faces WHERE face_id = 'face-2') WHERE face_id = 'face-1'",
    ],
    ids=["zeroed", "emptied", "key cut", "other model", "another face's"],
)
def test_a_damaged_or_moved_vector_is_named_and_never_skipped(data: Path, damage: str) -> None:
    with raw(data) as connection:
        assert connection.execute(damage).rowcount == 1
    with opened(data) as store:
        gallery = IndexedGallery(store, FaissIndex)
        with pytest.raises(UnavailableError, match="face face-1"):
            gallery.search_faces(KEY, VECTORS[0], 3, -1.0)
        rows = [face.row for face in gallery.faces(KEY, None, 9).items]
        with pytest.raises(UnavailableError, match="face face-1"):
            gallery.vectors(KEY, rows)
        gallery.vectors(KEY, [rows[0], rows[2]])
        gallery.delete_faces(KEY, [gallery.faces(KEY, None, 9).items[1].face_id])
        assert len(gallery.search_faces(KEY, VECTORS[0], 3, -1.0)) == 2


def test_a_damaged_user_vector_is_named(data: Path) -> None:
    with raw(data) as connection:
        connection.execute("UPDATE users SET sealed = zeroblob(272)")
    with opened(data) as store:
        with pytest.raises(UnavailableError, match="user ann"):
            store.user_vector(KEY, UserId("ann"))
        with pytest.raises(UnavailableError, match="user ann"):
            list(store.user_vectors(KEY))


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, "missing"), (b"\x07" * 32, "not the key of this database"), (b"short", "damaged")],
    ids=["missing", "wrong", "short"],
)
def test_without_its_master_key_a_directory_does_not_open(data: Path, key: bytes | None, reason: str) -> None:
    path = data / "master.key"
    right = path.read_bytes()
    path.unlink()
    if key is not None:
        path.write_bytes(key)
    with pytest.raises(UnavailableError, match=reason), opened(data):
        pass
    assert path.exists() == (key is not None), "a lost key must not be replaced silently"
    path.write_bytes(right)
    with opened(data) as store:
        assert store.vectors(KEY, [face.row for face in store.faces(KEY, None, 9).items]).shape == (3, 64)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "custodes.sqlite3").write_bytes(b"something else entirely, long enough to be read" * 100)
    for _ in range(2):  # the lock is given up each time
        with pytest.raises(UnavailableError, match="cannot be opened"):
            SqliteDatabase.open(tmp_path)


def test_a_seal_opens_under_its_names_only() -> None:
    box = KeyBox(b"\x01" * 32, os.urandom)
    sealed = box.seal(VECTORS[0], names_of("face", "a", "bc"))
    assert box.open(sealed.wrapped_key, sealed.sealed, names_of("face", "a", "bc")) == VECTORS[0].tobytes()
    for names in (names_of("face", "ab", "c"), names_of("user", "a", "bc"), names_of("face", "a", "bc", "")):
        with pytest.raises(DamagedError):
            box.open(sealed.wrapped_key, sealed.sealed, names)


def test_ten_thousand_faces_are_opened_in_about_a_second(tmp_path: Path) -> None:
    vectors = units(12, 10_000, 128)
    with opened(tmp_path) as store:
        store.create_collection(collection(dimension=128), {})
        for start in range(0, 10_000, 500):
            store.add_faces(KEY, [new_face(vector) for vector in vectors[start : start + 500]])
        started = time.process_time()
        assert sum(len(rows) for rows, _ in store.face_vectors(KEY)) == 10_000
        assert time.process_time() - started < 3.0  # 0.15 s when nothing else runs; a slow machine is no defect


def test_a_store_opened_twice_keeps_its_key(tmp_path: Path) -> None:
    draws: list[int] = []

    def drawn(count: int) -> bytes:
        draws.append(count)
        return bytes([len(draws)]) * count

    for expected in (3, 0):  # key, check value and its nonce; then nothing
        draws.clear()
        database = SqliteDatabase.open(tmp_path)
        SqlGalleryStore.open(database, tmp_path, drawn)
        database.close()
        assert len(draws) == expected
