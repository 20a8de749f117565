"""What every Executor promises: threads of this process and workers of a Ray cluster."""

from __future__ import annotations

import importlib.util
import os
import signal
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from custodes.core.errors import UnavailableError
from custodes.jobs.executor import Executor, ThreadExecutor, Workshop, in_order

WORKERS = 2
WAIT_S = 1.0


def workshop() -> Workshop:
    """Kinds of work for the suite."""

    def carry_out(work: str, unit: bytes) -> bytes:
        match work:
            case "reverse":
                return unit[::-1]
            case "process":
                return str(os.getpid()).encode()
            case "refuse":
                raise UnavailableError(f"no {unit.decode()}")
            case "die once":
                mark = Path(unit.decode())
                if not mark.exists():
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                return b"lived"
        time.sleep(WAIT_S)
        return work.encode()

    return carry_out


@pytest.fixture(scope="module")
def ray() -> Iterator[Executor]:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: make clusters")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own modules
        from custodes.deployment.bulk.ray_executor import RayExecutor

        executor = RayExecutor(workshop, workers=WORKERS)
    yield executor
    executor.close()


@pytest.fixture(params=["threads", "ray"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "ray":
        yield request.getfixturevalue("ray")
        return
    threads = ThreadExecutor(workshop(), WORKERS)
    yield threads
    threads.close()


def test_a_unit_gives_its_result(executor: Executor) -> None:
    assert executor.at_once == WORKERS
    assert executor.submit("reverse", b"abc").result(60) == b"cba"
    large = os.urandom(3_000_000)
    assert executor.submit("reverse", large).result(60) == large[::-1]
    assert executor.submit("reverse", b"").result(60) == b""


def test_results_come_in_order_and_few_units_are_taken_ahead(executor: Executor) -> None:
    taken = []

    def units() -> Iterator[bytes]:
        for number in range(40):
            taken.append(number)
            yield str(number).encode()

    results = in_order(executor, "reverse", units())
    assert next(results) == b"0"
    assert len(taken) <= 2 * WORKERS + 2
    assert list(results) == [str(number)[::-1].encode() for number in range(1, 40)]


def test_units_are_carried_out_at_the_same_time(executor: Executor) -> None:
    executor.submit("reverse", b"").result(60)
    start = time.monotonic()
    waiting: list[Future[bytes]] = [executor.submit("wait", b"") for _ in range(4)]
    assert [one.result(60) for one in waiting] == [b"wait"] * 4
    assert time.monotonic() - start < 3.5 * WAIT_S, "one after the other they take four times as long as one"


def test_what_a_unit_raises_is_raised_where_it_is_waited_for(executor: Executor) -> None:
    with pytest.raises(UnavailableError, match="no bread"):
        executor.submit("refuse", b"bread").result(60)
    with pytest.raises(UnavailableError, match="no milk"):
        list(in_order(executor, "refuse", [b"milk", b"eggs"]))
    assert executor.submit("reverse", b"on").result(60) == b"no"


def test_units_of_a_worker_that_died_are_carried_out_all_the_same(ray: Executor, tmp_path: Path) -> None:
    waiting = [ray.submit("wait", b"") for _ in range(3)]
    dying = ray.submit("die once", str(tmp_path / "died").encode())
    assert dying.result(120) == b"lived"
    assert [one.result(120) for one in waiting] == [b"wait"] * 3
    elsewhere = {int(ray.submit("process", b"").result(60)) for _ in range(4)}
    assert os.getpid() not in elsewhere


def test_closed_workers_refuse(ray: Executor) -> None:
    ray.close()
    ray.close()
    with pytest.raises(UnavailableError):
        ray.submit("reverse", b"")
