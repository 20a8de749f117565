"""Screening over a data directory: lists, cases, officers and drafts, put together and kept going.

In: an open database and ledger, what to act on accounts through. Out: the use cases, what carries
out commands about them, their schedules; closed again in order.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from custodes.core.clock import SystemClock
from custodes.core.ids import AccountId
from custodes.deployment.record.sharing import SCREENING, Sharing
from custodes.deployment.record.stored import in_directory
from custodes.jobs.schedule import HOUR_MS, Schedule, regularly
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.record.evidence.statements import Statements
from custodes.operations.requests.admin import AdminHandlers
from custodes.operations.screening.account_effects import screen_missing
from custodes.operations.screening.admin import Officers, ScreeningAdmin
from custodes.operations.screening.log import ScreeningLog
from custodes.operations.screening.ports import Suspender
from custodes.operations.screening.screening import ScreeningParts, Screenings
from custodes.settings import Settings
from custodes.storage.sql.database import Database, alone
from custodes.storage.sql.master import open_master
from custodes.storage.sql.screening.cases import EditionLists, KeptDrafts, SealedCases
from custodes.storage.sql.screening.lists import ScreeningLists

GLANCE_MS = 15_000
MOST_REST_S = 0.02


class RestsBetween:
    """Rests as long as was worked since the last rest, so that long work takes half of one core at most."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic, sleep_s: Callable[[float], None] = time.sleep):
        """Tell the time by ``clock_s``."""
        self._clock_s, self._sleep_s = clock_s, sleep_s
        self._since_s = clock_s()

    def rest(self) -> None:
        """Rest, a fiftieth of a second at most: the first call after a pause, during which nothing was worked, too."""
        self._sleep_s(min(self._clock_s() - self._since_s, MOST_REST_S))
        self._since_s = self._clock_s()


@dataclass(frozen=True, slots=True)
class OpenScreening:
    """The use cases of screening, and who may decide."""

    screenings: Screenings
    officers: Officers

    def admin(self, directory: AccountDirectory) -> AdminHandlers:
        """What carries out commands about the accounts in ``directory``."""
        return ScreeningAdmin(self.screenings, self.officers, directory).handlers

    def start(self, directory: AccountDirectory) -> None:
        """Have every customer screened, and up to date with the lists.

        Raises:
            UnavailableError: the ledger or the store cannot be written.
        """
        self.screenings.follow(screen_missing(directory, self.screenings))
        self.screenings.refresh()


@contextmanager
def open_screening(
    database: Database,
    settings: Settings,
    operator: AccountId,
    log: LedgerWriter,
    statements: Statements,
    suspender: Suspender,
    sharing: Sharing | None = None,
) -> Iterator[OpenScreening]:
    """The screening of a data directory until the end of the block; it acts on accounts through ``suspender``.

    Other servers are told through ``sharing``.

    Raises:
        UnavailableError: a file cannot be read, or was altered.
    """
    data = settings.data
    master = open_master(database, data, os.urandom)
    changed = alone if sharing is None else sharing.notes.moves(SCREENING)
    cases = SealedCases(database, operator, master, changed)
    cases.take_over(data)
    with closing(ScreeningLists(data, settings.database)) as lists:
        value = ScreeningLog(log, statements.parties, os.urandom)
        told = {} if sharing is None else {"looked": sharing.lists}
        drafts = KeptDrafts((in_directory(data) if sharing is None else sharing.stored).documents)
        rest = RestsBetween().rest
        parts = ScreeningParts(EditionLists(lists), cases, value, drafts, SystemClock(), rest, **told)
        yield OpenScreening(Screenings(parts, suspender), Officers(cases, value, SystemClock()))


def schedule_screening(screening: OpenScreening, directory: AccountDirectory) -> tuple[Schedule, ...]:
    """Keeps customers screened: everybody every hour; a list that was imported meanwhile acts within seconds."""
    screenings = screening.screenings

    def glance() -> None:
        if screenings.stale():
            screenings.refresh()

    return (
        Schedule("screening", HOUR_MS, regularly(lambda: screening.start(directory)), at_start=True, lane="screening"),
        Schedule("screening of new lists", GLANCE_MS, regularly(glance), lane="screening"),
    )
