"""All accounts, users and keys in memory, as requests need them: no request waits for a database.

In: the records of a store at the start, and every change after it is durable. Out: look-ups by id. It implements
``KeyLookup``. Readers never wait; changes come from one writer at a time. It decides nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from types import MappingProxyType
from typing import TypeVar

from custodes.core.errors import NotFoundError
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import Account, Status, account
from custodes.governance.accounts.identities import ROOT, AccountUser, Role, UserKey, role, user, user_key
from custodes.operations.accounts.credentials.sessions import SessionTokens
from custodes.operations.accounts.policy_documents import AccountDocuments
from custodes.operations.accounts.ports import AccountRecord, AccountStore, RecordKind, RecordName
from custodes.operations.requests.context import Principal
from custodes.operations.requests.ports import AccessKey

N = TypeVar("N")


class AccountDirectory:
    """Reads from memory what ``AccountStore`` keeps."""

    def __init__(self, store: AccountStore, operations: Iterable[str], sessions: SessionTokens) -> None:
        """Read everything from ``store``; policy documents are about ``operations``; ``sessions`` opens tokens."""
        self._store = store
        self._sessions = sessions
        self._documents = AccountDocuments(operations)
        self._accounts: dict[AccountId, Account] = {}
        self._users: dict[AccountId, dict[str, AccountUser]] = {}
        self._roles: dict[AccountId, dict[str, Role]] = {}
        self._keys: dict[str, UserKey] = {}
        self._keys_of: dict[AccountId, dict[str, UserKey]] = {}
        self._outside: dict[str, AccessKey] = {}
        self._used_ts_ms: dict[str, int] = {}
        self._unsaved: set[str] = set()
        self._writing = threading.Lock()
        for record in store.load():
            self._take(record)

    def reload(self) -> None:
        """Read everything again: another process changed something. Raises UnavailableError."""
        with self._writing:
            fresh = AccountDirectory(self._store, (), self._sessions)
            self._documents.take_from(fresh._documents)
            self._accounts, self._users, self._roles = fresh._accounts, fresh._users, fresh._roles
            self._keys, self._keys_of = fresh._keys, fresh._keys_of
            unsaved = {key: self._used_ts_ms[key] for key in self._unsaved if key in self._used_ts_ms}
            self._used_ts_ms = {**fresh._used_ts_ms, **unsaved}

    def hold(self, key: AccessKey) -> None:
        """Know a key that is kept elsewhere: the operator's, in the data directory's ``credentials``."""
        self._outside[key.access_key_id] = key

    def change(self, put: Sequence[AccountRecord], remove: Sequence[RecordName] = ()) -> None:
        """Make a change durable, then visible.

        Raises:
            UnavailableError: nothing was changed.
        """
        with self._writing:
            self._store.change(put, remove)
            for name in remove:
                self._drop(name)
            for record in put:
                self._take(record)

    @property
    def documents(self) -> AccountDocuments:
        """Policy documents of all accounts."""
        return self._documents

    @property
    def sessions(self) -> SessionTokens:
        """Issues the tokens that are accepted here."""
        return self._sessions

    def account(self, account_id: AccountId) -> Account:
        """The account. Raises NotFoundError."""
        found = self._accounts.get(account_id)
        if found is None:
            raise NotFoundError(f"there is no account {account_id}")
        return found

    def status(self, account_id: AccountId) -> Status | None:
        """State of an account; None when there is none."""
        found = self._accounts.get(account_id)
        return None if found is None else found.status

    def limits(self, account_id: AccountId) -> Mapping[str, int]:
        """What is set for an account beside the server's own limits; nothing for one that is not there."""
        found = self._accounts.get(account_id)
        return {} if found is None else found.limits

    def accounts(self) -> tuple[Account, ...]:
        """All accounts in the order of their opening."""
        found = list(self._accounts.values())  # one step, so that a change meanwhile does no harm
        return tuple(sorted(found, key=lambda item: (item.created_ts_ms, item.account_id)))

    def open_count(self) -> int:
        """How many accounts are not closed."""
        return sum(item.status is not Status.CLOSED for item in list(self._accounts.values()))

    def user(self, account_id: AccountId, name: str) -> AccountUser:
        """A user. Raises NotFoundError."""
        found = self._users.get(account_id, {}).get(name)
        if found is None:
            raise NotFoundError(f"account {account_id} has no user {name}")
        return found

    def users(self, account_id: AccountId) -> tuple[AccountUser, ...]:
        """Users of an account by name."""
        return _by_name(self._users.get(account_id, {}))

    def role(self, account_id: AccountId, name: str) -> Role:
        """A role. Raises NotFoundError."""
        found = self._roles.get(account_id, {}).get(name)
        if found is None:
            raise NotFoundError(f"account {account_id} has no role {name}")
        return found

    def roles(self, account_id: AccountId) -> tuple[Role, ...]:
        """Roles of an account by name."""
        return _by_name(self._roles.get(account_id, {}))

    def key(self, access_key_id: str) -> UserKey:
        """A stored key, enabled or not. Raises NotFoundError."""
        found = self._keys.get(access_key_id)
        if found is None:
            raise NotFoundError(f"there is no access key {access_key_id}")
        return found

    def keys(self, account_id: AccountId, user_name: str | None = None) -> tuple[UserKey, ...]:
        """Stored keys of an account or of one user of it, oldest first."""
        found = self._keys_of.get(account_id, {})
        mine = [key for key in list(found.values()) if user_name is None or key.user_name == user_name]
        return tuple(sorted(mine, key=lambda key: (key.created_ts_ms, key.access_key_id)))

    def find(self, access_key_id: str, session_token: str | None = None) -> AccessKey | None:
        """See KeyLookup. Keys of a closed account do not exist any more."""
        if session_token is not None:
            return self._find_session(access_key_id, session_token)
        outside = self._outside.get(access_key_id)
        if outside is not None:
            return outside
        found = self._keys.get(access_key_id)
        if found is None or not found.enabled or self.status(found.account_id) in (None, Status.CLOSED):
            return None
        principal = self._principal(found.account_id, ROOT if found.user_name == ROOT else f"user/{found.user_name}")
        if principal is None:
            return None
        return AccessKey(found.access_key_id, found.secret, found.account_id, principal)

    def _find_session(self, access_key_id: str, token: str) -> AccessKey | None:
        """A session is good while its account, its user or role and the key that it came from are."""
        opened = self._sessions.open(access_key_id, token)
        if opened is None or self.find(opened.session.origin_key) is None:
            return None
        principal = self._principal(opened.account_id, opened.path)
        if principal is None or principal.principal_id != opened.principal_id:
            return None
        return AccessKey(
            access_key_id,
            opened.secret,
            opened.account_id,
            replace(principal, session=opened.session),
            token,
            opened.expires_ts_ms,
        )

    def _principal(self, account_id: AccountId, path: str) -> Principal | None:
        """Whoever is called so now."""
        kind, _, name = path.partition("/")
        if kind == "user":
            user = self._users.get(account_id, {}).get(name)
            return None if user is None else Principal(path, user.user_id, user.tags)
        if kind == "role":
            role = self._roles.get(account_id, {}).get(name)
            return None if role is None else Principal(path, role.role_id, role.tags)
        return Principal()

    def saw(self, access_key_id: str, ts_ms: int) -> None:
        """A request signed with this key was accepted at ``ts_ms``; kept in memory until ``save_uses``.

        Temporary keys are not counted: there is no end of them.
        """
        if access_key_id in self._keys:
            self._used_ts_ms[access_key_id] = ts_ms
            self._unsaved.add(access_key_id)

    def used_ts_ms(self, access_key_id: str) -> int | None:
        """When the key was last used, to the hour after a crash; None for never."""
        return self._used_ts_ms.get(access_key_id)

    def save_uses(self) -> None:
        """Keep when keys were last used. Raises UnavailableError."""
        unsaved, self._unsaved = self._unsaved, set()
        records = [
            AccountRecord(RecordName(key.account_id, RecordKind.KEY_USE, key_id), b"%d" % self._used_ts_ms[key_id])
            for key_id in unsaved
            if (key := self._keys.get(key_id)) is not None
        ]
        if records:
            self.change(records)

    def _take(self, record: AccountRecord) -> None:
        self._takers[record.name.kind](self, record)

    def _take_account(self, record: AccountRecord) -> None:
        self._accounts[record.name.account_id] = account(record.value)

    def _take_user(self, record: AccountRecord) -> None:
        found = user(record.value)
        self._users.setdefault(found.account_id, {})[found.name] = found

    def _take_role(self, record: AccountRecord) -> None:
        found = role(record.value)
        self._roles.setdefault(found.account_id, {})[found.name] = found

    def _take_document(self, record: AccountRecord) -> None:
        self._documents.take(record)

    def _take_key(self, record: AccountRecord) -> None:
        found = user_key(record.value)
        self._keys[found.access_key_id] = found
        self._keys_of.setdefault(found.account_id, {})[found.access_key_id] = found

    def _take_use(self, record: AccountRecord) -> None:
        self._used_ts_ms[record.name.name] = int(record.value)

    _takers: Mapping[RecordKind, Callable[[AccountDirectory, AccountRecord], None]] = MappingProxyType(
        {
            RecordKind.ACCOUNT: _take_account,
            RecordKind.USER: _take_user,
            RecordKind.KEY: _take_key,
            RecordKind.KEY_USE: _take_use,
            RecordKind.ROLE: _take_role,
            RecordKind.DOCUMENT: _take_document,
        }
    )

    def _drop(self, name: RecordName) -> None:
        if name.kind is RecordKind.USER:
            self._users.get(name.account_id, {}).pop(name.name, None)
        elif name.kind is RecordKind.ROLE:
            self._roles.get(name.account_id, {}).pop(name.name, None)
        elif name.kind is RecordKind.DOCUMENT:
            self._documents.drop(name)
        elif name.kind is RecordKind.KEY:
            self._keys.pop(name.name, None)
            self._keys_of.get(name.account_id, {}).pop(name.name, None)
        elif name.kind is RecordKind.KEY_USE:
            self._used_ts_ms.pop(name.name, None)


def account_record(found: Account) -> AccountRecord:
    """An account as a record."""
    return AccountRecord(RecordName(found.account_id, RecordKind.ACCOUNT, found.account_id), found.encoded())


def user_record(found: AccountUser) -> AccountRecord:
    """A user as a record."""
    return AccountRecord(RecordName(found.account_id, RecordKind.USER, found.name), found.encoded())


def key_record(found: UserKey) -> AccountRecord:
    """A key as a record."""
    return AccountRecord(RecordName(found.account_id, RecordKind.KEY, found.access_key_id), found.encoded())


def role_record(found: Role) -> AccountRecord:
    """A role as a record."""
    return AccountRecord(RecordName(found.account_id, RecordKind.ROLE, found.name), found.encoded())


def _by_name(found: Mapping[str, N]) -> tuple[N, ...]:
    """The values in the order of their names."""
    items = list(found.items())  # one step, so that a change meanwhile does no harm
    return tuple(value for _, value in sorted(items, key=itemgetter(0)))
