"""Servers that have collections in memory together answer as one index over all faces does, or not at all."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custodes.core.errors import NotFoundError, NotReadyError
from custodes.core.ids import CollectionId, FaceId, ModelVersion
from custodes.gallery.entities import CollectionKey, Hit
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.gallery.shards.part import merged
from custodes.storage.files.segment_files import SegmentFiles
from custodes.storage.sql.gallery.store import SqlGalleryStore
from tests.fakes.directories import opened_database
from tests.fakes.postgres import database_url
from tests.fakes.shards import WIDTH, Cluster
from tests.fakes.vectors import KEY, collection, new_face, units
from tests.fakes.waiting import eventually

NAMES = ("one", "two", "three")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlGalleryStore]:
    data = tmp_path / "data"
    with closing(opened_database(data, database_url(request))) as database:
        files = SegmentFiles(tmp_path / "cache", full_rows=10, worth_rows=4)
        made = SqlGalleryStore.open(database, data, os.urandom, files=files, changes_kept=40)
        made.create_collection(collection(), {})
        yield made


@pytest.fixture
def cluster(store: SqlGalleryStore) -> Iterator[Cluster]:
    with closing(Cluster()) as made:
        for name in NAMES:
            made.start(name, store)
        yield made


def enrol(cluster: Cluster, count: int, seed: int = 1, first: int = 0) -> np.ndarray:
    vectors = units(seed, count)
    faces = [new_face(vector, f"face-{first + number}") for number, vector in enumerate(vectors)]
    cluster.galleries["one"].add_faces(KEY, faces)
    return vectors


def expected(store: SqlGalleryStore, query: np.ndarray, limit: int, least: float) -> tuple[Hit, ...]:
    return IndexedGallery(store, BruteForceIndex).search_faces(KEY, query, limit, least)


def same(cluster: Cluster, store: SqlGalleryStore, queries: np.ndarray) -> None:
    """Each server answers as one index over the store does now."""
    for query in queries:
        for limit, least in ((1, -1.0), (7, -1.0), (4096, -1.0), (10, 0.5)):
            wanted = expected(store, query, limit, least)
            for name in cluster.listed:
                assert cluster.galleries[name].search_faces(KEY, query, limit, least) == wanted


def test_answers_are_those_of_one_index(cluster: Cluster, store: SqlGalleryStore) -> None:
    vectors = enrol(cluster, 200)
    same(cluster, store, np.concatenate([vectors[:3], units(2, 3)]))
    held = [gallery.held() for gallery in cluster.galleries.values()]
    assert sum(held) == 200 and max(held) <= 12 * WIDTH
    cluster.galleries["two"].delete_faces(KEY, [FaceId(f"face-{n}") for n in range(0, 200, 3)])
    same(cluster, store, vectors[:4])
    enrol(cluster, 90, 3, 200)
    same(cluster, store, vectors[:2])


def test_a_small_collection_is_whole_everywhere_and_is_spread_when_it_grows(
    cluster: Cluster, store: SqlGalleryStore
) -> None:
    vectors = enrol(cluster, WIDTH - 1)
    same(cluster, store, vectors[:2])
    assert [gallery.held() for gallery in cluster.galleries.values()] == [WIDTH - 1] * 3
    assert cluster.asked == 0
    enrol(cluster, 60, 4, WIDTH)
    same(cluster, store, vectors[:2])
    for gallery in cluster.galleries.values():
        gallery.tend()
    assert sum(gallery.held() for gallery in cluster.galleries.values()) == WIDTH - 1 + 60
    same(cluster, store, vectors[:2])


def test_what_one_acknowledged_the_next_search_of_every_server_knows(cluster: Cluster, store: SqlGalleryStore) -> None:
    enrol(cluster, 60)
    names = list(cluster.galleries)
    for number, vector in enumerate(units(5, 30)):
        here, there = cluster.galleries[names[number % 3]], cluster.galleries[names[(number + 1) % 3]]
        here.add_faces(KEY, [new_face(vector, f"new-{number}")])
        (hit,) = there.search_faces(KEY, vector, 1, 0.9999)
        there.delete_faces(KEY, [FaceId(f"new-{number}")])
        for gallery in cluster.galleries.values():
            assert hit.row not in {found.row for found in gallery.search_faces(KEY, vector, 4096, -1.0)}
    same(cluster, store, units(6, 2))


def test_while_a_server_is_away_no_search_is_answered_from_fewer_faces(
    cluster: Cluster, store: SqlGalleryStore
) -> None:
    vectors = enrol(cluster, 150)
    same(cluster, store, vectors[:1])
    impatient = cluster.start("four", store, wait_s=0.4)
    same(cluster, store, vectors[:1])
    cluster.away.add("two")
    with pytest.raises(NotReadyError):
        impatient.search_faces(KEY, vectors[0], 4096, -1.0)
    wanted, found = expected(store, vectors[0], 4096, -1.0), list[tuple[Hit, ...]]()
    waiting = threading.Thread(
        target=lambda: found.append(cluster.galleries["one"].search_faces(KEY, vectors[0], 4096, -1.0))
    )
    waiting.start()
    waiting.join(0.5)
    assert not found
    cluster.listed.remove("two")
    waiting.join(10)
    assert found == [wanted], "the others took over"
    same(cluster, store, vectors[:2])
    cluster.away.clear()
    cluster.listed.append("two")
    same(cluster, store, vectors[:2])
    for name in cluster.listed:
        cluster.galleries[name].tend()
    assert sum(gallery.held() for gallery in cluster.galleries.values()) == 150, "what is not needed is given back"
    same(cluster, store, vectors[:2])


def test_a_server_that_stands_still_is_not_waited_for_once_it_is_off_the_list(
    cluster: Cluster, store: SqlGalleryStore
) -> None:
    vectors = enrol(cluster, 150)
    same(cluster, store, vectors[:1])
    cluster.held_up["three"] = threading.Event()
    found = list[tuple[Hit, ...]]()
    waiting = threading.Thread(
        target=lambda: found.append(cluster.galleries["one"].search_faces(KEY, vectors[0], 9, -1.0))
    )
    waiting.start()
    waiting.join(0.5)
    assert not found
    cluster.listed.remove("three")
    waiting.join(5)
    assert found == [expected(store, vectors[0], 9, -1.0)]
    cluster.held_up.pop("three").set()


def test_what_nobody_has_is_taken_over_without_a_search(cluster: Cluster, store: SqlGalleryStore) -> None:
    vectors = enrol(cluster, 200)
    same(cluster, store, vectors[:1])
    cluster.listed.remove("two")
    left = [cluster.galleries["one"], cluster.galleries["three"]]

    def taken_over() -> bool:
        for gallery in left:
            gallery.tend()
        return sum(gallery.held() for gallery in left) == 200

    eventually(taken_over)
    same(cluster, store, vectors[:1])


def test_a_collection_made_anew_and_one_of_another_model(cluster: Cluster, store: SqlGalleryStore) -> None:
    vectors = enrol(cluster, 100)
    same(cluster, store, vectors[:1])
    cluster.galleries["two"].delete_collection(KEY)
    for gallery in cluster.galleries.values():
        with pytest.raises(NotFoundError):
            gallery.search_faces(KEY, vectors[0], 1, -1.0)
    cluster.galleries["three"].create_collection(collection(), {})
    assert all(gallery.search_faces(KEY, vectors[0], 5, -1.0) == () for gallery in cluster.galleries.values())
    vectors = enrol(cluster, 50, 8)
    same(cluster, store, vectors[:1])
    other, version = units(9, 50, 4), ModelVersion("2.0")
    store.stage_vectors(KEY, version, {FaceId(f"face-{n}"): vector for n, vector in enumerate(other)})
    cluster.galleries["one"].switch_vectors(KEY, version, 4, [])
    same(cluster, store, other[:2])


def test_more_changes_than_are_known_are_read_anew(cluster: Cluster, store: SqlGalleryStore) -> None:
    vectors = enrol(cluster, 120)
    same(cluster, store, vectors[:1])
    for number in range(60):
        cluster.galleries["one"].delete_faces(KEY, [FaceId(f"face-{number}")])
    same(cluster, store, vectors[:2])


def test_collections_of_others_lie_between(cluster: Cluster, store: SqlGalleryStore) -> None:
    """Row numbers are of all collections, so a shard may have few rows of one, or none."""
    other = CollectionKey(KEY.account_id, CollectionId("others"))
    store.create_collection(collection(other), {})
    for number, vector in enumerate(units(10, 120)):
        store.add_faces(KEY if number % 5 < 2 else other, [new_face(vector)])
    same(cluster, store, units(11, 3))


def test_under_load_and_with_servers_that_come_and_go_every_answer_is_whole(
    cluster: Cluster, store: SqlGalleryStore
) -> None:
    vectors = enrol(cluster, 150)
    same(cluster, store, vectors[:1])
    stopping, wrong, answers = threading.Event(), list[str](), list[int]()

    def search(number: int) -> None:
        chance = random.Random(number)
        while not stopping.is_set():
            at = chance.randrange(75)
            try:
                hits = cluster.galleries[chance.choice(("one", "three"))].search_faces(KEY, vectors[at], 4096, -1.0)
            except NotReadyError:
                continue
            answers.append(len(hits))
            if hits[0].cosine < 0.9999 or not 75 <= len(hits) <= 150:
                wrong.append(f"{at}: {len(hits)} hits, best {hits[0].cosine}")

    threads = [threading.Thread(target=search, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    chance = random.Random(5)
    for number in range(75, 150):
        if "two" in cluster.listed:
            cluster.listed.remove("two")
        elif chance.random() < 0.5:
            cluster.listed.append("two")
        cluster.galleries["one"].delete_faces(KEY, [FaceId(f"face-{number}")])
        for name in ("one", "three"):
            cluster.galleries[name].tend()
    stopping.set()
    for thread in threads:
        thread.join()
    assert wrong == [] and answers
    same(cluster, store, vectors[:3])


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=80),
    st.integers(1, 30),
    st.floats(-1, 1, width=32),
    st.randoms(use_true_random=False),
)
def test_any_partition_of_any_faces_gives_the_answer_of_one_index(
    owners: list[int], limit: int, least: float, chance: random.Random
) -> None:
    """Some faces twice, as two servers may have them, and many equal."""
    vectors = units(12, 6)[[chance.randrange(6) for _ in owners]]
    rows, query = np.array(chance.sample(range(1, 1000), len(owners))), units(13, 1)[0]
    whole, parts = BruteForceIndex(8), [BruteForceIndex(8) for _ in range(6)]
    whole.add(rows, vectors)
    for number, owner in enumerate(owners):
        for part in {owner, chance.randrange(6)}:
            parts[part].add(rows[number : number + 1], vectors[number : number + 1])
    assert merged([part.search(query, limit, least) for part in parts], limit) == whole.search(query, limit, least)
