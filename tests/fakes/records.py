"""A policy that says what a test wants and a recorder that keeps everything it was told."""

from __future__ import annotations

from collections.abc import Callable

from custodes.core.slot import Slot
from custodes.operations.requests.gate import Allow, Decision, Intent, UseOutcome
from custodes.operations.requests.receipts import GateReceipt


class ScriptedPolicy:
    """Answers ``decision`` and keeps every intent it was asked about."""

    def __init__(self, decision: Decision | None = None) -> None:
        self.decision: Decision = decision or Allow("test-rule")
        self.intents: list[Intent] = []

    def decide(self, intent: Intent) -> Decision:
        """The scripted decision."""
        self.intents.append(intent)
        return self.decision


class _WaitingSlot(Slot):
    """A permission that its recorder says the fate of, when somebody waits."""

    __slots__ = ("_wait",)

    def __init__(self, index: int, intent: Intent, wait: Callable[[], None]) -> None:
        super().__init__(index, intent.context.request_id)
        self._wait = wait

    def wait(self) -> None:
        """See Slot."""
        self._wait()


class KeepingRecorder:
    """Keeps reservations and outcomes; fails with ``fail_reserve`` and the like when set.

    ``on_wait`` is called by whoever waits until a permission is durable.
    """

    def __init__(self) -> None:
        self.reserved: list[tuple[Intent, Decision]] = []
        self.slots: list[Slot] = []
        self.outcomes: list[UseOutcome] = []
        self.fail_reserve: Exception | None = None
        self.fail_record: Exception | None = None
        self.fail_enter: Exception | None = None
        self.on_wait: Callable[[], None] = lambda: None

    def reserve(self, intent: Intent, decision: Decision) -> Slot:
        """An open slot."""
        if self.fail_reserve is not None:
            raise self.fail_reserve
        self.reserved.append((intent, decision))
        self.slots.append(_WaitingSlot(len(self.slots), intent, lambda: self.on_wait()))  # noqa: PLW0108 - as it is by then
        return self.slots[-1]

    def record(self, slot: Slot, outcome: UseOutcome) -> GateReceipt | None:
        """A receipt that names the slot."""
        if self.fail_record is not None:
            raise self.fail_record
        self.outcomes.append(outcome)
        return GateReceipt(slot.index, f"receipt-{slot.index}")

    def enter(self, slot: Slot, outcome: UseOutcome) -> Callable[[], int | None]:
        """As ``record``; what it fails with is raised by whoever waits."""
        self.outcomes.append(outcome)

        def wait() -> int | None:
            if self.fail_enter is not None:
                raise self.fail_enter
            return slot.index

        return wait
