"""The sanctions lists of a running server: fetched when they are due, committed to its ledger.

In: the data directory, an open ledger. Out: schedules that lead to ``list`` entries; editions brought in by commands
are found and committed like those that were fetched.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from custodes.core.clock import Clock
from custodes.jobs.schedule import HOUR_MS, Schedule, regularly
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.requests.admin import AdminHandlers
from custodes.operations.screening.list_imports import commit_editions, list_handlers
from custodes.operations.screening.list_publishers import Refresh
from custodes.operations.screening.ports import Edition
from custodes.settings import Settings
from custodes.storage.files.list_download import download
from custodes.storage.sql.screening.lists import ScreeningLists
from custodes.storage.sql.screening.publishers import StoredPublishers

FETCH_MS = 30_000
"""How often it is looked which lists are due."""


@contextmanager
def schedule_lists(
    settings: Settings, log: LedgerWriter, clock: Clock
) -> Iterator[tuple[tuple[Schedule, ...], AdminHandlers]]:
    """Schedules that fetch lists when they are due, and commit editions, and what carries out commands about them.

    Args:
        settings: where the lists are.
        log: the ledger.
        clock: when it is.
    """
    with ExitStack() as opened:
        lists = opened.enter_context(closing(ScreeningLists(settings.data, settings.database)))
        publishers = opened.enter_context(closing(StoredPublishers(settings.data, settings.database)))
        refresh, lock = Refresh(publishers, lists, download, clock), threading.Lock()

        def commit() -> list[tuple[int, Edition]]:
            with lock:
                return commit_editions(lists, log)

        def fetch() -> None:
            if refresh.run_due():
                commit()

        schedules = (
            Schedule("sanctions list entries", HOUR_MS, regularly(commit), at_start=True, lane="lists"),
            Schedule("sanctions lists", FETCH_MS, regularly(fetch), at_start=True, lane="lists"),
        )
        yield schedules, list_handlers(commit)
