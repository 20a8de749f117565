"""Users, roles, access keys and policy documents of an account. Each change is on record before it is made.

In: what an operator asks for on behalf of an account. Out: identities; a key's secret is told once, by what makes it.
Documents are checked before they are stored. Policies are recorded by digest: what they say is the account's business.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from custodes.core.clock import Clock
from custodes.core.errors import AlreadyExistsError, ConflictError, NotFoundError, QuotaError
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import Status
from custodes.governance.accounts.identities import (
    KEYS_PER_USER,
    ROOT,
    AccountUser,
    Role,
    UserKey,
    check_identity_name,
    check_person,
    check_session_length,
    check_tags,
)
from custodes.operations.accounts.credentials.access_keys import key_id, new_key
from custodes.operations.accounts.directory import AccountDirectory, key_record, role_record, user_record
from custodes.operations.accounts.log import AccountLog
from custodes.operations.accounts.policy_documents import COLLECTION, document_name, document_record
from custodes.operations.accounts.ports import RecordKind, RecordName

DOCUMENTS_PER_OWNER = 20


@dataclass(frozen=True, slots=True)
class NewRole:
    """What a role shall be; see ``Role``."""

    name: str
    trust: str
    max_session_s: int = 3600
    tags: Mapping[str, str] = field(default_factory=dict)


class Identities:
    """The use cases of users, roles, keys and documents.

    All raise NotFoundError for what is not there, ConflictError for closed accounts, and UnavailableError when nothing
    was changed because ledger or database could not be written.
    """

    def __init__(
        self, directory: AccountDirectory, log: AccountLog, clock: Clock, random: Callable[[int], bytes]
    ) -> None:
        """Change ``directory``, on record in ``log``."""
        self._directory = directory
        self._log = log
        self._clock = clock
        self._random = random
        self._lock = threading.RLock()

    @property
    def directory(self) -> AccountDirectory:
        """All accounts."""
        return self._directory

    def create_user(
        self, account_id: AccountId, name: str, tags: Mapping[str, str], person: str | None = None
    ) -> AccountUser:
        """A user of ``person``, by default one called like it. Raises AlreadyExistsError, InvalidParameterError."""
        with self._lock:
            self._open(account_id)
            check_identity_name(name)
            if any(user.name.lower() == name.lower() for user in self._directory.users(account_id)):
                raise AlreadyExistsError(f"account {account_id} has a user {name} already")
            made = AccountUser(
                account_id,
                name,
                key_id("AUCU", self._random),
                dict(check_tags(tags)),
                self._clock.now_ms(),
                check_person(name if person is None else person),
            )
            self._log.identity(account_id, "user", {"user": name, "id": made.user_id, "person": made.person})
            self._directory.change([user_record(made)])
            return made

    def delete_user(self, account_id: AccountId, name: str) -> None:
        """Take a user away with keys and documents."""
        with self._lock:
            self._directory.user(account_id, name)
            keys = self._directory.keys(account_id, name)
            self._log.identity(account_id, "user-gone", {"user": name, "keys": [key.access_key_id for key in keys]})
            gone = [RecordName(account_id, RecordKind.USER, name)]
            for key in keys:
                gone += _key_names(key)
            self._directory.change([], [*gone, *self._documents(account_id, f"user/{name}")])

    def create_key(self, account_id: AccountId, user_name: str) -> UserKey:
        """A further key of a user or of the root. Raises QuotaError beyond two."""
        with self._lock:
            self._open(account_id)
            if user_name != ROOT:
                self._directory.user(account_id, user_name)
            if len(self._directory.keys(account_id, user_name)) >= KEYS_PER_USER:
                raise QuotaError(f"{user_name} has {KEYS_PER_USER} keys already; delete one first")
            made = self._new_key(account_id, user_name)
            self._log.identity(account_id, "key", {"user": user_name, "key": made.access_key_id})
            self._directory.change([key_record(made)])
            return made

    def rotate_key(self, access_key_id: str) -> UserKey:
        """A new key in place of one, which is gone at the same moment."""
        with self._lock:
            old = self._directory.key(access_key_id)
            self._open(old.account_id)
            made = self._new_key(old.account_id, old.user_name)
            facts = {"user": old.user_name, "key": made.access_key_id, "old": access_key_id}
            self._log.identity(old.account_id, "key-new", facts)
            self._directory.change([key_record(made)], _key_names(old))
            return made

    def enable_key(self, access_key_id: str, *, enabled: bool) -> UserKey:
        """Let a key sign, or no longer."""
        with self._lock:
            found = self._directory.key(access_key_id)
            self._open(found.account_id)
            made = replace(found, enabled=enabled)
            facts = {"user": found.user_name, "key": access_key_id, "enabled": enabled}
            self._log.identity(found.account_id, "key-on" if enabled else "key-off", facts)
            self._directory.change([key_record(made)])
            return made

    def delete_key(self, access_key_id: str) -> UserKey:
        """Take a key away."""
        with self._lock:
            found = self._directory.key(access_key_id)
            self._log.identity(found.account_id, "key-gone", {"user": found.user_name, "key": access_key_id})
            self._directory.change([], _key_names(found))
            return found

    def create_role(self, account_id: AccountId, wanted: NewRole) -> Role:
        """Raises AlreadyExistsError, InvalidParameterError."""
        with self._lock:
            self._open(account_id)
            check_identity_name(wanted.name)
            if any(role.name.lower() == wanted.name.lower() for role in self._directory.roles(account_id)):
                raise AlreadyExistsError(f"account {account_id} has a role {wanted.name} already")
            made = Role(
                account_id,
                wanted.name,
                key_id("ARCU", self._random),
                wanted.trust,
                check_session_length(wanted.max_session_s),
                dict(check_tags(wanted.tags)),
                self._clock.now_ms(),
            )
            self._put_role(made, "role")
            return made

    def set_trust(self, account_id: AccountId, name: str, trust: str) -> Role:
        """Change who may assume a role; sessions that run go on. Raises InvalidParameterError."""
        with self._lock:
            self._open(account_id)
            made = replace(self._directory.role(account_id, name), trust=trust)
            self._put_role(made, "role-trust")
            return made

    def delete_role(self, account_id: AccountId, name: str) -> None:
        """Take a role away with its documents; its sessions end at once."""
        with self._lock:
            self._directory.role(account_id, name)
            self._log.identity(account_id, "role-gone", {"role": name})
            gone = RecordName(account_id, RecordKind.ROLE, name)
            self._directory.change([], [gone, *self._documents(account_id, f"role/{name}")])

    def put_document(self, account_id: AccountId, owner: str, name: str, text: str) -> None:
        """Give a policy document to ``user/NAME``, ``role/NAME`` or ``collection/ID``, in place of one of this name.

        Raises:
            InvalidParameterError: it is not understood.
            QuotaError: its owner has too many.
        """
        with self._lock:
            self._open(account_id)
            self._require_owner(account_id, owner)
            check_identity_name(name)
            self._directory.documents.check(owner, name, text)
            texts = self._directory.documents.texts(account_id, owner)
            if name not in texts and len(texts) >= DOCUMENTS_PER_OWNER:
                raise QuotaError(f"{owner} has {DOCUMENTS_PER_OWNER} policy documents already")
            self._log.identity(account_id, "doc", {"owner": owner, "doc": name, "sha256": _sha256(text)})
            self._directory.change([document_record(account_id, owner, name, text)])

    def document(self, account_id: AccountId, owner: str, name: str) -> str:
        """A document as it was written."""
        self._require_owner(account_id, owner)
        found = self._directory.documents.texts(account_id, owner).get(name)
        if found is None:
            raise NotFoundError(f"{owner} has no policy document {name}")
        return found

    def delete_document(self, account_id: AccountId, owner: str, name: str) -> None:
        """Take a document away."""
        with self._lock:
            self.document(account_id, owner, name)
            self._log.identity(account_id, "doc-gone", {"owner": owner, "doc": name})
            self._directory.change([], [document_name(account_id, owner, name)])

    def _put_role(self, made: Role, what: str) -> None:
        self._directory.documents.check_trust(made.name, made.trust)
        facts = {"role": made.name, "id": made.role_id, "trust_sha256": _sha256(made.trust)}
        self._log.identity(made.account_id, what, facts)
        self._directory.change([role_record(made)])

    def _open(self, account_id: AccountId) -> None:
        if self._directory.account(account_id).status is Status.CLOSED:
            raise ConflictError(f"account {account_id} is closed")

    def _require_owner(self, account_id: AccountId, owner: str) -> None:
        kind, _, name = owner.partition("/")
        self._directory.account(account_id)
        if kind == "user":
            self._directory.user(account_id, name)
        elif kind == "role":
            self._directory.role(account_id, name)
        elif not owner.startswith(COLLECTION):
            raise NotFoundError(f"{owner} can have no policy documents")

    def _new_key(self, account_id: AccountId, user_name: str) -> UserKey:
        return new_key(account_id, user_name, self._clock.now_ms(), self._random)

    def _documents(self, account_id: AccountId, owner: str) -> list[RecordName]:
        texts = self._directory.documents.texts(account_id, owner)
        return [document_name(account_id, owner, name) for name in texts]


def _key_names(key: UserKey) -> list[RecordName]:
    return [RecordName(key.account_id, kind, key.access_key_id) for kind in (RecordKind.KEY, RecordKind.KEY_USE)]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
