"""Workers in a Ray cluster: one actor a core, which keeps its networks loaded.

In: what opens a workshop, a cluster's address, or none for one of this machine. Out: an Executor. Only bytes of our own
making travel; Ray itself moves them, and the name of the class, with pickle, so a cluster is as trusted as the server
itself, and its ports belong into a closed network. Pictures pass through the memory of its machines and stay nowhere. A
worker that dies is started again by Ray, and its units are carried out again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from custodes.core.errors import CustodesError, UnavailableError
from custodes.jobs.executor import Workshop

LOCAL = "local"
_RESTARTS = 100
_RETRIES = 5
_OBJECT_BYTES = 200 * 1024 * 1024
"""Of the shared memory of a cluster that is started here: units under way are a few megabytes each."""


class RayWorker:
    """In a worker: carries out units. An expected failure is a value, so that no exception has to be pickled."""

    def __init__(self, new_workshop: Callable[[], Workshop]) -> None:
        """Open the workshop with the first unit."""
        self._new_workshop = new_workshop
        self._workshop: Workshop | None = None

    def carry_out(self, work: str, unit: bytes) -> tuple[bytes, str]:
        """Result, or the message of what was refused."""
        try:
            if self._workshop is None:
                self._workshop = self._new_workshop()
            return self._workshop(work, unit), ""
        except CustodesError as error:
            return b"", error.message or type(error).__name__


class RayExecutor:
    """An Executor of Ray actors."""

    def __init__(self, new_workshop: Callable[[], Workshop], address: str = LOCAL, workers: int | None = None) -> None:
        """Join the cluster at ``address``, or start one of this machine, and start ``workers`` there.

        Args:
            new_workshop: opens a workshop in a worker; a function of a module, with plain arguments.
            address: like ``ray://host:10001`` or ``host:6379``; ``local`` for one of this machine alone.
            workers: how many; None for one per core of the cluster.

        Raises:
            UnavailableError: Ray is not installed, or there is no such cluster.
        """
        self._ray = ray = _opened(address)
        self._at_once = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        actor = ray.remote(num_cpus=1, max_restarts=_RESTARTS, max_task_retries=_RETRIES)(RayWorker)
        self._workers = [actor.remote(new_workshop) for _ in range(self._at_once)]
        self._lock = threading.Lock()
        self._pending = [0] * self._at_once

    @property
    def at_once(self) -> int:
        """See Executor."""
        return self._at_once

    def submit(self, work: str, unit: bytes) -> Future[bytes]:
        """See Executor. It goes to the worker that has least to do."""
        with self._lock:
            if not self._workers:
                raise UnavailableError("The workers are closed.")
            place = self._pending.index(min(self._pending))
            self._pending[place] += 1
            worker = self._workers[place]
        answer: Future[bytes] = Future()
        answer.set_running_or_notify_cancel()
        try:
            told = worker.carry_out.remote(work, unit).future()
        except self._ray.exceptions.RayError as error:
            self._done(place)
            raise UnavailableError("The workers cannot be reached.") from error
        told.add_done_callback(lambda done: self._answer(place, done, answer))
        return answer

    def close(self) -> None:
        """See Executor."""
        with self._lock:
            workers, self._workers = self._workers, []
        if workers:
            self._ray.shutdown()

    def _answer(self, place: int, done: Future[Any], answer: Future[bytes]) -> None:
        self._done(place)
        error = done.exception()
        if error is not None:
            lost = UnavailableError(f"A worker was lost: {type(error).__name__}")
            lost.__cause__ = error
            answer.set_exception(lost)
            return
        data, refused = done.result()
        if refused:
            answer.set_exception(UnavailableError(refused))
        else:
            answer.set_result(data)

    def _done(self, place: int) -> None:
        with self._lock:
            self._pending[place] -= 1


def _opened(address: str) -> Any:
    """The module, connected. It is imported here alone: that takes seconds and a gigabyte."""
    # Before the import: Ray tells its makers what is done with it unless it is told not to.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError as error:
        raise UnavailableError("Ray is not installed: pip install 'custodes[ray]'") from error
    quiet = {"include_dashboard": False, "log_to_driver": False, "configure_logging": False}
    where = (
        {"num_cpus": os.cpu_count() or 1, "object_store_memory": _OBJECT_BYTES, **quiet}
        if address == LOCAL
        else {"address": address, "log_to_driver": False, "configure_logging": False}
    )
    try:
        ray.init(namespace="custodes", ignore_reinit_error=True, **where)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise UnavailableError(f"The Ray cluster cannot be reached: {error}") from error
    return ray
