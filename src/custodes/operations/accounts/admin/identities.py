"""Commands of the operator about users, roles, keys and documents of accounts: typed, with what carries them out.

In: commands. Out: typed results. Secrets are in the answers to ``key create`` and ``key rotate``
only. A command that names no account is about the operator's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from custodes.core.ids import AccountId
from custodes.governance.accounts.identities import ROOT, AccountUser, Role, UserKey
from custodes.operations.accounts.admin.identity_results import (
    DocumentNames,
    DocumentText,
    KeyFacts,
    KeyList,
    KeyWithSecret,
    RoleFacts,
    RoleList,
    TrustedRole,
    UserFacts,
    UserList,
)
from custodes.operations.accounts.identities import Identities, NewRole
from custodes.operations.requests.admin import AccountAdminCommand, AdminCommand, AdminHandlers, Done
from custodes.operations.requests.properties import READS, Properties


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAccountUser(AccountAdminCommand):
    """Add a user to an account; ``person`` is whose it is, by default one called like the user."""

    operation: ClassVar[str] = "user create"
    user: str
    person: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccountUsers(AccountAdminCommand):
    """The users of an account."""

    operation: ClassVar[str] = "user list"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAccountUser(AccountAdminCommand):
    """Take a user away with keys and documents."""

    operation: ClassVar[str] = "user delete"
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAccessKey(AccountAdminCommand):
    """A further key of a user, or of the root."""

    operation: ClassVar[str] = "key create"
    user: str = ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccessKeys(AccountAdminCommand):
    """The keys of an account, or of one user of it."""

    operation: ClassVar[str] = "key list"
    properties: ClassVar[Properties] = READS
    user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneKey(AdminCommand):
    """A command about one access key, by its id."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateAccessKey(OneKey):
    """A new key in place of one."""

    operation: ClassVar[str] = "key rotate"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableAccessKey(OneKey):
    """Accept a key again."""

    operation: ClassVar[str] = "key enable"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableAccessKey(OneKey):
    """Refuse a key."""

    operation: ClassVar[str] = "key disable"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAccessKey(OneKey):
    """Take a key away for good."""

    operation: ClassVar[str] = "key delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRole(AccountAdminCommand):
    """Add a role to an account; ``trust`` is the policy document that says who may assume it."""

    operation: ClassVar[str] = "role create"
    role: str
    trust: str
    max_session_s: int = 3600
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRoles(AccountAdminCommand):
    """The roles of an account."""

    operation: ClassVar[str] = "role list"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRole(AccountAdminCommand):
    """A role with its trust policy."""

    operation: ClassVar[str] = "role show"
    properties: ClassVar[Properties] = READS
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRoleTrust(AccountAdminCommand):
    """Change who may assume a role."""

    operation: ClassVar[str] = "role trust"
    role: str
    trust: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRole(AccountAdminCommand):
    """Take a role away with its documents."""

    operation: ClassVar[str] = "role delete"
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutDocument(AccountAdminCommand):
    """Give a policy document to ``user/NAME``, ``role/NAME`` or ``collection/ID``."""

    operation: ClassVar[str] = "document put"
    owner: str
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDocument(AccountAdminCommand):
    """A policy document as it was written."""

    operation: ClassVar[str] = "document get"
    properties: ClassVar[Properties] = READS
    owner: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDocument(AccountAdminCommand):
    """Take a policy document away."""

    operation: ClassVar[str] = "document delete"
    owner: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDocuments(AccountAdminCommand):
    """Names of an owner's policy documents."""

    operation: ClassVar[str] = "document list"
    properties: ClassVar[Properties] = READS
    owner: str


class IdentityAdmin:
    """Carries them out; ``handlers`` has each by its class. All raise CustodesError, whose message says why."""

    def __init__(self, identities: Identities, operator: AccountId) -> None:
        """Work on ``identities``; a command that names no account is about ``operator``'s."""
        self._identities = identities
        self._operator = operator
        self.handlers: AdminHandlers = {
            CreateAccountUser: self._create_user,
            ListAccountUsers: self._list_users,
            DeleteAccountUser: self._delete_user,
            CreateAccessKey: lambda it: _with_secret(identities.create_key(self._account(it), it.user)),
            ListAccessKeys: self._list_keys,
            RotateAccessKey: lambda it: _with_secret(identities.rotate_key(it.key)),
            EnableAccessKey: lambda it: self._key(identities.enable_key(it.key, enabled=True)),
            DisableAccessKey: lambda it: self._key(identities.enable_key(it.key, enabled=False)),
            DeleteAccessKey: lambda it: self._key(identities.delete_key(it.key)),
            CreateRole: self._create_role,
            ListRoles: self._list_roles,
            ShowRole: self._show_role,
            SetRoleTrust: lambda it: _role(identities.set_trust(self._account(it), it.role, it.trust)),
            DeleteRole: self._delete_role,
            PutDocument: self._put_document,
            GetDocument: lambda it: DocumentText(identities.document(self._account(it), it.owner, it.name)),
            DeleteDocument: self._delete_document,
            ListDocuments: self._list_documents,
        }

    def _account(self, command: AccountAdminCommand) -> AccountId:
        return AccountId(command.account or self._operator)

    def _known(self, command: AccountAdminCommand) -> AccountId:
        return self._identities.directory.account(self._account(command)).account_id

    def _create_user(self, command: CreateAccountUser) -> UserFacts:
        return _user(self._identities.create_user(self._account(command), command.user, command.tags, command.person))

    def _list_users(self, command: ListAccountUsers) -> UserList:
        return UserList(tuple(_user(user) for user in self._identities.directory.users(self._known(command))))

    def _delete_user(self, command: DeleteAccountUser) -> Done:
        self._identities.delete_user(self._account(command), command.user)
        return Done()

    def _list_keys(self, command: ListAccessKeys) -> KeyList:
        found = self._identities.directory.keys(self._known(command), command.user)
        return KeyList(tuple(self._key(key) for key in found))

    def _create_role(self, command: CreateRole) -> RoleFacts:
        wanted = NewRole(command.role, command.trust, command.max_session_s, command.tags)
        return _role(self._identities.create_role(self._account(command), wanted))

    def _list_roles(self, command: ListRoles) -> RoleList:
        return RoleList(tuple(_role(role) for role in self._identities.directory.roles(self._known(command))))

    def _show_role(self, command: ShowRole) -> TrustedRole:
        found = self._identities.directory.role(self._account(command), command.role)
        return TrustedRole(**_role_members(found), trust=found.trust)

    def _delete_role(self, command: DeleteRole) -> Done:
        self._identities.delete_role(self._account(command), command.role)
        return Done()

    def _put_document(self, command: PutDocument) -> Done:
        self._identities.put_document(self._account(command), command.owner, command.name, command.text)
        return Done()

    def _delete_document(self, command: DeleteDocument) -> Done:
        self._identities.delete_document(self._account(command), command.owner, command.name)
        return Done()

    def _list_documents(self, command: ListDocuments) -> DocumentNames:
        texts = self._identities.directory.documents.texts(self._known(command), command.owner)
        return DocumentNames(tuple(sorted(texts)))

    def _key(self, key: UserKey) -> KeyFacts:
        return KeyFacts(
            account_id=key.account_id,
            user=key.user_name,
            access_key_id=key.access_key_id,
            enabled=key.enabled,
            created_ts_ms=key.created_ts_ms,
            used_ts_ms=self._identities.directory.used_ts_ms(key.access_key_id),
        )


def _user(user: AccountUser) -> UserFacts:
    return UserFacts(
        account_id=user.account_id,
        user=user.name,
        user_id=user.user_id,
        arn=f"arn:aws:iam::{user.account_id}:user/{user.name}",
        person=user.person,
        tags=user.tags,
        created_ts_ms=user.created_ts_ms,
    )


def _role(role: Role) -> RoleFacts:
    return RoleFacts(**_role_members(role))


def _role_members(role: Role) -> dict[str, Any]:
    return {
        "account_id": role.account_id,
        "role": role.name,
        "role_id": role.role_id,
        "arn": f"arn:aws:iam::{role.account_id}:role/{role.name}",
        "max_session_s": role.max_session_s,
        "tags": role.tags,
        "created_ts_ms": role.created_ts_ms,
    }


def _with_secret(key: UserKey) -> KeyWithSecret:
    return KeyWithSecret(key.account_id, key.user_name, key.access_key_id, key.secret)
