"""Incidents on record: what went wrong with the log itself, and which of it stops recognition until somebody looks.

In: what happened, from the duties over a log; acknowledgements by the operator. Out: ``inc`` entries, and whether
recognition is stopped. A witness that saw another history of this log, or a newer state of it, says that somebody may
be shown a false one: nobody is recognised any more until that is acknowledged, with a reason, on record. Which
incidents stand is read from the log at each start, so no restart and no deleted file clears one. Steps of the clock
are ``clock_watch``'s.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import EntryError, decode
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.published import RunningLog
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.record.consent import Consent
from custodes.operations.requests.admin import AdminCommand, AdminHandlers
from custodes.operations.requests.gate import Allow, Decision, Deny, Intent, Policy
from custodes.operations.requests.properties import READS, Properties, Reveals

WITNESS_CONFLICT = "witness-conflict"
HEAD_FAILED = "head-failed"
STAMP_MISSED = "stamp-missed"
_ACKNOWLEDGED = "acknowledged"
RULE = "incident.witness-conflict"
_RECOGNITION = frozenset({Reveals.ATTRIBUTES, Reveals.SIMILARITY, Reveals.IDENTITY})


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident of the log: its entry, time (ms), what it is, and whether it waits for an acknowledgement."""

    index: int
    ts_ms: int
    what: str
    standing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIncidents(AdminCommand):
    """All incidents of the log."""

    operation: ClassVar[str] = "incident list"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeIncident(AdminCommand):
    """Say that somebody looked at the incident of entry ``index``, and why recognition may go on."""

    operation: ClassVar[str] = "incident acknowledge"
    index: int
    reason: str
    signatures: tuple[str, ...] = ()

    @property
    def order(self) -> Mapping[str, object]:
        """What an officer signs."""
        return {"index": self.index, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class ListedIncident:
    """An incident with what its entry says in private; None where that is gone."""

    index: int
    ts_ms: int
    what: str
    standing: bool
    about: object
    reason: object


@dataclass(frozen=True, slots=True)
class IncidentList:
    """All of them."""

    incidents: tuple[ListedIncident, ...]


@dataclass(frozen=True, slots=True)
class IncidentAcknowledged:
    """The entry that says so, and the officers who signed."""

    index: int
    signers: tuple[str, ...]


class Incidents:
    """The incidents of one log."""

    def __init__(
        self,
        log: RunningLog,
        facts_of: Callable[[int], Mapping[str, object]],
        told: Callable[[int | None], object] = lambda _: None,
    ) -> None:
        """Write to ``log``; ``facts_of`` opens the private body of an entry, empty where there is none.

        ``told`` is called with the index of the incident that stops recognition, or None, whenever that may be another.
        """
        self._tell = told
        self._log = log
        self._facts_of = facts_of
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._rows: list[tuple[int, int, str]] = []
        self._acknowledged: set[int] = set()
        self._size = 0
        self._reading = threading.Lock()
        log.flush()
        self._standing = {one.index: one for one in self.all() if one.standing}
        told(self.stopping())

    def all(self) -> tuple[Incident, ...]:
        """Every incident, in order. Each entry of the log is looked at once."""
        with self._reading:
            tree = self._log.tree()
            for index, envelope in tree.of_kind("inc", self._size):
                entry = decode(envelope)
                what, about = str(entry.fields.get("x")), entry.fields.get("n")
                if what == _ACKNOWLEDGED and isinstance(about, int):
                    self._acknowledged.add(about)
                else:
                    self._rows.append((index, entry.t, what))
            self._size = tree.size
            return tuple(
                Incident(index, t, what, what == WITNESS_CONFLICT and index not in self._acknowledged)
                for index, t, what in self._rows
            )

    def stopping(self) -> int | None:
        """Index of an incident that stops recognition; None when nothing does."""
        return min(self._standing, default=None)

    def report(self, what: str, about: str, reason: str) -> None:
        """Put an incident on record, once for as long as it lasts; what the log cannot take now is said next time.

        Args:
            what: its kind.
            about: whom or what it concerns, like the name of a witness.
            reason: why, for a person.
        """
        with self._lock:
            key = f"{what} {about}"
            if key in self._told or any(self._is_about(one, what, about) for one in self._standing.values()):
                return
            body = {"about": about, "reason": reason}
            with suppress(LedgerUnavailableError):
                entry = self._log.append("inc", body=body, fields={"x": what}).wait()
                self._told.add(key)
                if what == WITNESS_CONFLICT:
                    t = decode(entry.envelope).t
                    self._standing = {**self._standing, entry.index: Incident(entry.index, t, what, True)}
                    self._tell(self.stopping())

    def passed(self, what: str, about: str) -> None:
        """It went well again: the next time is another incident."""
        with self._lock:
            self._told.discard(f"{what} {about}")

    def acknowledge(self, index: int, reason: str, log: LedgerWriter, signed: Mapping[str, str] | None = None) -> int:
        """Put on record that somebody looked, and which officers signed for it; the index of the entry.

        Raises:
            InvalidParameterError: no incident of this index waits for it.
            UnavailableError: the log takes no entries now.
        """
        with self._lock:
            if index not in self._standing:
                raise InvalidParameterError(f"entry {index} is no incident that waits to be acknowledged")
            about = self._facts_of(index).get("about")
            try:
                body: dict[str, object] = {"reason": reason}
                fields: dict[str, int | str] = {"n": index, "x": _ACKNOWLEDGED}
                if signed:
                    body["signatures"], fields["q"] = dict(signed), len(signed)
                entry = log.append("inc", body=body, fields=fields).wait()
            except (LedgerUnavailableError, EntryError) as error:
                raise UnavailableError("the ledger takes no entries now") from error
            self._standing = {at: one for at, one in self._standing.items() if at != index}
            self._tell(self.stopping())
            self._told.discard(f"{WITNESS_CONFLICT} {about}")
            return entry.index

    def handlers(self, log: LedgerWriter, consent: Consent) -> AdminHandlers:
        """What carries the commands out; ``log`` names who asked in what it writes, an officer has to consent."""

        def acknowledge(command: AcknowledgeIncident) -> IncidentAcknowledged:
            signed = consent.check(command.operation, command.order, command.signatures, 1)
            index = self.acknowledge(command.index, command.reason, log, signed)
            return IncidentAcknowledged(index, tuple(sorted(signed)))

        return {ListIncidents: lambda _: self._listed(), AcknowledgeIncident: acknowledge}

    def _listed(self) -> IncidentList:
        rows = []
        for one in self.all():
            facts: Mapping[str, object] = {}
            with suppress(BodyError):
                facts = self._facts_of(one.index)
            about, reason = facts.get("about"), facts.get("reason")
            rows.append(ListedIncident(one.index, one.ts_ms, one.what, one.standing, about, reason))
        return IncidentList(tuple(rows))

    def _is_about(self, one: Incident, what: str, about: str) -> bool:
        return one.what == what and self._facts_of(one.index).get("about") == about


class RecognitionStop:
    """A policy around another: nobody is recognised while an incident stands that says the log may be a false one."""

    def __init__(self, stopping: Callable[[], int | None], rules: Policy) -> None:
        """Decide as ``rules`` where ``stopping`` names no incident."""
        self._stopping = stopping
        self._rules = rules

    def decide(self, intent: Intent) -> Decision:
        """As the rules do; refuse what compares, names, describes or enrols people while recognition is stopped."""
        decision = self._rules.decide(intent)
        stopping = self._stopping()
        concerned = intent.properties.enrols or intent.properties.reveals in _RECOGNITION
        if stopping is not None and concerned and isinstance(decision, Allow):
            reason = f"recognition is stopped until incident {stopping} is acknowledged (rule {RULE})"
            return Deny(reason, RULE, decision.grounds)
        return decision
