"""Rates and requests at a time, by account; the clock is moved by hand."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.errors import InvalidParameterError, RateExceededError, ThrottledError
from custodes.core.ids import AccountId
from custodes.governance.bucket import Buckets
from custodes.governance.limits import AccountLimits, Pace, check_limits, pace
from custodes.operations.accounts.throttle import AccountQuotas, Throttle, no_overrides

ANN, BOB = AccountId("111111111111"), AccountId("222222222222")


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    rate=st.integers(1, 50),
    burst=st.integers(1, 50),
    waits=st.lists(st.floats(0, 2, allow_nan=False), min_size=1, max_size=80),
)
def test_no_more_pass_than_the_burst_and_what_flows_in(rate: int, burst: int, waits: list[float]) -> None:
    buckets, now, passed = Buckets(), 0.0, 0
    for wait in waits:
        now += wait
        passed += buckets.take("name", Pace(rate, burst), now)
    assert passed <= burst + rate * sum(waits[1:]) + 1e-6
    # And no fewer: whoever waits for a token gets it.
    assert buckets.take("name", Pace(rate, burst), now + 1.0 / rate + 1e-6)


def test_a_clock_that_runs_backwards_fills_nothing() -> None:
    buckets = Buckets()
    assert buckets.take("name", Pace(1, 1), 100.0)
    assert not buckets.take("name", Pace(1, 1), 50.0)
    assert not buckets.take("name", Pace(1, 1), 100.5)
    assert buckets.take("name", Pace(1, 1), 101.0)


def test_full_buckets_are_forgotten() -> None:
    buckets = Buckets()
    for number in range(20_000):
        buckets.take(number, Pace(1000, 1), number / 100)
    assert len(buckets) < 10_000


def test_accounts_and_operations_have_buckets_of_their_own() -> None:
    seconds = Seconds()
    throttle = Throttle(AccountLimits(rate=1, burst=2), no_overrides, seconds)

    def passes(account: AccountId, operation: str) -> bool:
        try:
            with throttle.passing(account, operation):
                return True
        except RateExceededError:
            return False

    assert [passes(ANN, "DetectFaces") for _ in range(3)] == [True, True, False]
    assert passes(ANN, "SearchFaces")
    assert passes(BOB, "DetectFaces")
    seconds.now += 1
    assert [passes(ANN, "DetectFaces") for _ in range(2)] == [True, False]


def test_requests_at_a_time_are_given_back_however_they_end() -> None:
    throttle = Throttle(AccountLimits(in_flight=2), no_overrides, Seconds())
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), throttle.passing(ANN, "DetectFaces"):
            raise ZeroDivisionError
    with ExitStack() as held:
        held.enter_context(throttle.passing(ANN, "DetectFaces"))
        held.enter_context(throttle.passing(ANN, "SearchFaces"))
        with pytest.raises(ThrottledError), throttle.passing(ANN, "ListFaces"):
            pass
        with throttle.passing(BOB, "ListFaces"):
            pass
    with throttle.passing(ANN, "ListFaces"):
        pass


def test_a_refused_rate_holds_nothing() -> None:
    throttle = Throttle(AccountLimits(rate=1, burst=1, in_flight=1), no_overrides, Seconds())
    with throttle.passing(ANN, "DetectFaces"):
        pass
    for _ in range(3):
        with pytest.raises(RateExceededError), throttle.passing(ANN, "DetectFaces"):
            pass
    with throttle.passing(ANN, "ListFaces"):
        pass


def test_many_threads_take_what_there_is_and_no_more() -> None:
    throttle = Throttle(AccountLimits(rate=1, burst=100, in_flight=1000), no_overrides, Seconds())
    passed = []

    def send() -> None:
        for _ in range(50):
            try:
                with throttle.passing(ANN, "DetectFaces"):
                    passed.append(1)
            except RateExceededError:
                pass

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 100


def test_what_is_set_for_an_account_goes_before_the_servers_own() -> None:
    overrides = {ANN: {"rate": 5, "rate.DetectFaces": 1, "burst.ListFaces": 9, "collections": 3, "from-the-future": 1}}
    mine = overrides[ANN]
    limits = AccountLimits(rate=100, burst=200).overridden(mine)
    assert pace(limits, mine, "SearchFaces") == Pace(5, 200)
    assert pace(limits, mine, "DetectFaces") == Pace(1, 2)
    assert pace(limits, mine, "ListFaces") == Pace(5, 9)
    quotas = AccountQuotas(AccountLimits(faces_per_collection=7), lambda account: overrides.get(account, {}))
    assert (quotas(ANN).collections, quotas(ANN).faces_per_collection) == (3, 7)
    assert quotas(BOB).collections == AccountLimits().collections


def test_without_a_rate_everything_passes() -> None:
    throttle = Throttle(AccountLimits(rate=0, burst=1), no_overrides, Seconds())
    for _ in range(100):
        with throttle.passing(ANN, "DetectFaces"):
            pass


@pytest.mark.parametrize(
    "wrong",
    [{"speed": 1}, {"rate.": 1}, {"rate.Nothing": 1}, {"burst.detectfaces": 1}, {"rate": -1}, {"rate": True}, {"": 1}],
)
def test_what_is_no_limit_is_refused_when_it_is_set(wrong: dict[str, int]) -> None:
    known = {"rate": 0, "burst.DetectFaces": 5, "rate.DetectFaces": 0, "users_per_collection": 1}
    assert check_limits(known, ["DetectFaces"]) == known
    with pytest.raises(InvalidParameterError):
        check_limits(known | wrong, ["DetectFaces"])
