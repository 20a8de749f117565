"""Work beside the caller: it really runs at the same time, and never outlives its block."""

from __future__ import annotations

import threading

import pytest

from custodes.engine.runtime.beside import ALONE, Beside


def test_work_runs_while_the_caller_does_something_else() -> None:
    met = threading.Barrier(2, timeout=10)
    with Beside(2).running(lambda: met.wait() is not None and 7) as result:
        met.wait()
        assert result() == 7


def test_on_one_thread_work_runs_where_its_result_is_asked_for() -> None:
    for beside in (ALONE, Beside(1)):
        ran: list[int] = []
        with beside.running(lambda ran=ran: ran.append(threading.get_ident())) as result:
            assert ran == []
            result()
        assert ran == [threading.get_ident()]


def test_an_error_beside_reaches_the_caller() -> None:
    def fails() -> None:
        raise MemoryError

    with Beside(2).running(fails) as result, pytest.raises(MemoryError):
        result()


def test_nothing_runs_after_the_block_even_where_the_caller_failed() -> None:
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> None:
        began.set()
        go_on.wait(10)
        ended.set()

    def fails() -> None:
        with Beside(2).running(slow):
            assert began.wait(10)
            threading.Timer(0.05, go_on.set).start()
            raise ValueError

    with pytest.raises(ValueError):
        fails()
    assert ended.is_set()


def test_work_that_did_not_begin_is_not_done_when_nobody_waits_any_more() -> None:
    beside, release, ran = Beside(2), threading.Event(), threading.Event()
    with (
        beside.running(lambda: release.wait(10)),
        beside.running(lambda: release.wait(10)),
    ):
        with beside.running(ran.set):
            pass
        release.set()
    assert not ran.is_set()
