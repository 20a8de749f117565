"""Gallery under threads: what was acknowledged is found by every later search, what was deleted by none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from custodes.core.errors import CustodesError, NotFoundError, UnavailableError
from custodes.core.ids import CollectionId
from custodes.gallery.entities import CollectionKey, Face, NewFace
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.gallery.ports import FloatArray, GalleryStore, VectorIndex
from custodes.storage.vectors.faiss_index import FaissIndex
from tests.fakes.directories import opened
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.postgres import database_url
from tests.fakes.vectors import KEY, collection, new_face, units


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def gallery(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IndexedGallery]:
    if request.param == "memory":
        yield IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    else:
        with opened(tmp_path, url=database_url(request)) as store:
            yield IndexedGallery(store, FaissIndex)


def run_all(works: Sequence[Callable[[], None]]) -> None:
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not [thread for thread in threads if thread.is_alive()], "deadlock"
    if failures:
        raise failures[0]


def test_every_thread_finds_what_it_added_and_not_what_it_deleted(gallery: IndexedGallery) -> None:
    gallery.create_collection(collection(dimension=32), {})

    def live(seed: int) -> None:
        for number, vector in enumerate(units(seed, 40, 32)):
            (face,) = gallery.add_faces(KEY, [new_face(vector)])
            assert face.row in [hit.row for hit in gallery.search_faces(KEY, vector, 3, 0.999)]
            if number % 2:
                gallery.delete_faces(KEY, [face.face_id])
                assert face.row not in [hit.row for hit in gallery.search_faces(KEY, vector, 300, 0.0)]

    run_all([lambda seed=seed: live(seed) for seed in range(6)])
    truth = {face.row for face in gallery.faces(KEY, None, 10_000).items}
    assert len(truth) == 120
    assert {hit.row for hit in gallery.search_faces(KEY, units(99, 1, 32)[0], 4096, -1.1)} == truth


def test_racing_additions_and_deletions_of_the_same_faces_leave_no_ghosts(gallery: IndexedGallery) -> None:
    gallery.create_collection(collection(), {})
    gallery.warm(KEY)
    names = [f"face-{number}" for number in range(60)]
    done = threading.Event()

    def add() -> None:
        for name, vector in zip(names, units(1, 60), strict=True):
            gallery.add_faces(KEY, [new_face(vector, name)])
        done.set()

    def delete() -> None:
        while not done.is_set():
            gallery.delete_faces(KEY, names)

    run_all([add, delete, delete])
    truth = {face.row for face in gallery.faces(KEY, None, 1000).items}
    assert {hit.row for hit in gallery.search_faces(KEY, units(2, 1)[0], 4096, -1.1)} == truth


def test_a_collection_that_is_deleted_and_made_anew_under_load_mixes_nothing(gallery: IndexedGallery) -> None:
    stop = threading.Event()

    def recreate() -> None:
        for number in range(25):
            gallery.create_collection(collection(dimension=8 + number % 2), {})
            if number < 24:
                gallery.delete_collection(KEY)
        stop.set()

    def use(seed: int) -> None:
        while not stop.is_set():
            for dimension in (8, 9):
                try:
                    gallery.add_faces(KEY, [new_face(units(seed, 1, gallery.outline(KEY).dimension)[0])])
                    gallery.search_faces(KEY, units(seed, 1, dimension)[0], 5, 0.0)
                except NotFoundError:
                    pass
                except ValueError:
                    pass  # the other dimension's turn

    run_all([recreate, lambda: use(1), lambda: use(2)])
    truth = {face.row for face in gallery.faces(KEY, None, 1000).items}
    assert {hit.row for hit in gallery.search_faces(KEY, units(2, 1, 8)[0], 4096, -1.1)} == truth
    assert replace(gallery.outline(KEY), face_count=len(truth)) == gallery.collection(KEY)
    gallery.delete_collection(KEY)
    with pytest.raises(NotFoundError):
        gallery.search_faces(KEY, units(2, 1, 8)[0], 1, 0.0)
    with pytest.raises(NotFoundError):
        gallery.outline(KEY)


class SlowToFill(MemoryGalleryStore):
    """Lets one collection's vectors wait for a signal."""

    def __init__(self) -> None:
        super().__init__()
        self.filling, self.go_on = threading.Event(), threading.Event()

    def face_vectors(self, key: CollectionKey) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        if key == KEY:
            self.filling.set()
            assert self.go_on.wait(30)
        return super().face_vectors(key)


def test_filling_one_collection_blocks_no_other() -> None:
    store, other = SlowToFill(), CollectionKey(KEY.account_id, CollectionId("other"))
    gallery = IndexedGallery(store, BruteForceIndex)
    vector = units(3, 1)[0]
    for key in (KEY, other):
        gallery.create_collection(collection(key), {})
        gallery.add_faces(key, [new_face(vector)])
    slow = threading.Thread(target=gallery.warm, args=(KEY,))
    slow.start()
    assert store.filling.wait(30)
    assert len(gallery.search_faces(other, vector, 1, 0.9)) == 1
    store.go_on.set()
    slow.join(30)
    assert len(gallery.search_faces(KEY, vector, 1, 0.9)) == 1


class Doubtful(MemoryGalleryStore):
    """Says that it failed although it stored: a commit whose answer got lost."""

    doubt = False

    def add_faces(self, key: CollectionKey, faces: Sequence[NewFace], known: Any = None) -> tuple[Face, ...]:
        added = super().add_faces(key, faces, known)
        if self.doubt:
            raise UnavailableError("the answer got lost")
        return added

    def delete_collection(self, key: CollectionKey) -> None:
        super().delete_collection(key)
        if self.doubt:
            raise UnavailableError("the answer got lost")


def test_after_a_doubtful_change_the_index_is_read_from_the_store_again() -> None:
    store = Doubtful()
    gallery = IndexedGallery(store, BruteForceIndex)
    gallery.create_collection(collection(), {})
    gallery.warm(KEY)
    store.doubt = True
    with pytest.raises(UnavailableError):
        gallery.add_faces(KEY, [new_face(units(4, 1)[0])])
    assert len(gallery.search_faces(KEY, units(4, 1)[0], 1, 0.9)) == 1


def test_after_a_doubtful_deletion_the_collection_is_looked_for_again() -> None:
    store = Doubtful()
    gallery = IndexedGallery(store, BruteForceIndex)
    gallery.create_collection(collection(), {})
    assert gallery.outline(KEY) == collection()
    store.doubt = True
    with pytest.raises(UnavailableError):
        gallery.delete_collection(KEY)
    with pytest.raises(NotFoundError):
        gallery.outline(KEY)


def test_unknown_collections_are_an_error_and_cost_no_memory() -> None:
    made: list[int] = []

    def counting(dimension: int) -> VectorIndex:
        made.append(dimension)
        return BruteForceIndex(dimension)

    store: GalleryStore = MemoryGalleryStore()
    gallery = IndexedGallery(store, counting)
    for number in range(50):
        key = CollectionKey(KEY.account_id, CollectionId(f"none-{number}"))
        with pytest.raises(CustodesError):
            gallery.search_faces(key, units(5, 1)[0], 1, 0.0)
        with pytest.raises(NotFoundError):
            gallery.add_faces(key, [new_face(units(5, 1)[0])])
    assert made == []
