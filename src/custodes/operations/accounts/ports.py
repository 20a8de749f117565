"""What the use cases of accounts need from outside: a place for records, and who decides whether an account may start.

Everything about accounts is one kind of thing to a store: a named record of an account with a value that only the
store's owner can read. The directory in memory gives them their meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from custodes.core.ids import AccountId
from custodes.governance.accounts.account import Account, Status


class RecordKind(StrEnum):
    """What a record is about; its name is unique within account and kind.

    ``ACCOUNT`` (named by its id), ``USER``, ``ROLE``, ``KEY`` (named by its key id), ``KEY_USE`` (when a key was last
    used), ``DOCUMENT`` (a policy document, named by its owner, like ``user/ann``, a slash and its own name).
    """

    ACCOUNT = "account"
    USER = "user"
    KEY = "key"
    KEY_USE = "key-use"
    ROLE = "role"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class RecordName:
    """Where a record is."""

    account_id: AccountId
    kind: RecordKind
    name: str


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A named value."""

    name: RecordName
    value: bytes = field(repr=False)


class AccountStore(Protocol):
    """Durable records. A store seals what it keeps: a value changed behind its back is refused, not read."""

    def load(self) -> Iterable[AccountRecord]:
        """All records, in no particular order.

        Raises:
            UnavailableError: they cannot be read, or one is damaged.
        """
        ...

    def change(self, put: Sequence[AccountRecord], remove: Sequence[RecordName] = ()) -> None:
        """Replace or add ``put`` and take ``remove`` away, all or nothing; durable when it returns.

        Raises:
            UnavailableError: nothing was changed.
        """
        ...


class Sealer(Protocol):
    """Makes bytes unreadable and unalterable for everybody else."""

    def seal(self, plain: bytes) -> bytes:
        """``plain``, sealed; never twice the same."""
        ...

    def open(self, sealed: bytes) -> bytes | None:
        """What was sealed; None for anything that we did not seal, or that was altered."""
        ...


class Admission(Protocol):
    """Decides whether an account may be used. Asked before it is opened and whenever its profile changes."""

    def status(self, account: Account) -> Status:
        """``ACTIVE`` or ``PENDING`` for an account about to be opened; for one that is there, its state from now on.

        Must not raise for anything in the profile.
        """
        ...

    def check_start(self, account_id: AccountId) -> None:
        """Whether an operator may let the account start. Raises ConflictError saying why not."""
        ...


class AdmitAll:
    """The admission of a server without screening."""

    def status(self, account: Account) -> Status:
        """Whatever state it is in; a new one starts at once."""
        return Status.ACTIVE if account.status is Status.PENDING and not account.created_ts_ms else account.status

    def check_start(self, account_id: AccountId) -> None:
        """Everybody may start."""
