"""What a server does for its ledger beside requests: heads of the account map, cosignatures, what commands ask for.

In: a started log, the statements over it, orders of the operator's commands. Out: ``map`` and ``bil`` entries,
cosigned checkpoints, answers. When it is done is a matter of schedules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

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

LEDGER_ERRORS: tuple[type[Exception], ...] = (
    LedgerUnavailableError,
    MapError,
    BodyError,
    NoteError,
    EntryError,
    ProofError,
)
"""What may go wrong with a ledger whose program is right."""
_FAILURES: tuple[type[Exception], ...] = (*LEDGER_ERRORS, CustodesError, OSError, LookupError, ValueError)


@dataclass(frozen=True, slots=True)
class Order:
    """What a command asks for; ``name`` tells orders apart, ``members`` has ``do`` and its arguments."""

    name: str
    members: Mapping[str, object]


class Orders(Protocol):
    """Where commands leave what they want."""

    def take(self) -> Iterable[Order]:
        """Orders that wait, each once."""
        ...

    def answer(self, order: Order, members: Mapping[str, object]) -> None:
        """Tell whoever placed ``order``."""
        ...


@dataclass(frozen=True, slots=True)
class Cosigners:
    """Whom to ask for cosignatures, read anew each time, and how."""

    listed: Callable[[], Iterable[Witness]]
    post: Post


class Housekeeping:
    """The duties over one log."""

    def __init__(self, log: LedgerLog, statements: Statements, cosigners: Cosigners, clock: Clock) -> None:
        """Write to ``log``."""
        self._log = log
        self._statements = statements
        self._cosigners = cosigners
        self._clock = clock
        self._answers: dict[str, Callable[[Mapping[str, object]], Mapping[str, object]]] = {}
        self._logger = structlog.get_logger("custodes.ledger")

    def answer_to(self, name: str, work: Callable[[Mapping[str, object]], Mapping[str, object]]) -> None:
        """Have ``work`` carry out orders whose ``do`` is ``name``."""
        self._answers[name] = work

    def attend(self, orders: Orders) -> None:
        """Carry out the orders that wait."""
        for order in orders.take():
            orders.answer(order, self.carry_out(order.members))

    def carry_out(self, members: Mapping[str, object]) -> Mapping[str, object]:
        """Do what an order says; returns ``index`` of the entry it led to, or ``error`` with the reason.

        Orders of ``answer_to`` return what their work returns.
        """
        work = self._answers.get(str(members.get("do")))
        try:
            if members.get("do") == "head":
                return {"index": self.close_heads()}
            if members.get("do") == "bill":
                return {"index": self._bill(str(members.get("month")), members.get("prices"))}
            if work is not None:
                return work(members)
        except _FAILURES as error:
            return {"error": str(error) or type(error).__name__}
        return {"error": f"this server does not know how to {members.get('do')!r}"}

    def close_heads(self) -> int:
        """Heads over everything so far, confirmed by witnesses where there are any; the account map's index."""
        index = self._statements.close_head(self._log)
        witnesses = [witness for witness in self._cosigners.listed() if witness.url]
        if witnesses:
            asked = self._statements.ask_witnesses(witnesses, self._cosigners.post)
            for name, reason in asked.failures.items():
                self._logger.warning("a witness did not confirm", witness=name, reason=str(reason))
        return index

    def _bill(self, text: str, prices: object) -> int:
        month = Month.parse(text)
        if month.end > self._clock.now_ms():
            raise ValueError(f"{month} is not over yet")
        listed = load_prices(prices.encode() if isinstance(prices, str) else default_prices())
        self._log.flush()
        return self._statements.commit_bills(self._statements.bill(month, listed), self._log)
