"""What a server does for its ledger beside requests: heads of the maps every hour, cosignatures, bills.

In: a started log, the statements over it. Out: ``map`` and ``bil`` entries, cosigned checkpoints. One thread does all
of it in turn, because heads are made one at a time. What goes wrong is logged, and tried again with the next hour; it
never stops requests.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import EntryError
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.tlog.trust import Witness
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.map_proof import MapError
from custodes.ledger.witness.client import Post
from custodes.ledger.writer.log import LedgerLog
from custodes.operations.record.statements import Statements

EVERY_MS = 3_600_000
OFTEN_MS = 15_000
_POLL_S = 0.1
FAILURES = (
    LedgerUnavailableError,
    MapError,
    BodyError,
    NoteError,
    EntryError,
    ProofError,
    CustodesError,
    OSError,
    LookupError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Cosigners:
    """Whom to ask for cosignatures, read anew each time, and how."""

    listed: Callable[[], Iterable[Witness]]
    post: Post


class Housekeeping:
    """The duties over one log."""

    def __init__(self, log: LedgerLog, statements: Statements, cosigners: Cosigners, clock: Clock) -> None:
        """Write to ``log``; nothing runs before ``start``."""
        self._log = log
        self._statements = statements
        self._cosigners = cosigners
        self._clock = clock
        self._more: list[Callable[[], object]] = []
        self._rounds: list[Callable[[], object]] = []
        self._often: list[Callable[[], object]] = []
        self._before_heads: list[Callable[[], object]] = []
        self._soon: deque[Callable[[], object]] = deque()
        # Held by whatever writes heads, bills, rules or lists: a duty, or a command of the operator.
        self.serial = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._logger = structlog.get_logger("custodes.ledger")

    def start(self) -> None:
        """Work in a thread: hourly, the first time an hour from now."""
        self._thread = threading.Thread(target=self._loop, name="ledger duties", daemon=True)
        self._thread.start()

    def every_hour(self, duty: Callable[[], object]) -> None:
        """Do ``duty`` as well, after the head of the account map. It may raise what the rest of this raises."""
        self._more.append(duty)

    def before_heads(self, duty: Callable[[], object]) -> None:
        """Do ``duty`` before each head, and ten times a second: what it writes must not come after the head."""
        self._before_heads.append(duty)
        self._rounds.append(duty)

    def every_round(self, duty: Callable[[], object]) -> None:
        """Do ``duty`` ten times a second: it must be quick. It may raise what the rest of this raises."""
        self._rounds.append(duty)

    def often(self, duty: Callable[[], object]) -> None:
        """Do ``duty`` four times a minute: a look that costs little. It may raise what the rest of this raises."""
        self._often.append(duty)

    def soon(self, duty: Callable[[], object]) -> None:
        """Do ``duty`` once, as soon as may be. It may raise what the rest of this raises."""
        self._soon.append(duty)

    def close(self) -> None:
        """Finish what runs and stop."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def close_heads(self) -> int:
        """Heads over everything so far, confirmed by witnesses where there are any; the account map's index."""
        for duty in self._before_heads:
            duty()
        index = self._statements.close_head(self._log)
        witnesses = [witness for witness in self._cosigners.listed() if witness.url]
        if witnesses:
            asked = self._statements.ask_witnesses(witnesses, self._cosigners.post)
            for name, reason in asked.failures.items():
                self._logger.warning("a witness did not confirm", witness=name, reason=str(reason))
        return index

    def bill(self, text: str, prices: str | None) -> int:
        """Bill the month that ``text`` names by a price list, or by the default one; returns the entry's index.

        Raises ValueError for a month that is not over, and what the ledger raises when it cannot be written.
        """
        month = Month.parse(text)
        if month.end > self._clock.now_ms():
            raise ValueError(f"{month} is not over yet")
        listed = load_prices(default_prices() if prices is None else prices.encode())
        self._log.flush()
        return self._statements.commit_bills(self._statements.bill(month, listed), self._log)

    def _loop(self) -> None:
        due, glance = self._clock.now_ms() + EVERY_MS, self._clock.now_ms() + OFTEN_MS
        while not self._stopping.wait(_POLL_S):
            for duty in self._rounds:
                self._attempt(duty)
            for _ in range(len(self._soon)):
                self._attempt(self._soon.popleft())
            if self._clock.now_ms() >= glance:
                glance = self._clock.now_ms() + OFTEN_MS
                for duty in self._often:
                    self._attempt(duty)
            if self._clock.now_ms() >= due:
                due = self._clock.now_ms() + EVERY_MS
                for duty in (self.close_heads, *self._more):
                    self._attempt(duty)

    def _attempt(self, duty: Callable[[], object]) -> None:
        """One duty that fails must not keep the others from being done."""
        try:
            with self.serial:
                duty()
        except FAILURES as error:
            self._logger.error("a duty of the ledger failed", error=type(error).__name__, reason=str(error))
