"""The gate's recorder over the ledger: a permission before the work, its settlement after it, a receipt for the caller.

In: intents with decisions, outcomes. Out: slots, and receipts once their entry would survive a power cut. Entries name
ids and numbers only: never pictures, vectors, messages or external names. What stays in the gallery is not touched
before the permission itself is durable; what only computes may run while the permission still waits to be written, a
moment at most, because the log keeps order and the answer waits for the settlement behind it. It does not decide and
does not count money.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from custodes.core.errors import UnavailableError
from custodes.core.slot import Slot
from custodes.governance.authorisation import CASE_TAG, is_case
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import EntryError
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.body import canonical
from custodes.ledger.writer.pending import Pending
from custodes.ledger.writer.receipt import receipt_token
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.requests.gate import DENIED, DONE, Deny, Grounds, Intent, UseOutcome
from custodes.operations.requests.gate import Decision as GateDecision
from custodes.operations.requests.properties import Unit
from custodes.operations.requests.receipts import GateReceipt

T = TypeVar("T")

# Facts of an intent that are worth keeping; anything else about a request stays out of the ledger.
_KEPT_FACTS = ("threshold_pct",)
# And of an outcome: the reference database that was checked, and the input that led to a match (AI Act art. 12(3)).
_KEPT_OUTCOME = ("challenge_sha256", "collection", "collection_version", "picture_sha256", "video_sha256")
_MILLI = 1000


class _LedgerSlot(Slot):
    """A slot that knows its permission: entries are settled by it, never by a number."""

    __slots__ = ("intent", "permission")

    def __init__(self, permission: Pending, intent: Intent) -> None:
        super().__init__(permission.index, intent.context.request_id)
        self.permission = permission
        self.intent = intent

    def wait(self) -> None:
        """See Slot. Raises UnavailableError."""
        _writing(self.permission.wait_durable)


class LedgerRecorder:
    """Implements ``gate.Recorder`` over a log."""

    def __init__(self, log: LedgerWriter, model: str, search: str = "") -> None:
        """Write to ``log``.

        Args:
            log: keeps entries.
            model: names the networks that compute, by version and digest.
            search: what is said of each search for faces, like ``approximate``; empty for nothing.
        """
        self._log = log
        self._model = model
        self._search = search

    def reserve(self, intent: Intent, decision: GateDecision) -> Slot:
        """Write the decision. The slot's index is the entry's.

        Raises:
            UnavailableError: the ledger takes no entries now.
        """
        decided = {"resource": intent.resource, "rule": decision.rule_id or ""}
        body = _common(intent) | decided | _grounds(decision.grounds)
        answer = "deny" if isinstance(decision, Deny) else "allow"
        write = self._log.commit
        if not isinstance(decision, Deny) and not decision.obligations:
            write = self._way(intent)
        return _LedgerSlot(_writing(lambda: write("auth", body=body, fields={"d": answer})), intent)

    def _way(self, intent: Intent) -> Callable[..., Pending]:
        """How a permission without conditions is written; with them, its result is kept, so it waits first."""
        if not intent.properties.changes:
            return self._log.append
        return self._log.hasten if intent.properties.waits else self._log.commit

    def record(self, slot: Slot, outcome: UseOutcome) -> GateReceipt | None:
        """Settle the permission of ``slot``; a refusal is settled by itself. Failed calls cost no units.

        Raises:
            UnavailableError: the entry could not be made durable.
        """
        if outcome.code == DENIED:
            return _receipt(_own(slot).permission)
        used, body = self._settle(self._log.commit, _own(slot), outcome)
        return _receipt(used, canonical(body))

    def enter(self, slot: Slot, outcome: UseOutcome) -> Callable[[], int | None]:
        """See Recorder: one batch takes the steps of a use together with what settles the use."""
        entry = _own(slot).permission
        if outcome.code != DENIED:
            entry, _ = self._settle(self._log.defer, _own(slot), outcome)

        def place() -> int:
            _writing(entry.wait_durable)
            return entry.index

        return place

    def _settle(
        self, write: Callable[..., Pending], slot: _LedgerSlot, outcome: UseOutcome
    ) -> tuple[Pending, dict[str, object]]:
        """The entry that settles the permission of ``slot``, written by ``write``, and its body."""
        permission, intent = slot.permission, slot.intent
        body = _common(intent) | self._facts(intent, outcome)
        units = _units(intent, outcome)
        return _writing(lambda: write("use", units=units, body=body, settles=permission)), body

    def _facts(self, intent: Intent, outcome: UseOutcome) -> dict[str, object]:
        counts = outcome.counts
        facts: dict[str, object] = {
            "code": outcome.code,
            "counts": dict(counts),
            "images": outcome.images,
            "model": self._model,
            "start": intent.context.ts_ms,
        }
        facts |= {name: outcome.facts[name] for name in _KEPT_OUTCOME if name in outcome.facts}
        if self._search and intent.properties.searches:
            facts["search"] = self._search
        faces_delta = counts.get("faces_enrolled", 0) - counts.get("faces_erased", 0)
        if faces_delta:
            facts["faces_delta"] = faces_delta
        for name in _KEPT_FACTS:
            value = intent.facts.get(name)
            if isinstance(value, int | float):
                # Bodies hold no floats: thousandths say as much and have one spelling.
                facts[name.removesuffix("_pct") + "_milli_pct"] = round(value * _MILLI)
        destination = intent.facts.get("destination")
        if isinstance(destination, str):
            # To whom events are told: a name of the operator's.
            facts["destination"] = destination
        features = intent.facts.get("features")
        if isinstance(features, list):
            # What the call is charged for; a closed set of names.
            facts["features"] = [str(feature) for feature in features]
        job, part = intent.facts.get("job"), intent.facts.get("part")
        if isinstance(part, int):
            # By these a part that was done twice, after a crash, is charged once.
            facts |= {"job": str(job), "part": part}
        session, fragment = intent.facts.get("session"), intent.facts.get("fragment")
        if isinstance(fragment, int):
            facts |= {"session": str(session), "fragment": fragment}
        return facts


def _own(slot: Slot) -> _LedgerSlot:
    if not isinstance(slot, _LedgerSlot):
        raise TypeError("this slot was reserved elsewhere")
    return slot


def _common(intent: Intent) -> dict[str, object]:
    caller = intent.context.caller
    case = caller.session_tags.get(CASE_TAG, "")
    found: dict[str, object] = {
        "acct": caller.account_id,
        "key": caller.access_key_id,
        "op": intent.operation,
        "request_id": intent.context.request_id,
    }
    return found | ({"case": case} if is_case(case) else {})


def _grounds(grounds: Grounds) -> dict[str, object]:
    """What it takes to decide again. Sector and purpose stand beside the facts, so that excerpts can have them."""
    if not grounds.policy:
        return {}
    facts = grounds.facts
    shown = {name: facts[name] for name in ("purpose", "sector") if name in facts}
    return {"facts": dict(facts), "policy": grounds.policy, "rules": list(grounds.rules), **shown}


def _units(intent: Intent, outcome: UseOutcome) -> int:
    if outcome.code != DONE:
        return 0
    minutes = outcome.counts.get("video_minutes", 0)
    return {Unit.NOTHING: 0, Unit.CALL: 1, Unit.IMAGE: outcome.images, Unit.MINUTE: minutes}[intent.properties.unit]


def _receipt(pending: Pending, body: bytes = b"") -> GateReceipt:
    found = _writing(pending.wait)
    return GateReceipt(found.index, receipt_token(found), body)


def _writing(work: Callable[[], T]) -> T:
    try:
        return work()
    except (LedgerUnavailableError, EntryError, BodyError) as error:
        raise UnavailableError("The ledger cannot be written now, so nothing is done or released.") from error
