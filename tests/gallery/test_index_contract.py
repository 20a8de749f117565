"""What every VectorIndex promises, and that the fast one gives the oracle's bits."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.core.errors import UnavailableError
from custodes.gallery.entities import Hit
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.kernel import cosines, error_bound
from custodes.gallery.ports import FloatArray, VectorIndex
from custodes.gallery.shelf import Cache, Filling
from custodes.storage.vectors.faiss_index import FaissIndex
from custodes.storage.vectors.kept_marks import KnownMarks, marks_of
from custodes.storage.vectors.milvus_index import MilvusIndex, MilvusServer
from custodes.storage.vectors.pgvector_index import PgvectorIndex, drop_left_behind
from custodes.storage.vectors.scan_library import ScanVariant, open_library
from custodes.storage.vectors.scanned_index import SHARED_FROM, ScannedIndex
from custodes.storage.vectors.segment import CAPACITY
from custodes.storage.vectors.shared_pass import SearchAsked, SharedPass
from tests.fakes.postgres import PostgresServer
from tests.fakes.shards import SpreadIndex
from tests.fakes.vectors import units


class OneByOne:
    """Makes indexes in a database, each in the place of the one before."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made: PgvectorIndex | None = None

    def __call__(self, dimension: int, **options: Any) -> PgvectorIndex:
        self.close()
        self._made = PgvectorIndex(dimension, self._url, **options)
        return self._made

    def close(self) -> None:
        if self._made is not None:
            self._made.erase()


@pytest.fixture
def in_database(postgres: PostgresServer) -> Iterator[OneByOne]:
    made = OneByOne(postgres.empty())
    try:
        made(3)
    except UnavailableError as error:
        pytest.skip(f"this PostgreSQL has no pgvector: {error.message}")
    yield made
    made.close()


@pytest.fixture(scope="module")
def milvus_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """The embedded Milvus, which speaks as a server does."""
    for package in ("pymilvus", "milvus_lite"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: make clusters")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that it imports
        server = MilvusServer(str(tmp_path_factory.mktemp("milvus") / "milvus.db"), owner="ab12")
    yield server
    server.close()


class InMilvus:
    """Makes indexes in Milvus, all beside each other."""

    def __init__(self, server: MilvusServer) -> None:
        self._server = server

    def __call__(self, dimension: int, **options: Any) -> MilvusIndex:
        return MilvusIndex(dimension, self._server, **options)


@pytest.fixture
def in_milvus(milvus_file: MilvusServer) -> InMilvus:
    return InMilvus(milvus_file)


class Scanned:
    """Makes indexes over the own scan with one kind of instructions."""

    def __init__(self, variant: ScanVariant) -> None:
        self.variant = variant

    def __call__(self, dimension: int, segment_rows: int = CAPACITY) -> ScannedIndex:
        library = open_library(variant=self.variant)
        if library is None:
            pytest.skip(f"no compiler when this was installed, or a processor without {self.variant.name}")
        return ScannedIndex(dimension, library, segment_rows)

    def __repr__(self) -> str:
        return self.variant.name


FAST = [FaissIndex, *(Scanned(variant) for variant in ScanVariant)]
"""Indexes in memory whose arithmetic is not the kernel's."""
fast_ones = pytest.mark.parametrize("fast_index", FAST, ids=[getattr(each, "__name__", repr(each)) for each in FAST])


@pytest.fixture(params=[BruteForceIndex, SpreadIndex, *FAST, "in_database", "in_milvus"], ids=str)
def make(request: pytest.FixtureRequest) -> Callable[[int], VectorIndex]:
    if isinstance(request.param, str):
        return request.getfixturevalue(request.param)  # type: ignore[no-any-return]
    return request.param  # type: ignore[no-any-return]


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def test_empty_index_finds_nothing(make: Callable[[int], VectorIndex]) -> None:
    index = make(8)
    assert len(index) == 0
    assert index.search(units(0, 1)[0], 5, -1.0) == ()


def test_rows_are_those_there_are(make: Callable[[int], VectorIndex]) -> None:
    index = make(8)
    assert index.rows().tolist() == []
    index.add(np.arange(40)[::-1].copy(), units(1, 40))
    index.remove(np.arange(0, 40, 3))
    assert index.rows().tolist() == [row for row in range(40) if row % 3]


def test_order_is_by_cosine_then_row(make: Callable[[int], VectorIndex]) -> None:
    index, e = make(4), np.eye(4, dtype=np.float32)
    index.add(rows(9, 2, 5, 7), np.stack([e[0], e[1], e[0], e[0]]))
    assert [(hit.row, hit.cosine) for hit in index.search(e[0], 3, -1.0)] == [(5, 1.0), (7, 1.0), (9, 1.0)]
    assert [hit.row for hit in index.search(e[0], 10, -1.0)] == [5, 7, 9, 2]


def test_threshold_is_inclusive_to_the_last_bit(make: Callable[[int], VectorIndex]) -> None:
    index, vectors = make(128), units(1, 300, 128)
    index.add(np.arange(300), vectors)
    score = index.search(vectors[0], 40, -1.0)[30].cosine
    assert [hit.cosine for hit in index.search(vectors[0], 300, score)][-1] == score
    above = float(np.nextafter(score, 2.0))
    assert score not in [hit.cosine for hit in index.search(vectors[0], 300, above)]


def test_removed_rows_are_gone_and_unknown_rows_ignored(make: Callable[[int], VectorIndex]) -> None:
    index, vectors = make(8), units(2, 200)
    index.add(np.arange(200), vectors)
    index.remove(rows(*range(0, 200, 2), 5000, -1))
    assert len(index) == 100
    assert sorted(hit.row for hit in index.search(vectors[0], 4096, -2.0)) == list(range(1, 200, 2))


def test_a_present_row_is_replaced(make: Callable[[int], VectorIndex]) -> None:
    index, e = make(4), np.eye(4, dtype=np.float32)
    index.add(rows(1, 2), e[:2])
    index.add(rows(1, 1), e[2:])
    assert len(index) == 2
    assert index.search(e[3], 1, 0.5)[0].row == 1
    assert index.search(e[0], 5, 0.5) == ()


@pytest.mark.parametrize(
    "vector", [np.zeros(8), np.full(8, np.nan), np.full(8, 1.0), np.eye(9)[0]], ids=["zero", "nan", "long", "9-d"]
)
def test_vectors_that_are_not_unit_are_refused(make: Callable[[int], VectorIndex], vector: np.ndarray) -> None:
    index = make(8)
    index.add(rows(1), units(3, 1))
    with pytest.raises(ValueError, match=r"unit length|shape"):
        index.add(rows(2), vector[None].astype(np.float32))
    with pytest.raises(ValueError, match=r"unit length|shape"):
        index.search(vector.astype(np.float32), 1, 0.0)
    assert len(index) == 1


def test_limits_of_nothing_and_of_more_than_there_is(make: Callable[[int], VectorIndex]) -> None:
    index, vectors = make(8), units(4, 50)
    index.add(np.arange(50), vectors)
    assert index.search(vectors[0], 0, -1.0) == ()
    assert len(index.search(vectors[0], 4096, -2.0)) == 50
    assert index.search(vectors[0], 10, 1.5) == ()


def clustered(seed: int, count: int, dimension: int) -> FloatArray:
    """Vectors with many exact duplicates and many that differ in the last bits only: where orders go wrong."""
    rng = np.random.default_rng(seed)
    centres = units(seed, max(1, count // 40), dimension)
    picked = centres[rng.integers(len(centres), size=count)].copy()
    nudged = rng.random(count) < 0.5
    picked[nudged] += rng.integers(-3, 4, size=(int(nudged.sum()), dimension)).astype(np.float32) * np.float32(2**-24)
    return picked


@fast_ones
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    dimension=st.sampled_from([1, 2, 3, 7, 64, 128, 200]),
    count=st.integers(1, 400),
    limit=st.sampled_from([1, 2, 10, 77, 4096]),
    near_ties=st.booleans(),
)
def test_a_fast_index_gives_the_bits_of_the_oracle(
    fast_index: Callable[..., VectorIndex], seed: int, dimension: int, count: int, limit: int, near_ties: bool
) -> None:
    rng = np.random.default_rng(seed)
    vectors = clustered(seed, count, dimension) if near_ties else units(seed, count, dimension)
    fast, oracle = fast_index(dimension), BruteForceIndex(dimension)
    numbers = rng.permutation(count)
    for part in np.array_split(numbers, 3):
        fast.add(part, vectors[part])
        oracle.add(part, vectors[part])
        gone = rng.integers(count, size=count // 5)
        fast.remove(gone)
        oracle.remove(gone)
    query = vectors[int(rng.integers(count))] if rng.random() < 0.5 else units(seed + 1, 1, dimension)[0]
    everything = oracle.search(query, count, -2.0)
    threshold = everything[len(everything) // 2].cosine if everything and rng.random() < 0.5 else -1.0
    assert len(fast) == len(oracle)
    assert fast.search(query, limit, threshold) == oracle.search(query, limit, threshold)


@fast_ones
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dimension=st.sampled_from([3, 128, 512]))
def test_scores_are_float64_brute_force_within_the_bound(
    fast_index: Callable[..., VectorIndex], seed: int, dimension: int
) -> None:
    vectors, query = units(seed, 500, dimension), units(seed + 1, 1, dimension)[0]
    index = fast_index(dimension)
    index.add(np.arange(500), vectors)
    true = vectors.astype(np.float64) @ query.astype(np.float64)
    hits = index.search(query, 20, -1.0)
    best = np.sort(true)[::-1][:20]
    assert np.abs(np.array([hit.cosine for hit in hits]) - best).max() <= error_bound(dimension)
    assert all(abs(true[hit.row] - hit.cosine) <= error_bound(dimension) for hit in hits)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dimension=st.sampled_from([1, 3, 128, 130]), start=st.integers(0, 40))
def test_a_score_does_not_depend_on_company(seed: int, dimension: int, start: int) -> None:
    vectors, query = units(seed, 64, dimension), units(seed + 1, 1, dimension)[0]
    alone = [cosines(vector[None].copy(), query)[0] for vector in vectors]
    assert cosines(vectors, query).tolist() == alone
    assert cosines(np.asfortranarray(vectors)[start:], query).tolist() == alone[start:]


@fast_ones
def test_many_segments_answer_like_one_array(fast_index: Callable[..., VectorIndex]) -> None:
    vectors, query = units(5, 30_000, 16), units(6, 1, 16)[0]
    fast, oracle = fast_index(16, segment_rows=4096), BruteForceIndex(16)
    oracle.add(np.arange(30_000), vectors)
    for start in range(0, 30_000, 10_000):
        fast.add(np.arange(start, start + 10_000), vectors[start : start + 10_000])
    asked = ((1, -1.0), (10, 0.5), (4096, -1.0), (4096, 0.7))
    for gone in (np.arange(0, 30_000, 3), np.arange(1000, 29_000)):
        for index in (fast, oracle):
            index.remove(gone)
        assert len(fast) == len(oracle)
        for limit, threshold in asked:
            assert fast.search(query, limit, threshold) == oracle.search(query, limit, threshold)


@fast_ones
@pytest.mark.parametrize("crowd", [300, 3000])
def test_a_crowd_of_near_ties_around_the_last_place_is_ordered_exactly(
    fast_index: Callable[..., VectorIndex], crowd: int
) -> None:
    """More rows within the margin than a first or second scan returns, so that every way to the answer is taken."""
    rng, centre = np.random.default_rng(7), units(7, 1, 128)[0]
    near = centre + rng.standard_normal((crowd, 128)).astype(np.float32) * np.float32(2e-4)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    vectors = np.concatenate([units(8, 3000, 128), near])
    fast, oracle = fast_index(128), BruteForceIndex(128)
    for index in (fast, oracle):
        index.add(np.arange(len(vectors)), vectors)
    for limit in (1, 5, 100):
        assert fast.search(centre, limit, -1.0) == oracle.search(centre, limit, -1.0)
        assert fast.search(centre, limit, 0.9999) == oracle.search(centre, limit, 0.9999)


@fast_ones
def test_vectors_that_bytes_cannot_hold_are_found_all_the_same(fast_index: Callable[..., VectorIndex]) -> None:
    vectors = np.concatenate([np.eye(128, dtype=np.float32), units(9, 2000, 128)])
    fast, oracle = fast_index(128), BruteForceIndex(128)
    for index in (fast, oracle):
        index.add(np.arange(len(vectors)), vectors)
    for query in (vectors[3], vectors[500]):
        assert fast.search(query, 10, -1.0) == oracle.search(query, 10, -1.0)


@pytest.fixture(params=["in_database", "in_milvus"])
def elsewhere(request: pytest.FixtureRequest) -> Callable[..., VectorIndex]:
    """Indexes outside of this process."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def test_an_index_elsewhere_gives_the_bits_of_the_oracle(elsewhere: Callable[..., VectorIndex]) -> None:
    for seed, dimension, count in ((1, 3, 60), (2, 64, 400), (3, 128, 900)):
        vectors = np.concatenate([clustered(seed, count, dimension), units(seed, count, dimension)])
        index, oracle = elsewhere(dimension), BruteForceIndex(dimension)
        for one in (index, oracle):
            one.add(np.arange(len(vectors)), vectors)
            one.remove(np.arange(0, len(vectors), 7))
        assert len(index) == len(oracle)
        for query in (vectors[1], vectors[-1], units(seed + 9, 1, dimension)[0]):
            for limit in (1, 10, 77, 4096):
                ordered = oracle.search(query, len(vectors), -2.0)
                for threshold in (-1.0, ordered[len(ordered) // 3].cosine):
                    assert index.search(query, limit, threshold) == oracle.search(query, limit, threshold)


def test_a_graph_finds_with_true_scores_and_in_order(in_database: OneByOne) -> None:
    vectors = units(4, 2000, 64)
    index, oracle = in_database(64, approximate=True), BruteForceIndex(64)
    for one in (index, oracle):
        one.add(np.arange(2000), vectors)
        one.remove(np.arange(100))
    missed = 0
    for query in vectors[100:150]:
        true = {hit.row: hit.cosine for hit in oracle.search(query, 2000, -2.0)}
        hits = index.search(query, 10, -1.0)
        assert hits[0].row >= 100 and hits[0] == oracle.search(query, 1, -1.0)[0]
        assert [(-hit.cosine, hit.row) for hit in hits] == sorted((-true[hit.row], hit.row) for hit in hits)
        missed += len({hit.row for hit in oracle.search(query, 10, -1.0)} - {hit.row for hit in hits})
    assert missed <= 10


def test_scores_are_of_our_own_vectors_and_of_those_alone(elsewhere: Callable[..., VectorIndex]) -> None:
    kept, altered = units(5, 50, 16), units(6, 50, 16)

    def own(rows: np.ndarray) -> tuple[np.ndarray, FloatArray]:
        there = rows[rows % 5 != 0]
        return there, kept[there]

    index = elsewhere(16, own=own)
    index.add(np.arange(50), altered)
    (hit,) = index.search(altered[7], 1, -1.0)[:1]
    assert hit.cosine in cosines(kept, altered[7])
    found = index.search(altered[7], 100, -1.0)
    assert sorted(hit.row for hit in found) == [row for row in range(50) if row % 5]


def test_indexes_in_milvus_do_not_meet(in_milvus: InMilvus) -> None:
    one, other = in_milvus(16), in_milvus(16)
    one.add(np.arange(20), units(7, 20, 16))
    other.add(np.arange(20), units(8, 20, 16))
    assert one.search(units(8, 20, 16)[3], 1, 0.999) == ()
    assert other.search(units(8, 20, 16)[3], 1, 0.999)[0].row == 3
    one.erase()
    assert (len(one), len(other)) == (0, 20)


def test_what_a_killed_owner_left_goes_when_it_comes_back(milvus_file: MilvusServer, in_milvus: InMilvus) -> None:
    left = in_milvus(16)
    left.add(np.arange(20), units(9, 20, 16))
    kept = MilvusIndex(16, milvus_file, name="0123456789abcdef")
    kept.add(np.arange(5), units(9, 5, 16))
    milvus_file.keep_only(["0123456789abcdef"])
    assert (len(left), len(kept)) == (0, 5)
    milvus_file.keep_only([])
    assert len(kept) == 0


def test_what_a_killed_owner_left_in_a_database_goes(postgres: PostgresServer, in_database: OneByOne) -> None:
    url = postgres.empty()
    left = PgvectorIndex(16, url, owner="ab12")
    other = PgvectorIndex(16, url, owner="cd34")
    left.add(np.arange(3), units(9, 3, 16))
    drop_left_behind(url, "ab12")
    with pytest.raises(UnavailableError):
        len(left)
    assert len(other) == 0
    other.close()


def test_milvus_that_is_not_there_is_unavailable() -> None:
    if importlib.util.find_spec("pymilvus") is None:
        pytest.skip("pymilvus is not installed: make clusters")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(UnavailableError) as told:
            MilvusServer("http://127.0.0.1:9", "root:secret-of-mine", connect_s=2)
    assert "secret-of-mine" not in str(told.value)


@fast_ones
def test_hundreds_of_equal_vectors_are_told_by_rising_row(fast_index: Callable[..., VectorIndex]) -> None:
    """More equal scores at the last place than any list of candidates has room for."""
    vector = units(11, 1, 128)
    fast = fast_index(128)
    fast.add(np.arange(30_000)[::-1].copy(), np.repeat(vector, 30_000, axis=0))
    assert [hit.row for hit in fast.search(vector[0], 7, -1.0)] == list(range(7))


def test_searches_that_share_a_pass_answer_as_each_alone() -> None:
    """Many at once, among changes: what is told is exactly what each would have been told."""
    library = open_library()
    if library is None:
        pytest.skip("no compiler when this was installed")
    count = SHARED_FROM + 1000
    vectors, queries = units(12, count, 16), units(13, 120, 16)
    index, oracle = ScannedIndex(16, library), BruteForceIndex(16)
    for each in (index, oracle):
        each.add(np.arange(count), vectors)
    asked = [(query, 1 + n % 40, -1.0 if n % 3 else 0.6) for n, query in enumerate(queries)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda each: index.search(*each), asked))
    assert found == [oracle.search(*each) for each in asked]


def test_an_error_reaches_whoever_asked_for_it_and_nobody_else() -> None:
    def answers(asked: Sequence[SearchAsked]) -> list[tuple[Hit, ...]]:
        if any(each.limit == 13 for each in asked):
            raise MemoryError
        return [(Hit(each.limit, 1.0),) for each in asked]

    shared, query = SharedPass(answers), units(14, 1)[0]

    def row(limit: int) -> int | None:
        try:
            return shared(SearchAsked(query, limit, 0.0))[0].row
        except MemoryError:
            return None

    limits = [13 if n % 7 == 3 else 100 + n for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(row, limits)) == [None if limit == 13 else limit for limit in limits]


class Kept:
    """Opens one index of a name again and again, as processes that follow each other do."""

    def __init__(self, opened: Callable[[], VectorIndex]) -> None:
        self.opened = opened

    def put(self, rows: np.ndarray, vectors: FloatArray) -> VectorIndex:
        """Fill it as a gallery does, from a store that has exactly these."""
        cache = Cache()
        return cache.filled(Filling(self.opened, lambda: iter([(rows, vectors)]), lambda: True))


@pytest.fixture(params=["pgvector", "milvus"])
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    name = "0123456789abcdef"
    if request.param == "pgvector":
        request.getfixturevalue("in_database")
        url = request.getfixturevalue("postgres").empty()
        made = Kept(lambda: PgvectorIndex(16, url, owner="ab12", name=name))
    else:
        server = request.getfixturevalue("milvus_file")
        made = Kept(lambda: MilvusIndex(16, server, name=name))
    yield made
    made.opened().erase()


def test_an_index_that_was_closed_is_gone_on_with_and_is_what_the_store_has(kept: Kept) -> None:
    vectors, other = units(15, 60, 16), units(16, 60, 16)
    first = kept.put(np.arange(40), vectors[:40])
    first.remove(np.arange(0, 40, 8))
    first.close()
    left = kept.opened()
    assert left.rows().tolist() == [row for row in range(40) if row % 8]
    left.close()
    # Meanwhile faces came and went, and two rows are of other faces, as after a database was set back.
    now = np.arange(10, 60)
    meant = vectors.copy()
    meant[[12, 33]] = other[[12, 33]]
    index, oracle = kept.put(now, meant[now]), BruteForceIndex(16)
    oracle.add(now, meant[now])
    assert index.rows().tolist() == now.tolist()
    for query in (*meant[[12, 33, 50]], *vectors[[12, 0]]):
        for limit, least in ((1, -1.0), (7, 0.2), (60, -1.0)):
            assert index.search(query, limit, least) == oracle.search(query, limit, least)
    index.close()


def test_only_what_differs_is_lacking() -> None:
    vectors, rows = units(17, 30, 16), np.arange(100, 130)
    known = KnownMarks(rows[::-1], marks_of(vectors)[::-1])
    assert not known.lacks(rows, marks_of(vectors)).any()
    changed = vectors.copy()
    changed[7, 3] = np.nextafter(changed[7, 3], np.float32(2))
    assert np.flatnonzero(known.lacks(rows, marks_of(changed))).tolist() == [7]
    assert known.lacks(np.array([0, 99, 130, 10**12]), marks_of(vectors[:4])).all()
    assert KnownMarks(np.empty(0, np.int64), np.empty(0, np.int64)).lacks(rows, marks_of(vectors)).all()
