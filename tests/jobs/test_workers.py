"""Workers: what handlers do, fail at and are stopped at; leases that stay alive; notices that are sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import structlog

from custodes.core.clock import FixedClock
from custodes.core.errors import NotFoundError, UnavailableError
from custodes.core.ids import AccountId
from custodes.jobs.job import Cursor, Job, JobCheckpoint, JobId, JobLimits, JobRequest, JobState
from custodes.jobs.outbox import GIVE_UP_MS, NoticeDelivery
from custodes.jobs.worker import DEFECT, JobWorkers, WorkerSettings
from tests.fakes.jobs import MemoryJobStore, Scripted

ANN = AccountId("111111111111")
NAME = JobId("a" * 64)
Work = Callable[[Job], Iterator[JobCheckpoint]]


def request(number: int = 0, channel: str | None = None) -> JobRequest:
    return JobRequest(JobId(f"{number:064x}"), ANN, "Count", b"", channel=channel)


class Store(MemoryJobStore):
    """One that threads may use, and that says when a job is over or put back."""

    def __init__(self, limits: JobLimits | None = None) -> None:
        super().__init__(limits)
        self.changed = threading.Condition(threading.RLock())

    def claim(self, *arguments: object) -> Job | None:
        with self.changed:
            return super().claim(*arguments)  # type: ignore[arg-type]

    def _keep(self, job: Job) -> Job:
        with self.changed:
            kept = super()._keep(job)
            self.changed.notify_all()
            return kept

    def wait_until(self, state: JobState, number: int = 0) -> Job:
        def there() -> bool:
            job = self.find(ANN, request(number).job_id)
            return job is not None and job.state is state

        with self.changed:
            assert self.changed.wait_for(there, 10), self.find(ANN, request(number).job_id)
            found = self.find(ANN, request(number).job_id)
            assert found is not None
            return found


def workers(store: MemoryJobStore, work: Work, clock: FixedClock | None = None, threads: int = 1) -> JobWorkers:
    settings = WorkerSettings("test", threads, poll_s=0.01, renew_s=0.01)
    return JobWorkers(store, {"Count": Scripted(work)}, clock or FixedClock(), settings)


def ended(work: Work, limits: JobLimits | None = None) -> Job:
    """The job of one handler, once it succeeded or failed."""
    store = Store(limits or JobLimits(retry_ms=0))
    store.add(request(), FixedClock().now_ms())
    with closing(workers(store, work)) as running:
        running.start()
        with store.changed:
            assert store.changed.wait_for(lambda: not store.listing(None, open_only=True, limit=1), 10)
    return store.wait_until(store.listing(None, open_only=False, limit=1)[0].state)


def test_checkpoints_are_kept_and_the_end_is_success() -> None:
    def work(job: Job) -> Iterator[JobCheckpoint]:
        for step in range(1, 4):
            yield JobCheckpoint(Cursor(step, 3), (bytes([step]),))

    store = Store()
    with closing(workers(store, work)) as running:
        running.start()
        store.add(request(), FixedClock().now_ms())
        running.wake()
        job = store.wait_until(JobState.SUCCEEDED)
    assert job.cursor == Cursor(3, 3)
    assert store.pages(ANN, request().job_id) == (b"\1", b"\2", b"\3")


def test_a_domain_error_fails_the_job_with_its_message() -> None:
    def work(job: Job) -> Iterator[JobCheckpoint]:
        yield JobCheckpoint(Cursor(1))
        raise NotFoundError("the collection is gone")

    job = ended(work)
    assert (job.state, job.error, job.attempt) == (JobState.FAILED, "the collection is gone", 1)


@pytest.mark.parametrize(
    ("error", "message"),
    [(UnavailableError("the decoder died"), "the decoder died"), (OSError("/secret"), "A resource was not available.")],
)
def test_what_may_pass_is_tried_again_so_often(error: Exception, message: str) -> None:
    begun: list[int] = []

    def work(job: Job) -> Iterator[JobCheckpoint]:
        begun.append(job.attempt)
        raise error
        yield

    job = ended(work)
    assert begun == [1, 2, 3]
    assert (job.state, job.error) == (JobState.FAILED, message)


def test_a_defect_fails_its_job_only_and_is_logged_as_one() -> None:
    def work(job: Job) -> Iterator[JobCheckpoint]:
        if job.request.job_id == request(0).job_id:
            raise ValueError("a mistake of ours")
        yield JobCheckpoint(Cursor(1))

    store = Store()
    for number in range(2):
        store.add(request(number), FixedClock().now_ms())
    with structlog.testing.capture_logs() as logs, closing(workers(store, work)) as running:
        running.start()
        assert store.wait_until(JobState.FAILED, 0).error == DEFECT
        store.wait_until(JobState.SUCCEEDED, 1)
    assert [(line["event"], line["log_level"]) for line in logs] == [("a job met a defect", "error")]


def test_a_cancelled_job_is_left_at_its_next_checkpoint() -> None:
    store, begun, cancelled, left = Store(), threading.Event(), threading.Event(), threading.Event()

    def work(job: Job) -> Iterator[JobCheckpoint]:
        try:
            begun.set()
            assert cancelled.wait(10)
            yield JobCheckpoint(Cursor(1), (b"page",))
            pytest.fail("it went on")
        finally:
            left.set()

    store.add(request(), FixedClock().now_ms())
    with closing(workers(store, work)) as running:
        running.start()
        assert begun.wait(10)
        store.cancel(ANN, request().job_id, "stopped by the operator", FixedClock().now_ms())
        cancelled.set()
        assert left.wait(10)
    job = store.wait_until(JobState.FAILED)
    assert job.error == "stopped by the operator"
    assert store.pages(ANN, job.request.job_id) == ()


def test_closing_gives_the_job_back_at_its_next_checkpoint() -> None:
    store, begun = Store(), threading.Event()

    def work(job: Job) -> Iterator[JobCheckpoint]:
        for step in range(1, 10**9):
            begun.set()
            yield JobCheckpoint(Cursor(step), (b"page",))

    store.add(request(), FixedClock().now_ms())
    running = workers(store, work)
    running.start()
    assert begun.wait(10)
    running.close()
    running.close()
    job = store.wait_until(JobState.QUEUED)
    assert (job.attempt, job.cursor.position) == (0, len(store.pages(ANN, job.request.job_id)))


def test_a_job_that_told_its_last_is_not_begun_again_by_a_worker_that_stops_there() -> None:
    """A death between the last results and the end would have the end done, and recorded, a second time."""
    store, told, put_away = Store(), threading.Event(), []
    stop = threading.Event()

    def work(job: Job) -> Iterator[JobCheckpoint]:
        told.set()
        assert stop.wait(10)
        yield JobCheckpoint(Cursor(1, 1), (b"all",), last=True)
        put_away.append(store.find(ANN, request().job_id).state)  # type: ignore[union-attr]

    store.add(request(), FixedClock().now_ms())
    running = workers(store, work)
    running.start()
    assert told.wait(10)
    closing_it = threading.Thread(target=running.close)
    closing_it.start()
    closing_it.join(0.2)  # it waits for the checkpoint that comes now
    stop.set()
    closing_it.join(10)
    assert store.wait_until(JobState.SUCCEEDED).attempt == 1
    assert put_away == [JobState.SUCCEEDED]


def test_a_long_step_keeps_its_lease() -> None:
    clock, store = FixedClock(), Store(JobLimits(lease_ms=1000))
    begun, over = threading.Event(), threading.Event()

    def work(job: Job) -> Iterator[JobCheckpoint]:
        begun.set()
        assert over.wait(10)
        yield JobCheckpoint(Cursor(1))

    store.add(request(), clock.now_ms())
    with closing(workers(store, work, clock)) as running:
        running.start()
        assert begun.wait(10)
        for _ in range(5):
            clock.advance(900)
            with store.changed:
                assert store.changed.wait_for(lambda: _lease_end(store) == clock.now_ms() + 1000, 10)
        over.set()
        store.wait_until(JobState.SUCCEEDED)


def _lease_end(store: Store) -> int:
    (job,) = store.listing(None, open_only=False, limit=1)
    return job.ready_ts_ms


def test_so_many_threads_work_at_the_same_time() -> None:
    store, together = Store(), threading.Barrier(3)

    def work(job: Job) -> Iterator[JobCheckpoint]:
        together.wait(10)
        yield JobCheckpoint(Cursor(1))

    for number in range(3):
        store.add(request(number), FixedClock().now_ms())
    with closing(workers(store, work, threads=3)) as running:
        running.start()
        for number in range(3):
            store.wait_until(JobState.SUCCEEDED, number)


class Sender:
    """Sends to a list, after so many failures."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.sent: list[Job] = []

    def send(self, job: Job) -> None:
        if self.failures:
            self.failures -= 1
            raise UnavailableError("nobody there")
        self.sent.append(job)


def over(clock: FixedClock) -> MemoryJobStore:
    store = MemoryJobStore()
    store.add(request(channel="arn"), clock.now_ms())
    job = store.claim(["Count"], "w", clock.now_ms())
    assert job is not None
    store.finish(job.lease, None, clock.now_ms())
    return store


def test_a_notice_is_sent_once() -> None:
    clock, sender = FixedClock(), Sender()
    store = over(clock)
    delivery = NoticeDelivery(store, store, sender, clock)
    for _ in range(2):
        assert not delivery.deliver()
    assert [(job.state, job.request.channel) for job in sender.sent] == [(JobState.SUCCEEDED, "arn")]


def test_a_notice_that_cannot_be_sent_is_tried_again_with_growing_waits() -> None:
    clock, sender = FixedClock(), Sender(failures=2)
    store = over(clock)
    delivery = NoticeDelivery(store, store, sender, clock)
    sent_after = []
    for second in range(10):
        before = len(sender.sent)
        delivery.deliver()
        if len(sender.sent) > before:
            sent_after.append(second)
        clock.advance(1000)
    assert sent_after == [3], "at once, after one second, after two more"


def test_a_notice_is_given_up_after_an_hour() -> None:
    clock, sender = FixedClock(), Sender(failures=10**6)
    store = over(clock)
    delivery = NoticeDelivery(store, store, sender, clock)
    for _ in range(GIVE_UP_MS // 10_000):
        delivery.deliver()
        clock.advance(10_000)
    assert store.outbox == {}
    assert 5 < 10**6 - sender.failures < 20


def test_many_notices_are_sent_a_few_at_a_time() -> None:
    clock, sender, store = FixedClock(), Sender(), MemoryJobStore(JobLimits(open_per_account=99))
    for number in range(30):
        store.add(request(number, "arn"), clock.now_ms())
        store.cancel(ANN, request(number).job_id, "no", clock.now_ms())
    delivery = NoticeDelivery(store, store, sender, clock)
    assert [delivery.deliver(), delivery.deliver()] == [True, False]
    assert len(sender.sent) == 30
