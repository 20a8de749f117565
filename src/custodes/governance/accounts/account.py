"""An account: its state, whom it belongs to, and what is stated about its use where a call says nothing else.

In: members of a stored account. Out: a frozen value, its JSON, and the one table of allowed changes of state. It does
not know who may ask for a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import orjson

from custodes.core.errors import ConflictError, InvalidParameterError
from custodes.core.ids import AccountId
from custodes.governance.accounts.organisation import OrganisationProfile, stored
from custodes.governance.accounts.vocabulary import UNSTATED, check_word


class Status(StrEnum):
    """State of an account; only an active one may use the service."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class AccountKind(StrEnum):
    """Whose account it is: the operator's own, of which there is one, or a customer's."""

    OPERATOR = "operator"
    CUSTOMER = "customer"


NEXT: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.PENDING: frozenset({Status.ACTIVE, Status.CLOSED}),
        Status.ACTIVE: frozenset({Status.SUSPENDED, Status.CLOSED}),
        Status.SUSPENDED: frozenset({Status.ACTIVE, Status.CLOSED}),
        Status.CLOSED: frozenset(),
    }
)
"""Allowed changes of state. A closed account stays closed: its number keeps meaning the customer that it had."""


@dataclass(frozen=True, slots=True)
class StatedUse:
    """What holds for calls that carry no session tags of their own: words of the provider's rules."""

    purpose: str = UNSTATED
    legal_basis: str = UNSTATED
    place: str = UNSTATED
    face_source: str = UNSTATED

    def members(self) -> dict[str, str]:
        """As JSON values; ``stated_use`` reads them."""
        return {
            "purpose": self.purpose,
            "legal_basis": self.legal_basis,
            "place": self.place,
            "face_source": self.face_source,
        }


def stated_use(members: Mapping[str, object]) -> StatedUse:
    """Read and check. Raises InvalidParameterError."""
    unknown = sorted(members.keys() - StatedUse().members().keys())
    if unknown:
        raise InvalidParameterError(f"an account states no {unknown[0]}")
    return StatedUse(**{fact: check_word(fact, str(word)) for fact, word in members.items()})


@dataclass(frozen=True, slots=True)
class Account:
    """One account.

    Attributes:
        account_id: twelve digits.
        kind: the operator's or a customer's.
        status: see ``Status``.
        organisation: who is behind it.
        stated: what holds where a call says nothing.
        demographics: whether age, gender and emotions may be estimated for it.
        limits: overrides of rates and quotas by name; empty for the server's own.
        reason: why it is in this state, in the operator's words; never shown to the customer.
        created_ts_ms: when it was opened.
        changed_ts_ms: when anything above last changed.
    """

    account_id: AccountId
    kind: AccountKind
    status: Status
    organisation: OrganisationProfile
    stated: StatedUse = field(default_factory=StatedUse)
    demographics: bool = True
    limits: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    created_ts_ms: int = 0
    changed_ts_ms: int = 0

    def members(self) -> dict[str, object]:
        """As JSON values; ``account`` reads them."""
        return {
            "account_id": self.account_id,
            "kind": self.kind.value,
            "status": self.status.value,
            "organisation": self.organisation.members(),
            "stated": self.stated.members(),
            "demographics": self.demographics,
            "limits": dict(self.limits),
            "reason": self.reason,
            "created_ts_ms": self.created_ts_ms,
            "changed_ts_ms": self.changed_ts_ms,
        }

    def encoded(self) -> bytes:
        """JSON bytes; ``account`` reads them."""
        return orjson.dumps(self.members())


def account(data: bytes) -> Account:
    """Read what ``Account.encoded`` wrote. It was checked then; words that rules no longer know are refused by them."""
    parsed = orjson.loads(data)
    return Account(
        account_id=AccountId(parsed["account_id"]),
        kind=AccountKind(parsed["kind"]),
        status=Status(parsed["status"]),
        organisation=stored(parsed["organisation"]),
        stated=StatedUse(**parsed["stated"]),
        demographics=parsed["demographics"],
        limits=parsed["limits"],
        reason=parsed["reason"],
        created_ts_ms=parsed["created_ts_ms"],
        changed_ts_ms=parsed["changed_ts_ms"],
    )


def require_change(found: Account, wanted: Status) -> None:
    """Whether ``found`` may come into state ``wanted``. Raises ConflictError saying why not."""
    if found.kind is AccountKind.OPERATOR:
        raise ConflictError("the operator's own account is always active")
    if wanted not in NEXT[found.status]:
        raise ConflictError(f"account {found.account_id} is {found.status.value} and cannot become {wanted.value}")
