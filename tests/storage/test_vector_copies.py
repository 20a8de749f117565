"""Sealed copies of vectors: a start reads them instead of every row, and they never say anything that is not so."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from custodes.core.errors import UnavailableError
from custodes.core.ids import FaceId, UserId
from custodes.gallery.ports import FloatArray
from custodes.storage.files.segment_files import SegmentFiles
from custodes.storage.sql.gallery.store import SqlGalleryStore
from tests.fakes.directories import opened, opened_database, raw
from tests.fakes.vectors import KEY, collection, new_face, units
from tests.fakes.waiting import eventually

VECTORS = units(21, 25, 16)


def files_of(data: Path) -> SegmentFiles:
    return SegmentFiles(data / "cache", full_rows=10, worth_rows=4)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """25 faces in three files of ten, ten and five."""
    place = tmp_path / "data"
    with opened(place, files=files_of(place)) as store:
        store.create_collection(collection(dimension=16), {})
        store.add_faces(KEY, [new_face(vector, f"face-{n}") for n, vector in enumerate(VECTORS)])
        assert store.seal_vectors(KEY) == 3
        assert store.seal_vectors(KEY) == 0
    return place


def copies(data: Path) -> list[Path]:
    return sorted((data / "cache").glob("*.vectors"))


def held(store: SqlGalleryStore) -> FloatArray:
    parts = [vectors for _, vectors in store.face_vectors(KEY)]
    return np.concatenate(parts) if parts else np.empty((0, 16), np.float32)


def break_rows(data: Path) -> None:
    """Make every row unreadable, so that what is read came from a copy."""
    with raw(data) as connection:
        connection.execute("UPDATE faces SET sealed = zeroblob(80)")


def test_vectors_are_read_from_copies(data: Path) -> None:
    break_rows(data)
    with opened(data, files=files_of(data)) as store:
        assert np.array_equal(held(store), VECTORS)
        with pytest.raises(UnavailableError, match="face face-0"):
            store.vectors(KEY, [1])


def test_copies_are_sealed(data: Path) -> None:
    content = b"".join(path.read_bytes() for path in copies(data))
    for vector in VECTORS:
        assert vector[:3].tobytes() not in content
    assert {path.stat().st_mode & 0o777 for path in copies(data)} == {0o600}


def test_faces_enrolled_later_are_read_behind_them_and_join_the_last(data: Path) -> None:
    more = units(22, 5, 16)
    with opened(data, files=files_of(data)) as store:
        store.add_faces(KEY, [new_face(vector) for vector in more[:2]])
        assert np.array_equal(held(store), np.concatenate([VECTORS, more[:2]]))
        assert len(copies(data)) == 3, "two rows are not worth a file"
        store.add_faces(KEY, [new_face(vector) for vector in more[2:]])
        assert store.seal_vectors(KEY) == 1
        assert len(copies(data)) == 3
    break_rows(data)
    with opened(data, files=files_of(data)) as store:
        assert np.array_equal(held(store), np.concatenate([VECTORS, more]))


def test_an_erased_face_does_not_come_back_from_a_copy_that_was_put_back(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "cache", tmp_path / "old")
    with raw(data) as connection:
        (key,) = connection.execute("SELECT wrapped_key FROM vector_segments WHERE first_row = 11").fetchone()
    with opened(data, files=files_of(data)) as store:
        assert len(store.delete_faces(KEY, [FaceId("face-13")])) == 1
        assert len(copies(data)) == 2, "the file goes with its key"
        # The log is emptied right after the answer.
        eventually(lambda: not any(key in path.read_bytes() for path in data.glob("custodes.*")))
        shutil.copytree(tmp_path / "old", data / "cache", dirs_exist_ok=True)
        assert np.array_equal(held(store), np.delete(VECTORS, 13, axis=0))
        assert len(copies(data)) == 4
    with opened(data, files=files_of(data)) as store:
        assert len(copies(data)) == 3, "a start removes files that nothing opens"
        assert np.array_equal(held(store), np.delete(VECTORS, 13, axis=0))


def test_a_copy_of_an_older_database_is_not_used(data: Path, tmp_path: Path) -> None:
    """Ranges may be cut in the same places again; the name of the file is not what it is trusted for."""
    old = {path.name: path.read_bytes() for path in copies(data)}
    with opened(data, files=files_of(data)) as store:
        store.delete_faces(KEY, [FaceId("face-0")])
        store.seal_vectors(KEY)
    with raw(data) as connection:
        names = connection.execute("SELECT first_row, segment_id FROM vector_segments ORDER BY first_row").fetchall()
    (first, name), content = names[0], next(iter(old.values()))
    assert first == 2
    (data / "cache" / f"{name}.vectors").write_bytes(content)
    with opened(data, files=files_of(data)) as store:
        assert np.array_equal(held(store), VECTORS[1:])


@pytest.mark.parametrize("damage", [b"", b"short", None], ids=["empty", "cut", "flipped"])
def test_a_damaged_copy_is_made_anew_from_the_rows(data: Path, damage: bytes | None) -> None:
    path = copies(data)[0]
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]) if damage is None else damage)
    with opened(data, files=files_of(data)) as store:
        assert np.array_equal(held(store), VECTORS)
    break_rows(data)
    with opened(data, files=files_of(data)) as store:
        assert np.array_equal(held(store), VECTORS)


def test_a_collection_takes_its_copies_with_it(data: Path) -> None:
    with opened(data, files=files_of(data)) as store:
        store.delete_collection(KEY)
        assert copies(data) == []
    with raw(data) as connection:
        assert connection.execute("SELECT count(*) FROM vector_segments").fetchone() == (0,)


def test_users_are_copied_until_their_faces_change(data: Path) -> None:
    with opened(data, files=files_of(data)) as store:
        for number in range(5):
            store.create_user(KEY, UserId(f"user-{number}"))
            vector = VECTORS[number]
            store.set_user_faces(
                KEY, UserId(f"user-{number}"), add=[FaceId(f"face-{number}")], remove=[], vector=vector
            )
        assert store.seal_vectors(KEY) == 1
        store.set_user_faces(KEY, UserId("user-1"), add=[FaceId("face-9")], remove=[], vector=VECTORS[9])
        (found,) = [vectors for _, vectors in store.user_vectors(KEY)]
        assert np.array_equal(found, VECTORS[[0, 9, 2, 3, 4]])
        store.delete_user(KEY, UserId("user-2"))
        (found,) = [vectors for _, vectors in store.user_vectors(KEY)]
        assert np.array_equal(found, VECTORS[[0, 9, 3, 4]])


def test_a_folder_that_cannot_be_written_costs_time_only(data: Path) -> None:
    shutil.rmtree(data / "cache")
    (data / "cache").write_bytes(b"a file stands in the way")
    with opened(data, files=files_of(data)) as store:
        assert np.array_equal(held(store), VECTORS)
        assert store.seal_vectors(KEY) == 3


def test_while_the_database_takes_no_changes_vectors_are_read_all_the_same(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with opened(data) as store:
        store.create_collection(collection(dimension=16), {})
        store.add_faces(KEY, [new_face(vector) for vector in VECTORS])
    with opened(data, files=files_of(data)) as store:
        blocker = sqlite3.connect(data / "custodes.sqlite3", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        try:
            batches = store.face_vectors(KEY)
            assert np.array_equal(next(batches)[1], VECTORS[:10])
        finally:
            blocker.rollback()
            blocker.close()
        assert np.array_equal(np.concatenate([vectors for _, vectors in batches]), VECTORS[10:])


def test_servers_over_one_database_have_files_of_their_own_under_shared_keys(tmp_path: Path) -> None:
    data, folders = tmp_path / "data", [tmp_path / "one", tmp_path / "two"]
    with closing(opened_database(data)) as database:
        one, two = (
            SqlGalleryStore.open(database, data, os.urandom, files=SegmentFiles(folder, full_rows=10, worth_rows=4))
            for folder in folders
        )
        one.create_collection(collection(dimension=16), {})
        one.add_faces(KEY, [new_face(vector, f"face-{n}") for n, vector in enumerate(VECTORS)])
        assert (one.seal_vectors(KEY), two.seal_vectors(KEY)) == (3, 3)
        files = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
        assert files[0].keys() == files[1].keys() and not set(files[0].values()) & set(files[1].values())
        with raw(data) as connection:
            rows = connection.execute("SELECT face_id, sealed FROM faces").fetchall()
        break_rows(data)
        for store in (one, two):
            assert np.array_equal(held(store), VECTORS)
        with raw(data) as connection:
            connection.executemany("UPDATE faces SET sealed = ? WHERE face_id = ?", [row[::-1] for row in rows])
        one.delete_faces(KEY, [FaceId("face-13")])
        assert len(list(folders[1].iterdir())) == 3, "a file of the other server stays, without a key"
        for name, content in files[1].items():
            (folders[0] / name).write_bytes(content)
        for store in (two, one):
            assert np.array_equal(held(store), np.delete(VECTORS, 13, axis=0))
        two.tidy_copies()
        with raw(data) as connection:
            keys = {name for (name,) in connection.execute("SELECT segment_id FROM vector_segments")}
        assert {path.stem for path in folders[1].iterdir()} <= keys
