"""Threads that watch streams: one for each processor at work.

In: the store of processors, told when something changed. Out: processors as they go on: running, stopped, failed. After
a restart of the server every processor that was at work is watched again. It sends nothing itself and decides nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError, InUseError
from custodes.core.ids import AccountId
from custodes.operations.streams.ports import StreamProcessorStore
from custodes.operations.streams.watching import Watch
from custodes.video.live.processor import StreamProcessor, StreamRun, StreamState

UNEXPECTED = "The stream could not be watched: see the log of the server."
_LOOK_S = 1.0

WatchOf = Callable[[StreamProcessor, StreamRun], Watch]


@dataclass(slots=True)
class _Watching:
    """A thread and the wish that it ends; ``session_id`` is the run that it belongs to."""

    session_id: str
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class StreamWorkers:
    """Keeps as many threads as there are processors at work, ``at_most`` together."""

    def __init__(
        self,
        processors: StreamProcessorStore,
        watch_of: WatchOf,
        clock: Clock,
        at_most: int,
        failed: Callable[[BaseException], None],
    ) -> None:
        """Watch with what ``watch_of`` gives; defects are told to ``failed``."""
        self._processors = processors
        self._watch_of = watch_of
        self._clock = clock
        self._at_most = at_most
        self._failed = failed
        self._lock = threading.Lock()
        self._at_work: dict[tuple[AccountId, str], _Watching] = {}  # guarded by _lock
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="streams", daemon=True)

    def start(self) -> None:
        """Begin, with what was at work before."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the store now."""
        self._changed.set()

    def has_room(self) -> bool:
        """Whether one more stream can be watched."""
        with self._lock:
            return len(self._at_work) < self._at_most

    def close(self) -> None:
        """End all threads. Processors stay as they are, so that the next start goes on."""
        self._closing.set()
        self._changed.set()
        with self._lock:
            watching = list(self._at_work.values())
        for one in watching:
            one.stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for one in watching:
            if one.thread is not None:
                one.thread.join()

    def _supervise(self) -> None:
        while not self._closing.is_set():
            self._changed.clear()
            try:
                for processor in self._processors.listing(None):
                    self._attend(processor)
            except CustodesError as error:  # the store cannot be read: again later
                self._failed(error)
            self._changed.wait(_LOOK_S)

    def _attend(self, processor: StreamProcessor) -> None:
        key, run = (processor.account_id, processor.name), processor.run
        with self._lock:
            watching = self._at_work.get(key)
        if watching is not None and (run is None or run.session_id != watching.session_id):
            watching.stop.set()
        elif processor.state is StreamState.STOPPING:
            if watching is not None:
                watching.stop.set()
            else:
                self._keep(processor, lambda one: one.ended(self._clock.now_ms()))
        elif run is not None and watching is None and self.has_room() and not self._closing.is_set():
            self._begin(processor, run)

    def _begin(self, processor: StreamProcessor, run: StreamRun) -> None:
        watching = _Watching(run.session_id)
        name = f"stream {processor.name}"
        watching.thread = threading.Thread(target=self._work, args=(processor, run, watching), name=name, daemon=True)
        with self._lock:
            self._at_work[(processor.account_id, processor.name)] = watching
        watching.thread.start()

    def _work(self, processor: StreamProcessor, run: StreamRun, watching: _Watching) -> None:
        failure: str | None = UNEXPECTED
        running = threading.Event()

        def arrived() -> None:
            if not running.is_set():
                running.set()
                self._keep(processor, lambda one: one.running(self._clock.now_ms()), run)

        try:
            failure = self._watch_of(processor, run).watch(watching.stop.is_set, arrived)
        except Exception as error:  # noqa: BLE001 - the border of a thread
            self._failed(error)
        finally:
            self._leave(processor, run, failure)

    def _leave(self, processor: StreamProcessor, run: StreamRun, failure: str | None) -> None:
        try:
            if not self._closing.is_set() or failure is not None:
                self._keep(processor, lambda one: one.ended(self._clock.now_ms(), failure), run)
        except CustodesError as error:  # the store cannot be written: the supervisor begins the run anew
            self._failed(error)
        finally:
            with self._lock:
                del self._at_work[(processor.account_id, processor.name)]
            self._changed.set()

    def _keep(
        self,
        processor: StreamProcessor,
        change: Callable[[StreamProcessor], StreamProcessor],
        run: StreamRun | None = None,
    ) -> None:
        """Change the stored processor, whatever became of it meanwhile, as long as it is the same run."""
        while True:
            now = self._processors.find(processor.account_id, processor.name)
            if now is None or (run is not None and (now.run is None or now.run.session_id != run.session_id)):
                return
            try:
                after = change(now)
            except InUseError:
                return
            if after == now or self._processors.keep(after):
                return
