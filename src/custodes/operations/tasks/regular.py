"""Tasks that a collection wants every few days: begun within the gate for the account itself, results as of any task.

In: tags of collections, the jobs of the last days. Out: tasks. A collection with the tag ``custodes:duplicates-days``
or ``custodes:clustering-days`` and a number from 1 to 7 gets such a task so often, with the settings that are usual;
any other value asks for nothing. Whoever may tag a collection decides it; whether the account may is decided, and on
record, each time. Results are kept for seven days, and so are the jobs by which it is known when the last one was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import structlog

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError
from custodes.core.ids import AccountId, RequestId
from custodes.gallery.entities import CollectionKey
from custodes.jobs.job import DAY_MS, Job
from custodes.jobs.ports import JobStore
from custodes.operations.collections.ports import Gallery
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Gate
from custodes.operations.requests.principals import account_itself
from custodes.operations.tasks.commands import StartDuplicateSearch, StartFaceClustering, TaskCommand
from custodes.operations.tasks.run import TaskRequest
from custodes.operations.tasks.use_cases import TaskOperations

REGULAR: Mapping[str, type[StartDuplicateSearch] | type[StartFaceClustering]] = {
    "custodes:duplicates-days": StartDuplicateSearch,
    "custodes:clustering-days": StartFaceClustering,
}
MAX_DAYS = 7
_EARLY_MS = 60_000
"""So that a task every day is not every day and an hour."""
_PAGE = 500
_JOBS = 1000
_Place = tuple[CollectionKey, str]


@dataclass(frozen=True, slots=True)
class RegularParts:
    """What it takes: ``accounts`` gives those that are served."""

    gate: Gate
    tasks: TaskOperations
    gallery: Gallery
    jobs: JobStore
    accounts: Callable[[], Iterable[AccountId]]
    clock: Clock
    request_ids: Callable[[], RequestId]
    region: str


class RegularTasks:
    """Begins what is due."""

    def __init__(self, parts: RegularParts) -> None:
        """Nothing was tried yet."""
        self._parts = parts
        self._tried: dict[_Place, int] = {}
        self._logger = structlog.get_logger("custodes.tasks")

    def begin(self) -> None:
        """Begin every task that is due. Raises UnavailableError: a store cannot be read."""
        for account in self._parts.accounts():
            wanted = list(self._wanted(account))
            last = self._last(account) if wanted else {}
            for command, days in wanted:
                self._begin(account, command, days, last)

    def _begin(self, account: AccountId, command: TaskCommand, days: int, last: Mapping[_Place, int]) -> None:
        parts, now_ms = self._parts, self._parts.clock.now_ms()
        place = (CollectionKey(account, command.collection_id), command.operation)
        if now_ms < max(last.get(place, 0), self._tried.get(place, 0)) + days * DAY_MS - _EARLY_MS:
            return
        self._tried[place] = now_ms
        try:
            parts.gate.perform(
                Context(account_itself(account, parts.region), parts.request_ids(), now_ms), command, parts.tasks.start
            )
        except CustodesError as error:  # tried again when it is due the next time
            self._logger.warning(
                "a task was not begun",
                account=account,
                collection=command.collection_id,
                operation=command.operation,
                error=type(error).__name__,
            )

    def _wanted(self, account: AccountId) -> Iterator[tuple[TaskCommand, int]]:
        after: str | None = None
        while True:
            page = self._parts.gallery.collections(account, after, _PAGE)
            for collection in page.items:
                for tag, value in self._parts.gallery.tags(collection.key).items():
                    if tag in REGULAR and value.isdecimal() and 1 <= int(value) <= MAX_DAYS:
                        yield REGULAR[tag](collection_id=collection.key.collection_id), int(value)
            if not isinstance(page.last, str):
                return
            after = page.last

    def _last(self, account: AccountId) -> dict[_Place, int]:
        """When each kind of task was begun last, whoever asked for it."""
        found: dict[_Place, int] = {}
        kinds = [kind.operation for kind in REGULAR.values()]
        for job in self._parts.jobs.listing(account, open_only=False, limit=_JOBS, operations=kinds):
            place = _place(job)
            found[place] = max(found.get(place, 0), job.created_ts_ms)
        return found


def _place(job: Job) -> _Place:
    command = TaskRequest.from_bytes(job.request.input).command
    return CollectionKey(job.request.account_id, command.collection_id), command.operation
