"""The gate: every use case passes it. Decide, reserve a ledger slot, run, record, release.

In: a request's context, a command and the use case to run on it. Out: the result together with the receipt of its
record. Nothing is computed before the decision is made and a slot is reserved, and nothing leaves before the outcome is
recorded. A refusal is recorded too. The gate knows neither policies nor ledgers: those are ports; the adapters here are
the first, plain ones.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from custodes.core.errors import CustodesError, DeniedError, UnavailableError
from custodes.core.ids import AccountId
from custodes.core.slot import Slot
from custodes.gallery.entities import Collection
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Context
from custodes.operations.requests.properties import STRICTEST, Properties
from custodes.operations.requests.receipts import GateReceipt, Released, give

C = TypeVar("C", bound=Command)
R = TypeVar("R")

DONE = "Done"
DENIED = "Denied"
FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a decision rests on, for the record: enough to make it again, and nothing about pictures or people.

    Attributes:
        policy: digest of the provider's rules in force, in hexadecimal; empty where there are none.
        rules: all of the provider's rules that made the decision.
        facts: what these rules looked at.
    """

    policy: str = ""
    rules: tuple[str, ...] = ()
    facts: Mapping[str, str | int | bool] = field(default_factory=dict)


NO_GROUNDS = Grounds()


@dataclass(frozen=True, slots=True)
class Allow:
    """The request may run; ``rule_id`` names the rule that says so.

    ``withheld`` are facial attributes, by their API names, that are neither computed nor returned in this request.
    ``obligations`` are conditions on what is returned of the result, words of the provider's rules.
    """

    rule_id: str | None = None
    grounds: Grounds = NO_GROUNDS
    withheld: frozenset[str] = frozenset()
    obligations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deny:
    """The request may not run; ``reason`` is shown to the caller, ``rule_id`` names the rule."""

    reason: str
    rule_id: str | None = None
    grounds: Grounds = NO_GROUNDS


Decision = Allow | Deny


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody wants to do: ``SERVICE:OPERATION`` on a resource ARN, with facts that rules may look at.

    ``properties`` are those of the operation; ``previewed`` says that nothing is going to be done now.
    """

    context: Context
    action: str
    resource: str
    facts: Mapping[str, object]
    properties: Properties = STRICTEST
    previewed: bool = False

    @property
    def operation(self) -> str:
        """The name without the service."""
        return self.action.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class UseOutcome:
    """What came of it, in units and codes; never image bytes, vectors or messages.

    Attributes:
        code: ``Done``, ``Denied``, the class name of the domain error, or ``Failed`` for a defect.
        images: pictures analysed, the unit that is charged.
        counts: further units by name, like ``faces_enrolled``.
        rule_id: the rule that decided.
        facts: what was looked in and for, as ids, versions and digests.
    """

    code: str
    images: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    rule_id: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


class Policy(Protocol):
    """Decides. Must not raise for anything a caller can cause: what cannot be evaluated is a Deny."""

    def decide(self, intent: Intent) -> Decision:
        """Allow or Deny; called once for every request, before anything else happens."""
        ...


class Recorder(Protocol):
    """Keeps the record of use. All methods raise UnavailableError (or OSError) when they cannot keep it durably."""

    def reserve(self, intent: Intent, decision: Decision) -> Slot:
        """An open slot. Its reservation is durable before what completes it is, and before stored data change."""
        ...

    def record(self, slot: Slot, outcome: UseOutcome) -> GateReceipt | None:
        """Complete the entry of ``slot``; returns once it would survive a power cut."""
        ...

    def enter(self, slot: Slot, outcome: UseOutcome) -> Callable[[], int | None]:
        """``record`` without waiting. What is returned waits, raises as ``record`` does, and says the entry's place."""
        ...


@dataclass(slots=True)
class Tally:
    """Counts units while a use case runs; what was counted before an error stays counted.

    ``facts`` are ids, versions and digests that belong on record: the collection, and the picture that led to a match.
    """

    images: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    facts: dict[str, str] = field(default_factory=dict)

    def add(self, **units: int) -> None:
        """Add to named units."""
        for name, count in units.items():
            self.counts[name] += count

    def looked_in(self, collection: Collection) -> None:
        """Whose vectors, and of which version, goes on record."""
        self.facts |= {"collection": collection.key.collection_id, "collection_version": collection.model_version}


@dataclass(slots=True)
class StepRecord:
    """A record that is on its way to the disk; ``index`` is its place once ``wait`` came back."""

    place: Callable[[], int | None]
    index: int | None = None

    def wait(self) -> None:
        """Return once it would survive a power cut."""
        self.index = self.place()


@dataclass(frozen=True, slots=True)
class Step(Generic[R]):
    """One command within another use: its result, and its record, which is there when that use leaves the gate."""

    result: R
    entered: StepRecord


@dataclass(frozen=True, slots=True)
class Permit:
    """What a running use case holds: who asks, the slot that lets the engine compute, and the tally of units.

    ``withheld`` and ``obligations`` are as in ``Allow``. ``entered`` are the records of its steps.
    """

    context: Context
    slot: Slot
    tally: Tally
    withheld: frozenset[str] = frozenset()
    obligations: frozenset[str] = frozenset()
    entered: list[StepRecord] = field(default_factory=list, repr=False)


_Record = Callable[[Permit, UseOutcome], GateReceipt | None]


class Gate:
    """Wraps every use case."""

    def __init__(
        self,
        policy: Policy,
        recorder: Recorder,
        active: Callable[[AccountId], bool] = lambda _: True,
    ) -> None:
        """Ask ``policy``, write to ``recorder``.

        ``active`` says, from memory, whether an account may still be served when its result is there.
        """
        self._policy = policy
        self._recorder = recorder
        self._active = active

    def perform(self, context: Context, command: C, run: Callable[[Permit, C], R]) -> Released[R]:
        """Let ``run`` work on ``command`` for the caller of ``context``, if it may, and record what came of it.

        What is raised has its receipt, too: ``receipt_of(error)``.

        Raises:
            DeniedError: the policy refuses; the refusal is on record.
            UnavailableError: the use could not be recorded; then nothing was computed, or what was is not released.
            CustodesError: whatever the use case raised; its class is on record.
        """
        return Released(*self._perform(context, command, run, self._record))

    def perform_step(self, whole: Permit, context: Context, command: C, run: Callable[[Permit, C], R]) -> Step[R]:
        """As ``perform``, within the use that ``whole`` permits: decided, counted and recorded for itself.

        Its record waits with those of the other steps for that of the whole, which does not leave the gate before all
        are durable; nor may what comes of a step leave before.
        """

        def enter(permit: Permit, outcome: UseOutcome) -> None:
            with _recorded():
                whole.entered.append(StepRecord(self._recorder.enter(permit.slot, outcome)))

        result, _ = self._perform(context, command, run, enter)
        return Step(result, whole.entered[-1])

    def preview(self, context: Context, command: Command) -> Decision:
        """What would be decided about ``command`` now. Nothing is done, begun or recorded."""
        return self._policy.decide(replace(_intent(context, command), previewed=True))

    def _perform(
        self, context: Context, command: C, run: Callable[[Permit, C], R], record: _Record
    ) -> tuple[R, GateReceipt | None]:
        intent = _intent(context, command)
        decision = self._policy.decide(intent)
        slot = self._reserve(intent, decision)
        if isinstance(decision, Deny):
            slot.close()
            denied = DeniedError(_denial(intent, decision))
            give(denied, record(Permit(context, slot, Tally()), UseOutcome(DENIED, rule_id=decision.rule_id)))
            raise denied
        permit = Permit(context, slot, Tally(), decision.withheld, decision.obligations)
        code, account_id = FAILED, permit.context.caller.account_id
        raised: Exception | None = None
        try:
            command.check()
            result = run(permit, command)
            if not self._active(account_id):
                # Suspended while this ran: what was computed is not handed out, nor charged.
                raise DeniedError("The account was taken out of use while the request ran.")
            code = DONE
        except Exception as error:
            code = type(error).__name__ if isinstance(error, CustodesError) else FAILED
            raised = error
            raise
        finally:
            permit.slot.close()
            tally = permit.tally
            outcome = UseOutcome(code, tally.images, dict(tally.counts), decision.rule_id, dict(tally.facts))
            receipt = record(permit, outcome)
            if raised is not None:
                give(raised, receipt)
        return result, receipt

    def _reserve(self, intent: Intent, decision: Decision) -> Slot:
        try:
            return self._recorder.reserve(intent, decision)
        except OSError as error:
            raise UnavailableError("The use of this service cannot be recorded, so nothing was done.") from error

    def _record(self, permit: Permit, outcome: UseOutcome) -> GateReceipt | None:
        with _recorded():
            receipt = self._recorder.record(permit.slot, outcome)
            for entered in permit.entered:
                entered.wait()
            return receipt


@contextmanager
def _recorded() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableError("The use of this service could not be recorded.") from error


def _intent(context: Context, command: Command) -> Intent:
    action = f"{command.service}:{command.operation}"
    return Intent(context, action, command.resource(context.caller), command.facts(), command.effects())


def _denial(intent: Intent, deny: Deny) -> str:
    """The text AWS clients know, with our reason behind it."""
    arn = intent.context.caller.arn
    refusal = f"User: {arn} is not authorized to perform: {intent.action} on resource: {intent.resource}"
    return f"{refusal} because {deny.reason}" if deny.reason else refusal


class AllowAll:
    """The policy of a server without policies: whoever authenticated may."""

    def decide(self, intent: Intent) -> Decision:  # noqa: ARG002 - the port's signature
        """Allow."""
        return Allow("default")


class CountingRecorder:
    """Numbers slots and counts outcomes in memory. Proves nothing: it holds the ledger's place."""

    def __init__(self) -> None:
        """Start at slot 0."""
        self._next = itertools.count()
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._actions: dict[int, str] = {}

    def reserve(self, intent: Intent, decision: Decision) -> Slot:  # noqa: ARG002 - the port's signature
        """The next slot."""
        with self._lock:
            slot = Slot(next(self._next), intent.context.request_id)
            self._actions[slot.index] = intent.action
            return slot

    def record(self, slot: Slot, outcome: UseOutcome) -> GateReceipt | None:
        """Count the outcome; there is no receipt."""
        with self._lock:
            self._counts[(self._actions.pop(slot.index), outcome.code)] += 1
        return None

    def enter(self, slot: Slot, outcome: UseOutcome) -> Callable[[], int | None]:
        """As ``record``."""
        self.record(slot, outcome)
        return lambda: None

    def counts(self) -> dict[tuple[str, str], int]:
        """How often each (action, code) was recorded."""
        with self._lock:
            return dict(self._counts)
