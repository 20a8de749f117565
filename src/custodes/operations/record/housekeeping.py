"""What a server does for its ledger beside requests: heads of the account map, cosignatures, bills.

In: a started log, the statements over it. Out: ``map`` and ``bil`` entries, cosigned checkpoints. When it is
done is a matter of schedules and of commands.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import structlog

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError, InvalidParameterError, NotFoundError
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import EntryError
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.tlog.trust import TrustError, Witness, parse_policy
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.witness.client import Post
from custodes.ledger.writer.published import RunningLog
from custodes.operations.record.evidence.statements import Statements
from custodes.operations.record.incidents.incidents import HEAD_FAILED, WITNESS_CONFLICT, Incidents

T = TypeVar("T")

LEDGER_ERRORS: tuple[type[Exception], ...] = (
    LedgerUnavailableError,
    MapError,
    BodyError,
    NoteError,
    EntryError,
    ProofError,
)
"""What may go wrong with a ledger whose program is right."""
FAILURES: tuple[type[Exception], ...] = (*LEDGER_ERRORS, CustodesError, OSError, LookupError, ValueError)
"""The same where somebody else's words are read."""


@dataclass(frozen=True, slots=True)
class Cosigners:
    """Whom to ask for cosignatures, read anew each time, and how."""

    listed: Callable[[], Iterable[Witness]]
    post: Post


class Housekeeping:
    """The duties over one log."""

    def __init__(
        self,
        log: RunningLog,
        statements: Statements,
        cosigners: Cosigners,
        clock: Clock,
        incidents: Incidents,
        before_heads: Callable[[], object] = lambda: None,
        *,
        served: bool = True,
    ) -> None:
        """Write to ``log``, ``before_heads`` first what a head has to count; tell ``incidents`` what goes wrong.

        Without a server (``served``) the last head does for statements while it leaves nothing out.
        """
        self._log = log
        self._statements = statements
        self._cosigners = cosigners
        self._clock = clock
        self.incidents = incidents
        self._before_heads = before_heads
        self._served = served
        self._lock = threading.Lock()
        self._logger = structlog.get_logger("custodes.ledger")

    def look(self) -> None:
        """Do what is to be done before heads, on its own: what it writes must not come after a head."""
        with self._lock:
            self._before_heads()

    def close_heads(self) -> int:
        """Heads over everything so far, confirmed by witnesses where there are any; the account map's index."""
        self.look()
        index = self.watched("account", lambda: self._statements.close_head(self._log))
        witnesses = [witness for witness in self._cosigners.listed() if witness.url]
        if witnesses:
            asked = self._statements.ask_witnesses(witnesses, self._cosigners.post)
            for name, reason in asked.failures.items():
                self._logger.warning("a witness did not confirm", witness=name, reason=str(reason))
                if name in asked.conflicts:
                    self.incidents.report(WITNESS_CONFLICT, name, reason)
        return index

    def count_uses(self) -> None:
        """Keep the counts that bills are previewed from up to the newest entry."""
        self._log.flush()
        self._statements.count_uses()

    def cover(self) -> None:
        """Heads that a statement can rest on; no new one where nothing is served and the last leaves nothing out.

        Witnesses confirmed that one. They may be out of reach where no server runs.
        """
        if not self._served:
            self._log.flush()
        if self._served or self._statements.behind():
            self.close_heads()

    def ask_witnesses(self, policy: str | None = None) -> Mapping[str, str | None]:
        """Have the newest checkpoint confirmed; by witness what it said instead, None where it confirmed.

        The witnesses are those of the operator's trust policy, or of the text of another one.

        Raises:
            InvalidParameterError: the text is no trust policy.
            NotFoundError: nothing is published yet.
        """
        try:
            listed = self._cosigners.listed() if policy is None else parse_policy(policy.encode()).witnesses.values()
            witnesses = list(listed)
            asked = self._statements.ask_witnesses(witnesses, self._cosigners.post)
        except TrustError as error:
            raise InvalidParameterError(str(error)) from error
        except LookupError as error:
            raise NotFoundError(str(error)) from error
        return {witness.name: asked.failures.get(witness.name) for witness in witnesses}

    def watched(self, name: str, close: Callable[[], T]) -> T:
        """What ``close`` gives, which makes a head of the map called ``name``; an incident when it fails."""
        try:
            made = close()
        except FAILURES as error:
            self.incidents.report(HEAD_FAILED, name, str(error))
            raise
        self.incidents.passed(HEAD_FAILED, name)
        return made

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
