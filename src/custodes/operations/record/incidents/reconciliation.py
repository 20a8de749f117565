"""What the networks did, compared with what is on record: ``rec`` entries, and ``inc`` entries on a difference.

In: a meter that the networks turn, the log. Out: entries. Runs without any open permission, or runs in a stretch of the
log that has no use, were not on record: somebody in this process computed past the gate. What a second copy of the
program does is not seen here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from custodes.core.errors import UnavailableError
from custodes.core.slot import Slot
from custodes.engine.runtime.meter import RunMeter
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.published import RunningLog
from custodes.operations.requests.gate import DENIED, Allow, Decision, Intent, Recorder, UseOutcome
from custodes.operations.requests.receipts import GateReceipt

RUNS, UNPERMITTED = "network-runs", "network-runs-without-permission"


class MeteredRecorder:
    """A recorder that tells the meter how long permissions are open."""

    def __init__(self, recorder: Recorder, meter: RunMeter) -> None:
        """Record with ``recorder``."""
        self._recorder = recorder
        self._meter = meter

    def reserve(self, intent: Intent, decision: Decision) -> Slot:
        """See Recorder."""
        slot = self._recorder.reserve(intent, decision)
        if isinstance(decision, Allow):
            self._meter.opened()
        return slot

    def record(self, slot: Slot, outcome: UseOutcome) -> GateReceipt | None:
        """See Recorder. The slot was closed before, so nobody computes on it any more."""
        if outcome.code != DENIED:
            self._meter.closed()
        return self._recorder.record(slot, outcome)

    def enter(self, slot: Slot, outcome: UseOutcome) -> Callable[[], int | None]:
        """See Recorder."""
        if outcome.code != DENIED:
            self._meter.closed()
        return self._recorder.enter(slot, outcome)


class Reconciliation:
    """Compares from the moment on that it is made."""

    def __init__(self, log: RunningLog, meter: RunMeter) -> None:
        """Read and write ``log``. What the networks did before, while they were opened, does not count.

        Raises:
            UnavailableError: the ledger cannot be read.
        """
        self._log = log
        self._meter = meter
        self._lock = threading.Lock()
        try:
            self._from = log.flush().size
        except LedgerUnavailableError as error:
            raise UnavailableError(f"the ledger cannot be read: {error}") from error
        meter.take()

    def run(self) -> None:
        """Write what was counted since the last time; nothing where no network ran.

        Raises:
            UnavailableError: the ledger cannot be written.
        """
        with self._lock:
            found = self._meter.take()
            if found.runs == 0:
                return
            try:
                uses, units = self._recorded()
                fields: dict[str, int | str] = {"n": found.runs, "s": units, "x": RUNS}
                self._log.append("rec", fields=fields).wait_durable()
                unknown = found.unpermitted if uses else found.runs
                if unknown:
                    self._log.append("inc", fields={"n": unknown, "x": UNPERMITTED}).wait_durable()
            except LedgerUnavailableError as error:
                raise UnavailableError(f"the ledger cannot be written: {error}") from error

    def _recorded(self) -> tuple[int, int]:
        """How many uses the log has since the last time, or permissions that are not settled yet, and their units."""
        size, uses, units = self._log.flush().size, 0, 0
        for _, envelope in self._log.tree().entries(self._from, size):
            if b'"k":"use"' in envelope or b'"k":"auth"' in envelope:
                entry = decode(envelope)
                uses += entry.kind == "use" or entry.reserves
                units += entry.units or 0
        self._from = size
        return uses, units
