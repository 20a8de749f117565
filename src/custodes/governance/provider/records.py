"""The records of changes of the provider's rules as they are kept, and where they lead.

In: a store of records. Out: the state after those that the ledger has; the same as JSON values. Adapters of the store
live outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from custodes.core.errors import UnavailableError
from custodes.governance.provider.change_chain import ChainRecord, ChainState, follow
from custodes.governance.provider.policy_set import DAY_MS, ChangeRefused, PolicySet


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """Where the ledger has a record, and the time it gave it."""

    index: int
    t_ms: int


@dataclass(frozen=True, slots=True)
class PlacedRecord:
    """A record; without a place it is a draft that the ledger may or may not have."""

    record: ChainRecord
    place: RecordPlace | None = None


class PolicyStore(Protocol):
    """Durable records of changes and the sets they are about. All methods raise UnavailableError or OSError."""

    def records(self) -> Sequence[PlacedRecord]:
        """All in their order."""
        ...

    def policy(self, digest: str) -> PolicySet:
        """The set of a digest, checked against it. Raises LookupError."""
        ...

    def draft(self, record: ChainRecord, policy: PolicySet) -> None:
        """Keep the next record without a place, and the set it is about."""
        ...

    def place(self, place: RecordPlace) -> None:
        """Give the last record its place."""
        ...

    def discard(self) -> None:
        """Forget the last record."""
        ...


def replay(store: PolicyStore) -> ChainState:
    """Where the placed records lead.

    Raises:
        UnavailableError: one may not follow the one before, or a set is missing.
    """
    state = ChainState()
    for number, placed in enumerate(store.records()):
        if placed.place is None:
            break
        after = follow(state, placed.record, placed.place.t_ms, store.policy)
        if isinstance(after, ChangeRefused):
            raise UnavailableError(f"record {number} of the changes of policy does not hold: {after.reason}")
        state = after
    return state


def to_json(state: ChainState) -> dict[str, object]:
    """A state as JSON values."""
    waiting = state.waiting
    return {
        "in_force": state.in_force,
        "head": state.head,
        "notice_days": state.notice_ms / DAY_MS,
        "officers": {name: key.hex() for name, key in sorted(state.officers.items())},
        "waiting": None if waiting is None else {**asdict(waiting), "signers": list(waiting.signers)},
    }
