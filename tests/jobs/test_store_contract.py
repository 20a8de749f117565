"""What every store of jobs promises, on the one in memory and on the database."""

from __future__ import annotations

from typing import Protocol

import pytest

from custodes.core.errors import IdempotencyError, OpenJobsError
from custodes.core.ids import AccountId
from custodes.jobs.job import ABANDONED, OUTDATED, Cursor, Job, JobCheckpoint, JobId, JobRequest, JobState
from custodes.jobs.ports import JobStore, NoticeStore


class Store(JobStore, NoticeStore, Protocol):
    """Both ports, as every adapter has them."""


ANN, BEN, CLEO = AccountId("111111111111"), AccountId("222222222222"), AccountId("333333333333")
WORK = ("Count",)


def request(
    number: int, account: AccountId = ANN, *, token: str | None = None, channel: str | None = None, asked: bytes = b"x"
) -> JobRequest:
    return JobRequest(JobId(f"{number:064x}"), account, "Count", asked, token, channel)


def claimed(store: JobStore, now_ms: int, owner: str = "w") -> Job:
    job = store.claim(WORK, owner, now_ms)
    assert job is not None
    return job


def found(store: JobStore, number: int, account: AccountId = ANN) -> Job:
    job = store.find(account, JobId(f"{number:064x}"))
    assert job is not None
    return job


def test_a_new_job_waits_and_is_found_by_its_account_only(store: JobStore) -> None:
    made = store.add(request(1, asked=b"what", token="t", channel="arn"), 10)
    assert made.state is JobState.QUEUED
    assert found(store, 1) == made
    assert found(store, 1).request == request(1, asked=b"what", token="t", channel="arn")
    assert store.find(BEN, made.request.job_id) is None
    assert store.find(None, made.request.job_id) == made, "the operator sees all"
    assert store.find(None, JobId("f" * 64)) is None
    assert store.pages(ANN, made.request.job_id) == ()


def test_a_token_makes_one_job_of_the_same_request_for_as_long_as_it_is_remembered(store: JobStore) -> None:
    first = store.add(request(1, token="t"), 0)
    assert store.add(request(2, token="t"), 49_999) == first
    assert store.add(request(3, BEN, token="t"), 1).request.job_id == request(3).job_id, "another account's token"
    for other in (request(4, token="t", asked=b"y"), request(4, token="t", channel="arn")):
        with pytest.raises(IdempotencyError):
            store.add(other, 1)
    assert store.add(request(5, token="t", asked=b"y"), 50_000).request.job_id == request(5).job_id
    assert [job.request.job_id for job in store.listing(ANN, open_only=False, limit=9)] == [
        request(5).job_id,
        request(1).job_id,
    ]


def test_an_account_has_at_most_so_many_open_jobs(store: JobStore) -> None:
    for number in range(4):
        store.add(request(number, token=f"t{number}"), 0)
    with pytest.raises(OpenJobsError):
        store.add(request(9), 0)
    store.add(request(9, BEN), 0)
    assert store.add(request(8, token="t0"), 0) == found(store, 0), "a repetition opens no job"
    assert store.cancel(ANN, request(0).job_id, "no", 1)
    store.add(request(9), 2)


def test_a_claim_keeps_others_away_until_its_lease_ends(store: JobStore) -> None:
    store.add(request(1), 0)
    assert store.claim(("Other",), "w", 0) is None
    first = claimed(store, 5, "one")
    assert (first.state, first.owner, first.attempt, first.ready_ts_ms) == (JobState.RUNNING, "one", 1, 1005)
    assert found(store, 1) == first
    assert store.claim(WORK, "two", 1004) is None
    assert store.renew(first.lease, 1000)
    assert store.claim(WORK, "two", 1999) is None
    second = claimed(store, 2000, "two")
    assert second.fence > first.fence
    assert (second.owner, second.attempt) == ("two", 2)


def test_whoever_lost_a_lease_changes_nothing(store: JobStore) -> None:
    store.add(request(1), 0)
    lost = claimed(store, 0, "one").lease
    second = claimed(store, 1000, "two")
    assert not store.renew(lost, 1001)
    assert not store.advance(lost, JobCheckpoint(Cursor(1), (b"lost",)), 1001)
    assert not store.finish(lost, None, 1001)
    assert not store.postpone(lost, "no", 1001)
    assert not store.interrupt(lost, 1001)
    assert found(store, 1) == second
    assert store.pages(ANN, request(1).job_id) == ()


def test_results_and_cursor_are_kept_together_and_the_next_owner_goes_on_there(store: JobStore) -> None:
    store.add(request(1), 0)
    first = claimed(store, 0)
    assert store.advance(first.lease, JobCheckpoint(Cursor(10, 30, b"here"), (b"a", b"b")), 500)
    assert found(store, 1).percent == pytest.approx(100 / 3)
    assert found(store, 1).units_per_second == pytest.approx(20)
    second = claimed(store, 1500)
    assert (second.cursor, second.claimed_position) == (Cursor(10, 30, b"here"), 10)
    assert second.attempt == 2, "the way to this checkpoint was begun by its owner already"
    assert store.advance(second.lease, JobCheckpoint(Cursor(30, 30), (b"c",)), 1600)
    assert store.finish(second.lease, None, 1700)
    done = found(store, 1)
    assert (done.state, done.percent, done.finished_ts_ms, done.error) == (JobState.SUCCEEDED, 100.0, 1700, None)
    assert store.pages(ANN, request(1).job_id) == (b"a", b"b", b"c")
    assert store.pages(ANN, request(1).job_id, 1, 1) == (b"b",)
    assert store.pages(ANN, request(1).job_id, 3) == ()
    assert store.pages(BEN, request(1).job_id) == ()


def test_what_a_handler_keeps_is_dropped_at_the_end(store: JobStore) -> None:
    store.add(request(1), 0)
    job = claimed(store, 0)
    store.advance(job.lease, JobCheckpoint(Cursor(1, 2, b"vectors of faces")), 1)
    assert found(store, 1).cursor.state == b"vectors of faces"
    store.finish(job.lease, "no", 2)
    assert found(store, 1).cursor == Cursor(1, 2)


def test_the_last_results_and_the_end_are_kept_together(store: JobStore) -> None:
    store.add(request(1), 0)
    job = claimed(store, 0)
    assert store.advance(job.lease, JobCheckpoint(Cursor(2, 2, b"vectors of faces"), (b"page",), last=True), 5)
    ended = found(store, 1)
    assert (ended.state, ended.error, ended.finished_ts_ms, ended.cursor) == (JobState.SUCCEEDED, None, 5, Cursor(2, 2))
    assert list(store.pages(ANN, job.request.job_id)) == [b"page"]
    assert store.claim(WORK, "w", 40_000) is None


def test_an_end_is_an_end(store: JobStore) -> None:
    store.add(request(1), 0)
    job = claimed(store, 0)
    assert store.finish(job.lease, "broken", 10)
    assert found(store, 1).error == "broken"
    assert not store.finish(job.lease, None, 11)
    assert not store.advance(job.lease, JobCheckpoint(Cursor(1)), 11)
    assert not store.cancel(ANN, job.request.job_id, "no", 11)
    assert store.claim(WORK, "w", 40_000) is None
    assert found(store, 1).state is JobState.FAILED


def test_accounts_take_turns(store: JobStore) -> None:
    for number in range(3):
        store.add(request(number), 0)
    store.add(request(10, BEN), 1)
    store.add(request(11, BEN), 1)
    store.add(request(20, CLEO), 2)
    order = []
    for now in range(6):
        job = claimed(store, 10 + now)
        order.append(int(job.request.job_id, 16))
        store.finish(job.lease, None, 10 + now)
    assert order == [0, 10, 20, 1, 11, 2]


def test_an_account_with_less_under_way_goes_first(store: JobStore) -> None:
    store.add(request(10, BEN), 0)
    assert claimed(store, 0).request.account_id == BEN
    for number in range(3):
        store.add(request(number), 1)
    store.add(request(11, BEN), 1)
    assert [claimed(store, 2).request.account_id for _ in range(4)] == [ANN, BEN, ANN, ANN]


def test_an_account_with_less_under_way_goes_before_one_that_waits_longer(store: JobStore) -> None:
    store.add(request(10, BEN), 0)
    store.add(request(1), 0)
    claimed(store, 0)
    store.finish(claimed(store, 0).lease, None, 1)
    store.add(request(2), 1)
    store.add(request(11, BEN), 1)
    assert [claimed(store, 2).request.account_id for _ in range(2)] == [ANN, BEN]


def test_an_interrupted_attempt_does_not_count(store: JobStore) -> None:
    store.add(request(1), 0)
    for now in range(9):
        assert store.interrupt(claimed(store, now).lease, now)
    assert found(store, 1).attempt == 0


def test_a_failed_attempt_is_repeated_after_growing_waits_and_fails_in_the_end(store: JobStore) -> None:
    store.add(request(1), 0)
    assert store.postpone(claimed(store, 0).lease, "busy", 0)
    assert found(store, 1).state is JobState.QUEUED
    assert store.claim(WORK, "w", 99) is None
    assert store.postpone(claimed(store, 100).lease, "busy", 100)
    assert store.claim(WORK, "w", 299) is None
    assert store.postpone(claimed(store, 300).lease, "busy", 300)
    assert (found(store, 1).state, found(store, 1).error) == (JobState.FAILED, "busy")


def test_work_that_dies_again_and_again_at_one_place_is_failed(store: JobStore) -> None:
    store.add(request(1), 0)
    first = claimed(store, 0)
    claimed(store, 1000)
    last = claimed(store, 2000)
    assert store.sweep(2999) == 0, "the last attempt is still under way"
    assert store.claim(WORK, "w", 3000) is None
    assert store.sweep(3000) == 1
    assert (found(store, 1).state, found(store, 1).error) == (JobState.FAILED, ABANDONED)
    assert not store.finish(last.lease, None, 3001)
    assert first.fence < last.fence


def test_progress_gives_new_attempts(store: JobStore) -> None:
    store.add(request(1), 0)
    for step in range(1, 9):
        job = claimed(store, 2000 * step)
        assert store.advance(job.lease, JobCheckpoint(Cursor(step)), 2000 * step)
    assert found(store, 1).state is JobState.RUNNING


def test_days_end(store: JobStore) -> None:
    store.add(request(1, channel="arn"), 0)
    job = claimed(store, 100)
    store.advance(job.lease, JobCheckpoint(Cursor(1), (b"page",)), 100)
    store.finish(job.lease, None, 200)
    store.add(request(2), 1000)
    assert store.sweep(50_199) == 0
    assert store.sweep(50_200) == 1
    assert store.find(ANN, request(1).job_id) is None
    assert store.pages(ANN, request(1).job_id) == ()
    assert store.claim(WORK, "w", 51_000) is None, "nobody begins what is out of date"
    assert store.sweep(51_000) == 1
    assert (found(store, 2).state, found(store, 2).error) == (JobState.FAILED, OUTDATED)


def test_listing_is_newest_first(store: JobStore) -> None:
    store.add(request(1), 0)
    store.add(request(2, BEN), 0)
    store.add(request(3), 0)
    store.cancel(ANN, request(3).job_id, "no", 1)

    def numbers(account: AccountId | None, *, open_only: bool = False, limit: int = 9) -> list[int]:
        return [int(one.request.job_id, 16) for one in store.listing(account, open_only=open_only, limit=limit)]

    assert numbers(None) == [3, 2, 1]
    assert numbers(ANN) == [3, 1]
    assert numbers(None, open_only=True) == [2, 1]
    assert numbers(None, limit=1) == [3]
    assert store.listing(None, open_only=False, limit=9, operations=()) == ()
    assert len(store.listing(None, open_only=False, limit=2, operations=WORK)) == 2
    assert store.listing(None, open_only=False, limit=9, operations=("Other",)) == ()


@pytest.mark.parametrize("end", ["finish", "last", "fail", "cancel", "abandon", "postpone"])
def test_every_end_puts_one_notice_into_the_outbox(store: Store, end: str) -> None:
    store.add(request(1, channel="arn"), 0)
    store.add(request(2), 0)
    job = claimed(store, 0)
    assert store.notices(10**9, 9) == ()
    if end == "finish":
        store.finish(job.lease, None, 5)
    elif end == "last":
        store.advance(job.lease, JobCheckpoint(Cursor(1), last=True), 5)
    elif end == "fail":
        store.finish(job.lease, "no", 5)
    elif end == "cancel":
        store.cancel(ANN, job.request.job_id, "no", 5)
    else:
        other = claimed(store, 0)
        store.finish(other.lease, None, 0)
        for now in (1000, 2000):
            job = claimed(store, now)
        if end == "postpone":
            store.postpone(job.lease, "no", 2500)
        else:
            store.sweep(3000)
    ended = found(store, 1)
    assert store.notices(ended.updated_ts_ms - 1, 9) == ()
    (notice,) = store.notices(ended.updated_ts_ms, 9)
    assert (notice.account_id, notice.job_id, notice.attempt) == (ANN, ended.request.job_id, 0)
    store.delay_notice(notice, 9000)
    assert store.notices(8999, 9) == ()
    (again,) = store.notices(9000, 9)
    assert again.attempt == 1
    store.drop_notice(again)
    assert store.notices(10**9, 9) == ()
