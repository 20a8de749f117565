"""Parts of 3,000 results in every order: nothing lost, nothing twice, and not all pages read for each part."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

from custodes.core.box import Size
from custodes.core.ids import AccountId
from custodes.jobs.job import Cursor, Job, JobCheckpoint, JobId, JobRequest
from custodes.operations.video.ordering import Ordering
from custodes.operations.video.pages import VideoSummary, items_page, summary_page
from custodes.operations.video.reading import OrderedResults, ResultReader
from custodes.video.formats.facts import VideoFacts
from tests.fakes.jobs import MemoryJobStore

ME, PAGES, SAMPLES = AccountId("111111111111"), 50, 20
FACTS = VideoFacts("h264", "QuickTime / MOV", 500_000, Fraction(25), None, Size(320, 240))
ORDERS = [Ordering(sort, "TIMESTAMPS") for sort in ("TIMESTAMP", "NAME", "ID", "INDEX")] + [
    Ordering(sort, "SEGMENTS") for sort in ("TIMESTAMP", "NAME")
]


class CountingStore(MemoryJobStore):
    """Counts the pages that are read."""

    read = 0

    def pages(self, account_id: AccountId, job_id: JobId, first: int = 0, count: int | None = None) -> Sequence[bytes]:
        found = super().pages(account_id, job_id, first, count)
        self.read += len(found)
        return found


@pytest.fixture
def store() -> CountingStore:
    """A job with three items a sample: two names all the time, a third that comes and goes."""
    store = CountingStore()
    asked = JobRequest(JobId("a" * 64), ME, "StartLabelDetection", b"{}")
    store.add(asked, 0)
    job = store.claim([asked.operation], "w", 0)
    assert job is not None
    number, pages = 0, []
    for _ in range(PAGES):
        items: list[dict[str, Any]] = []
        times = [500 * (number + at) for at in range(SAMPLES)]
        for ts_ms in times:
            third = "c" if ts_ms // 500 % 8 < 4 else "d"
            for at, name in enumerate(("a", "b", third)):
                items.append({"t": ts_ms, "k": name, "c": 90.0, "x": at, "i": {"Name": name, "at": ts_ms}})
        number += SAMPLES
        pages.append(items_page(times, items))
    summary = VideoSummary(FACTS, {}, "3.0", (3 * SAMPLES,) * PAGES)
    store.advance(job.lease, JobCheckpoint(Cursor(1, 1), (*pages, summary_page(summary))), 1)
    store.finish(job.lease, None, 2)
    return store


def found_job(store: CountingStore) -> Job:
    job = store.find(ME, JobId("a" * 64))
    assert job is not None
    return job


@pytest.mark.parametrize("ordering", ORDERS, ids=lambda one: f"{one.sort_by}-{one.aggregate_by}")
@pytest.mark.parametrize("size", [7, 60, 1000])
def test_parts_are_the_whole(store: CountingStore, ordering: Ordering, size: int) -> None:
    job, reader = found_job(store), ResultReader(store, OrderedResults())
    summary = reader.summary(job)
    assert summary is not None
    whole, more = reader.items(job, summary, ordering, 0, 10_000)
    assert not more and len({repr(item) for item in whole}) == len(whole)
    assert len(whole) == 3000 if ordering.aggregate_by == "TIMESTAMPS" else len(whole) == 2 + 250
    parts: list[Any] = []
    more = True
    while more:
        part, more = reader.items(job, summary, ordering, len(parts), len(parts) + size)
        assert len(part) == size or not more
        parts += part
    assert parts == list(whole)


def test_a_part_by_time_reads_the_pages_that_hold_it(store: CountingStore) -> None:
    job, reader = found_job(store), ResultReader(store, OrderedResults())
    summary = reader.summary(job)
    assert summary is not None
    for start, size, most in ((0, 60, 1), (59, 2, 2), (2990, 100, 1), (600, 120, 2)):
        store.read = 0
        items, _ = reader.items(job, summary, ORDERS[0], start, start + size)
        assert items[0]["t"] == start // 3 * 500 and store.read <= most
    assert reader.items(job, summary, ORDERS[0], 3000, 3010) == ([], False)


def test_another_order_reads_all_pages_once_while_there_is_room(store: CountingStore) -> None:
    job = found_job(store)
    for room, most in ((1 << 20, PAGES + 1), (1000, 3 * (PAGES + 1))):
        reader, store.read = ResultReader(store, OrderedResults(room)), 0
        summary = reader.summary(job)
        assert summary is not None
        for start in (0, 1000, 2000):
            reader.items(job, summary, ORDERS[1], start, start + 1000)
        assert store.read <= most
        assert (store.read > PAGES + 10) == (room == 1000)
