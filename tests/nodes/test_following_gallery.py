"""Two galleries over one store: whatever one of them acknowledged, the next search of the other one knows."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from custodes.core.errors import NotFoundError
from custodes.core.ids import FaceId, UserId
from custodes.gallery.entities import Quotas
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.following import FollowingGallery
from custodes.storage.sql.gallery.store import SqlGalleryStore
from tests.fakes.directories import opened_database
from tests.fakes.postgres import database_url
from tests.fakes.vectors import KEY, collection, new_face, units

Pair = tuple[FollowingGallery, FollowingGallery]


@pytest.fixture(params=["sqlite", "postgresql"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    with closing(opened_database(tmp_path / "data", database_url(request))) as database:
        one, other = (
            FollowingGallery(
                SqlGalleryStore.open(database, tmp_path / "data", os.urandom, lambda _: Quotas(), changes_kept=20),
                BruteForceIndex,
            )
            for _ in range(2)
        )
        one.create_collection(collection(), {})
        yield one, other


def found(gallery: FollowingGallery, vector: np.ndarray, least: float = 0.999) -> list[str]:
    hits = gallery.search_faces(KEY, vector, 10, least)
    faces = gallery.faces_by_row(KEY, [hit.row for hit in hits])
    return [str(face.face_id) for face in faces.values()]


def test_each_finds_what_the_other_added_and_not_what_it_deleted(pair: Pair) -> None:
    vectors = units(5, 40)
    for number, vector in enumerate(vectors):
        here, there = pair if number % 2 else pair[::-1]
        here.add_faces(KEY, [new_face(vector, f"face-{number}")])
        assert found(there, vector) == [f"face-{number}"]
        if number % 3 == 0:
            there.delete_faces(KEY, [FaceId(f"face-{number}")])
            assert found(here, vector) == [] and found(there, vector) == []


def test_users_are_followed(pair: Pair) -> None:
    one, other = pair
    vectors = units(6, 3)
    one.add_faces(KEY, [new_face(vector, f"face-{number}") for number, vector in enumerate(vectors)])
    one.create_user(KEY, UserId("ann"))
    assert other.search_users(KEY, vectors[0], 5, 0.9) == ()
    for number in (0, 1):
        one.set_user_faces(KEY, UserId("ann"), add=[FaceId(f"face-{number}")], remove=[], vector=vectors[number])
        (hit,) = other.search_users(KEY, vectors[number], 5, 0.999)
        assert other.users_by_row(KEY, [hit.row])[hit.row].user_id == "ann"
    assert other.search_users(KEY, vectors[0], 5, 0.999) == ()
    one.set_user_faces(KEY, UserId("ann"), add=[], remove=[FaceId("face-0"), FaceId("face-1")], vector=None)
    assert other.search_users(KEY, vectors[1], 5, -1.0) == ()
    other.set_user_faces(KEY, UserId("ann"), add=[FaceId("face-2")], remove=[], vector=vectors[2])
    assert len(one.search_users(KEY, vectors[2], 5, 0.999)) == 1
    other.delete_user(KEY, UserId("ann"))
    assert one.search_users(KEY, vectors[2], 5, -1.0) == ()


def test_a_face_shows_its_user_as_the_other_set_it(pair: Pair) -> None:
    one, other = pair
    (vector,) = units(7, 1)
    one.add_faces(KEY, [new_face(vector, "face")])
    one.create_user(KEY, UserId("ann"))
    row = other.search_faces(KEY, vector, 1, 0.9)[0].row
    assert other.faces_by_row(KEY, [row])[row].user_id is None
    one.set_user_faces(KEY, UserId("ann"), add=[FaceId("face")], remove=[], vector=vector)
    other.search_faces(KEY, vector, 1, 0.9)
    assert other.faces_by_row(KEY, [row])[row].user_id == "ann"


def test_a_collection_that_the_other_deleted_is_gone_and_a_new_one_is_empty(pair: Pair) -> None:
    one, other = pair
    (vector,) = units(8, 1)
    one.add_faces(KEY, [new_face(vector, "old")])
    assert found(other, vector) == ["old"]
    one.delete_collection(KEY)
    with pytest.raises(NotFoundError):
        other.search_faces(KEY, vector, 1, 0.9)
    with pytest.raises(NotFoundError):
        other.outline(KEY)
    one.create_collection(collection(), {})
    assert found(other, vector) == []
    other.add_faces(KEY, [new_face(vector, "new")])
    assert found(one, vector) == ["new"]


def test_an_index_that_is_too_old_is_filled_anew(pair: Pair) -> None:
    one, other = pair
    vectors = units(9, 30)
    one.add_faces(KEY, [new_face(vector, f"face-{number}") for number, vector in enumerate(vectors)])
    assert found(other, vectors[0]) == ["face-0"]
    for number in range(25):
        one.delete_faces(KEY, [FaceId(f"face-{number}")])
    assert all(found(other, vectors[number]) == [] for number in range(25))
    assert found(other, vectors[25]) == ["face-25"]


def test_under_load_no_search_answers_from_before_an_acknowledged_change(pair: Pair) -> None:
    vectors = units(10, 120, 16)[:, :8]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    wrong: list[str] = []

    def work(number: int) -> None:
        chance = random.Random(number)
        for at in range(number, len(vectors), 4):
            here, there = chance.sample(pair, 2)
            here.add_faces(KEY, [new_face(vectors[at], f"face-{at}")])
            if f"face-{at}" not in found(there, vectors[at]):
                wrong.append(f"face-{at} is missing")
            if chance.random() < 0.5:
                here.delete_faces(KEY, [FaceId(f"face-{at}")])
                if f"face-{at}" in found(there, vectors[at]):
                    wrong.append(f"face-{at} is there")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    left = {str(face.face_id) for face in pair[0].faces(KEY, None, 4096).items}
    for gallery in pair:
        assert {face_id for vector in vectors for face_id in found(gallery, vector)} == left
