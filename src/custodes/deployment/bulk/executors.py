"""Who computes for jobs, as set: threads of this process, and the Ray cluster where one is named.

In: settings, the engine of this process. Out: executors; the cluster is joined when it is first asked for.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from custodes.core.errors import InvalidParameterError, NotSupportedError
from custodes.deployment.bulk.workshop import WorkerNetworks, open_workshop, workshop
from custodes.engine.ports import FaceEngine
from custodes.jobs.executor import Executor, ThreadExecutor
from custodes.operations.tasks.commands import On
from custodes.operations.tasks.ports import NO_RAY
from custodes.settings import Settings


class ServerExecutors:
    """Implements ``Executors``."""

    def __init__(self, settings: Settings, local: Executor) -> None:
        """Nothing is begun before it is asked for.

        Raises:
            InvalidParameterError: a cluster is set, and Ray is not installed.
        """
        if settings.ray and importlib.util.find_spec("ray") is None:
            raise InvalidParameterError("CUSTODES_RAY is set, and Ray is not installed: pip install 'custodes[ray]'")
        self._settings = settings
        self._local = local
        self._lock = threading.Lock()
        self._ray: Executor | None = None

    def on(self, where: On) -> Executor:
        """See Executors."""
        self.require(where)
        if where is On.LOCAL:
            return self._local
        with self._lock:
            if self._ray is None:
                from custodes.deployment.bulk.ray_executor import RayExecutor

                self._ray = RayExecutor(partial(open_workshop, WorkerNetworks.of(self._settings)), self._settings.ray)
            return self._ray

    def require(self, where: On) -> None:
        """See Executors."""
        if where is On.RAY and not self._settings.ray:
            raise NotSupportedError(NO_RAY)

    def close(self) -> None:
        """Let go of all workers."""
        self._local.close()
        with self._lock:
            if self._ray is not None:
                self._ray.close()


@contextmanager
def open_executors(settings: Settings, engine: FaceEngine) -> Iterator[ServerExecutors]:
    """Until the end of the block."""
    executors = ServerExecutors(settings, ThreadExecutor(workshop(engine), os.cpu_count() or 1))
    try:
        yield executors
    finally:
        executors.close()
