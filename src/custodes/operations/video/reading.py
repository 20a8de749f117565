"""Parts of a finished job's results in any order, without reading all of them each time.

In: a job's store, an ordering, from where to where. Out: items or segments, and whether there are more. By time, only
the pages that hold the part are read. Every other order needs all results once; then it is kept in memory, as long as
there is room. Results of a finished job never change.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import orjson

from custodes.core.ids import AccountId
from custodes.jobs.job import Job, JobId
from custodes.jobs.ports import JobStore
from custodes.operations.video.ordering import BY_TIME, Ordering, ordered
from custodes.operations.video.pages import VideoSummary, read_pages, read_summary
from custodes.operations.video.ports import Item
from custodes.operations.video.segments import Segment, segments_of

MAX_KEPT_BYTES = 64 * 1024**2
_SEGMENT_BYTES = 200
_Key = tuple[AccountId, JobId, str]


class OrderedResults:
    """Ordered results that were lately read, up to a number of bytes; safe to use from several threads."""

    def __init__(self, max_bytes: int = MAX_KEPT_BYTES) -> None:
        """Keep nothing yet."""
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._kept: OrderedDict[_Key, tuple[Sequence[Any], int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: _Key, make: Callable[[], tuple[Sequence[Any], int]]) -> Sequence[Any]:
        """What is kept for ``key``, else what ``make`` gives with its size in bytes, which is kept if it fits."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        made, size = make()
        with self._lock:
            if size <= self._max_bytes and key not in self._kept:
                self._kept[key] = (made, size)
                self._bytes += size
                while self._bytes > self._max_bytes:
                    _, (_, gone) = self._kept.popitem(last=False)
                    self._bytes -= gone
        return made


class ResultReader:
    """Reads results of jobs that have succeeded."""

    def __init__(self, jobs: JobStore, kept: OrderedResults) -> None:
        """Read from ``jobs``; keep in ``kept`` what took all pages to make."""
        self._jobs = jobs
        self._kept = kept

    def summary(self, job: Job) -> VideoSummary | None:
        """What the last page says; None where the job is forgotten meanwhile."""
        page = self._jobs.last_page(job.request.account_id, job.request.job_id)
        return None if page is None else read_summary(page)

    def items(
        self, job: Job, summary: VideoSummary, ordering: Ordering, start: int, end: int
    ) -> tuple[Sequence[Item], bool]:
        """Items from ``start`` to before ``end``, and whether there are more."""
        if ordering == BY_TIME:
            return self._by_time(job, summary.counts, start, end)

        def make() -> tuple[Sequence[bytes], int]:
            whole = [orjson.dumps(item) for item in ordered(self._all(job), ordering)]
            return whole, sum(map(len, whole))

        whole = self._kept.get(_key(job, f"{ordering.sort_by} {ordering.aggregate_by}"), make)
        return [orjson.loads(item) for item in whole[start:end]], len(whole) > end

    def segments(self, job: Job, options: Mapping[str, Any], start: int, end: int) -> tuple[Sequence[Segment], bool]:
        """The same of segments."""

        def make() -> tuple[Sequence[Segment], int]:
            every = segments_of(self._all(job), options)
            return every, _SEGMENT_BYTES * len(every)

        whole = self._kept.get(_key(job, "segments"), make)
        return whole[start:end], len(whole) > end

    def _by_time(self, job: Job, counts: Sequence[int], start: int, end: int) -> tuple[Sequence[Item], bool]:
        """Pages are in order of time, and the summary says how many items each has."""
        ends = list(accumulate(counts))
        total = ends[-1] if ends else 0
        if start >= total:
            return [], False
        first, last = bisect_right(ends, start), min(bisect_right(ends, end - 1), len(ends) - 1)
        pages = self._jobs.pages(job.request.account_id, job.request.job_id, first, last - first + 1)
        before = ends[first] - counts[first]
        return read_pages(pages).items[start - before : end - before], total > end

    def _all(self, job: Job) -> Any:
        return read_pages(self._jobs.pages(job.request.account_id, job.request.job_id))


def _key(job: Job, what: str) -> _Key:
    return job.request.account_id, job.request.job_id, what
