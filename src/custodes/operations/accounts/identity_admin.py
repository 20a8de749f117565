"""What commands ask about users, roles, keys and documents, as JSON in and JSON out.

In: an order's members. Out: what to print. Secrets are in the answers to ``key create`` and ``key rotate`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import AccountId
from custodes.governance.accounts.identities import ROOT, AccountUser, Role, UserKey
from custodes.operations.accounts.identities import Identities, NewRole

Answer = dict[str, object]
Members = Mapping[str, object]


class IdentityOrders:
    """Carries them out; ``acts`` has each by name."""

    def __init__(self, identities: Identities, operator: AccountId) -> None:
        """Work on ``identities``; an order that names no account is about ``operator``'s."""
        self._identities = identities
        self._operator = operator
        self.acts: Mapping[str, Callable[[Members], Answer]] = {
            "user create": self._create_user,
            "user list": self._list_users,
            "user delete": self._delete_user,
            "key create": self._create_key,
            "key list": self._list_keys,
            "key rotate": self._rotate_key,
            "key enable": lambda members: self._enable_key(members, enabled=True),
            "key disable": lambda members: self._enable_key(members, enabled=False),
            "key delete": self._delete_key,
            "role create": self._create_role,
            "role list": self._list_roles,
            "role show": self._show_role,
            "role trust": self._trust,
            "role delete": self._delete_role,
            "document put": self._put_document,
            "document get": self._get_document,
            "document delete": self._delete_document,
            "document list": self._list_documents,
        }

    def _account(self, members: Members) -> AccountId:
        return AccountId(str(members.get("account") or self._operator))

    def _create_user(self, members: Members) -> Answer:
        tags = tags_of(members)
        return self._user(self._identities.create_user(self._account(members), _text(members, "user"), tags))

    def _list_users(self, members: Members) -> Answer:
        account = self._identities.directory.account(self._account(members)).account_id
        return {"users": [self._user(user) for user in self._identities.directory.users(account)]}

    def _delete_user(self, members: Members) -> Answer:
        self._identities.delete_user(self._account(members), _text(members, "user"))
        return {}

    def _create_key(self, members: Members) -> Answer:
        return _with_secret(self._identities.create_key(self._account(members), str(members.get("user") or ROOT)))

    def _list_keys(self, members: Members) -> Answer:
        directory, user = self._identities.directory, members.get("user")
        account = directory.account(self._account(members)).account_id
        found = directory.keys(account, None if user is None else str(user))
        return {"keys": [self._key(key) for key in found]}

    def _rotate_key(self, members: Members) -> Answer:
        return _with_secret(self._identities.rotate_key(_text(members, "key")))

    def _enable_key(self, members: Members, *, enabled: bool) -> Answer:
        return self._key(self._identities.enable_key(_text(members, "key"), enabled=enabled))

    def _delete_key(self, members: Members) -> Answer:
        return self._key(self._identities.delete_key(_text(members, "key")))

    def _create_role(self, members: Members) -> Answer:
        seconds = members.get("max_session_s", 3600)
        wanted = NewRole(
            _text(members, "role"),
            _text(members, "trust"),
            seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else 0,
            tags_of(members),
        )
        return self._role(self._identities.create_role(self._account(members), wanted))

    def _list_roles(self, members: Members) -> Answer:
        account = self._identities.directory.account(self._account(members)).account_id
        return {"roles": [self._role(role) for role in self._identities.directory.roles(account)]}

    def _show_role(self, members: Members) -> Answer:
        found = self._identities.directory.role(self._account(members), _text(members, "role"))
        return {**self._role(found), "trust": found.trust}

    def _trust(self, members: Members) -> Answer:
        role, trust = _text(members, "role"), _text(members, "trust")
        return self._role(self._identities.set_trust(self._account(members), role, trust))

    def _delete_role(self, members: Members) -> Answer:
        self._identities.delete_role(self._account(members), _text(members, "role"))
        return {}

    def _put_document(self, members: Members) -> Answer:
        owner, name = _text(members, "owner"), _text(members, "name")
        self._identities.put_document(self._account(members), owner, name, _text(members, "text"))
        return {}

    def _get_document(self, members: Members) -> Answer:
        owner, name = _text(members, "owner"), _text(members, "name")
        return {"text": self._identities.document(self._account(members), owner, name)}

    def _delete_document(self, members: Members) -> Answer:
        owner, name = _text(members, "owner"), _text(members, "name")
        self._identities.delete_document(self._account(members), owner, name)
        return {}

    def _list_documents(self, members: Members) -> Answer:
        account = self._identities.directory.account(self._account(members)).account_id
        return {"names": sorted(self._identities.directory.documents.texts(account, _text(members, "owner")))}

    def _user(self, user: AccountUser) -> Answer:
        return {
            "account_id": user.account_id,
            "user": user.name,
            "user_id": user.user_id,
            "arn": f"arn:aws:iam::{user.account_id}:user/{user.name}",
            "tags": dict(user.tags),
            "created_ts_ms": user.created_ts_ms,
        }

    def _role(self, role: Role) -> Answer:
        return {
            "account_id": role.account_id,
            "role": role.name,
            "role_id": role.role_id,
            "arn": f"arn:aws:iam::{role.account_id}:role/{role.name}",
            "max_session_s": role.max_session_s,
            "tags": dict(role.tags),
            "created_ts_ms": role.created_ts_ms,
        }

    def _key(self, key: UserKey) -> Answer:
        return {
            "account_id": key.account_id,
            "user": key.user_name,
            "access_key_id": key.access_key_id,
            "enabled": key.enabled,
            "created_ts_ms": key.created_ts_ms,
            "used_ts_ms": self._identities.directory.used_ts_ms(key.access_key_id),
        }


def tags_of(members: Members) -> Mapping[str, str]:
    """Tags of an order. Raises InvalidParameterError."""
    tags = members.get("tags") or {}
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise InvalidParameterError("tags are an object of texts")
    return tags


def _with_secret(key: UserKey) -> Answer:
    return {
        "account_id": key.account_id,
        "user": key.user_name,
        "access_key_id": key.access_key_id,
        "secret_access_key": key.secret,
    }


def _text(members: Members, name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidParameterError(f"the order lacks {name}")
    return value
