"""The permission to compute. The gate issues a slot per request after deciding; the engine refuses to work without one.

In: nothing. Out: an object that is open until the gate closes it. It does not decide anything itself: the ledger (a
later room) will number slots and make each one durable before it is handed out.
"""

from __future__ import annotations

from custodes.core.ids import RequestId


class SlotClosedError(RuntimeError):
    """Somebody tried to compute outside the gate: a defect in this program, never a client's fault."""


class Slot:
    """One permitted computation, open while the gate runs the use case."""

    __slots__ = ("_open", "index", "request_id")

    def __init__(self, index: int, request_id: RequestId) -> None:
        """Open slot number ``index`` for ``request_id``."""
        self.index = index
        self.request_id = request_id
        self._open = True

    def require_open(self) -> None:
        """Raise SlotClosedError unless the gate still holds this slot open."""
        if not self._open:
            raise SlotClosedError(f"slot {self.index} is closed")

    def wait(self) -> None:
        """Return once the permission would survive a power cut; called before stored data change.

        Here it is as durable as it gets; what is over a ledger overrides this.
        """

    def close(self) -> None:
        """End the permission; called by the gate once the use case returned."""
        self._open = False
