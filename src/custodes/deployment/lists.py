"""The sanctions lists of a running server: fetched when they are due, committed to its ledger.

In: the data directory, an open ledger. Out: ``list`` entries; editions brought in by commands are found
and committed like those that the schedule brought in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from custodes.core.clock import Clock
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.record.housekeeping import Housekeeping
from custodes.operations.requests.admin import AdminHandlers
from custodes.operations.screening.list_imports import commit_editions, list_handlers
from custodes.operations.screening.list_publishers import Refresh, Schedule
from custodes.operations.screening.ports import Edition
from custodes.storage.files.list_download import download
from custodes.storage.sql.screening.lists import ScreeningLists
from custodes.storage.sql.screening.publishers import StoredPublishers


@contextmanager
def keep_lists(data: Path, duties: Housekeeping, log: LedgerWriter, clock: Clock) -> Iterator[AdminHandlers]:
    """Have ``duties`` commit editions, at once, every hour and when new ones were fetched, and fetch what is due.

    Yields what carries out commands about them.

    Args:
        data: the data directory.
        duties: of the ledger.
        log: the ledger.
        clock: when it is.
    """
    with ExitStack() as opened:
        lists = opened.enter_context(closing(ScreeningLists(data)))
        publishers = opened.enter_context(closing(StoredPublishers(data)))

        def commit() -> list[tuple[int, Edition]]:
            return commit_editions(lists, log)

        duties.soon(commit)
        duties.every_hour(commit)
        schedule = Schedule(Refresh(publishers, lists, download, clock), lambda _: duties.soon(commit))
        opened.enter_context(closing(schedule))
        schedule.start()
        yield list_handlers(commit)
