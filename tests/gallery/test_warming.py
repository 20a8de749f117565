"""Reading collections into memory beside their life: nothing is missed, and searches wait so long only."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from custodes.core.errors import NotReadyError, UnavailableError
from custodes.core.ids import CollectionId, FaceId
from custodes.gallery.entities import CollectionKey, Face, NewFace
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.gallery.ports import FloatArray
from custodes.gallery.warming import Warming, warming_order
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.vectors import KEY, collection, new_face, units
from tests.fakes.waiting import eventually

VECTORS = units(31, 6)


class Paused(MemoryGalleryStore):
    """Has read all vectors of faces when it stops for a signal."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.go_on = threading.Event(), threading.Event()
        self.fails = self.loses_answers = False

    def add_faces(self, key: CollectionKey, faces: Sequence[NewFace], known: Any = None) -> tuple[Face, ...]:
        added = super().add_faces(key, faces, known)
        if self.loses_answers:
            raise UnavailableError("the answer got lost")
        return added

    def face_vectors(self, key: CollectionKey) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        batches = list(super().face_vectors(key))
        self.read.set()
        assert self.go_on.wait(30)
        if self.fails:
            raise UnavailableError("the disk is gone")
        yield from batches


@pytest.fixture
def store() -> Paused:
    store = Paused()
    store.create_collection(collection(), {})
    store.add_faces(KEY, [new_face(vector, f"face-{n}") for n, vector in enumerate(VECTORS[:3])])
    return store


def found(gallery: IndexedGallery) -> list[int]:
    return sorted(hit.row for hit in gallery.search_faces(KEY, VECTORS[0], 100, -1.1))


def test_changes_go_on_while_a_collection_is_read_and_are_all_in_the_index(store: Paused) -> None:
    gallery = IndexedGallery(store, BruteForceIndex)
    reading = threading.Thread(target=gallery.warm, args=(KEY,))
    reading.start()
    assert store.read.wait(30)
    added = gallery.add_faces(KEY, [new_face(vector, f"new-{n}") for n, vector in enumerate(VECTORS[3:])])
    gallery.delete_faces(KEY, [FaceId("face-1"), FaceId("new-0")])
    store.go_on.set()
    reading.join(30)
    assert found(gallery) == [1, 3, added[1].row, added[2].row]


def test_a_search_waits_for_so_long_and_then_says_when_to_ask_again(store: Paused) -> None:
    gallery = IndexedGallery(store, BruteForceIndex, search_wait_s=0.05)
    for _ in range(3):
        with pytest.raises(NotReadyError) as refused:
            found(gallery)
        assert refused.value.retry_after_s >= 1
    assert sum(thread.name == "gallery" for thread in threading.enumerate()) == 1, "one reads for all who wait"
    store.go_on.set()
    eventually(lambda: gallery.warmed() == (KEY,))
    assert found(gallery) == [1, 2, 3]
    assert gallery.warmed() == (KEY,)


def test_what_goes_wrong_while_reading_reaches_whoever_waits_and_the_next_search_tries_again(store: Paused) -> None:
    gallery = IndexedGallery(store, BruteForceIndex, search_wait_s=10)
    store.fails = True
    store.go_on.set()
    with pytest.raises(UnavailableError, match="the disk is gone"):
        found(gallery)
    store.fails = False
    assert found(gallery) == [1, 2, 3]


def test_a_change_of_which_nobody_knows_has_everything_read_again(store: Paused) -> None:
    gallery = IndexedGallery(store, BruteForceIndex)
    reading = threading.Thread(target=gallery.warm, args=(KEY,))
    reading.start()
    assert store.read.wait(30)
    store.loses_answers = True
    with pytest.raises(UnavailableError):
        gallery.add_faces(KEY, [new_face(VECTORS[3])])
    store.go_on.set()
    reading.join(30)
    assert found(gallery) == [1, 2, 3, 4]


def test_the_most_searched_come_first() -> None:
    keys = [CollectionKey(KEY.account_id, CollectionId(name)) for name in "abcd"]
    assert warming_order({keys[1]: 2.0, keys[2]: 7.5}, [keys[0], keys[1], keys[3]]) == [
        keys[2],
        keys[1],
        keys[0],
        keys[3],
    ]


def test_warming_goes_on_behind_a_collection_that_cannot_be_read() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.warmed: list[CollectionKey] = []

        def warm(self, key: CollectionKey) -> None:
            self.warmed.append(key)
            if len(self.warmed) == 1:
                raise UnavailableError("damaged")

        def close(self) -> None:
            pass

    gallery = Recorder()
    keys = [CollectionKey(KEY.account_id, CollectionId(name)) for name in "abc"]
    warming = Warming(gallery, keys, threads=1)
    warming.start()
    eventually(lambda: warming.state()["warmed"] == 3)
    assert gallery.warmed == keys
    assert warming.state() == {"to_warm": 3, "warmed": 3}
    warming.close()
