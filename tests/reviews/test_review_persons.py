"""Who a caller is to a review: users by their id, sessions by whoever opened them."""

from __future__ import annotations

import os

import pytest

from custodes.core.ids import AccountId
from custodes.governance.accounts.identities import ROOT, AccountUser, UserKey
from custodes.operations.accounts.credentials.sessions import SessionTokens
from custodes.operations.accounts.directory import AccountDirectory, key_record, user_record
from custodes.operations.requests.context import Caller, Principal, RoleSession
from custodes.operations.reviews.persons import ReviewPersons
from tests.fakes.accounts import MemoryAccountStore

MINE = AccountId("111111111111")


class Unsealed:
    def seal(self, plain: bytes) -> bytes:
        return plain

    def open(self, sealed: bytes) -> bytes | None:
        return sealed


@pytest.fixture
def directory() -> AccountDirectory:
    found = AccountDirectory(MemoryAccountStore(), (), SessionTokens(Unsealed(), os.urandom))
    found.change(
        [
            user_record(AccountUser(MINE, "ann", "AIDANN")),
            user_record(AccountUser(MINE, "bob", "AIDBOB")),
            user_record(AccountUser(MINE, "carl", "AIDCARL", person="staff-7")),
            user_record(AccountUser(MINE, "carl-admin", "AIDCARL2", person="staff-7")),
            key_record(UserKey(MINE, "AKANN1", "s" * 40, "ann")),
            key_record(UserKey(MINE, "AKANN2", "s" * 40, "ann")),
            key_record(UserKey(MINE, "AKROOT", "s" * 40, ROOT)),
        ]
    )
    return found


def caller(key: str, path: str, principal_id: str = "", origin_key: str | None = None, name: str = "s") -> Caller:
    session = None if origin_key is None else RoleSession(name, 0, origin_key=origin_key)
    kind = "sts" if path.startswith("role/") else "iam"
    principal = Principal(path, principal_id, session=session)
    return Caller(MINE, key, f"arn:aws:{kind}::{MINE}:{path}/{name}", "eu-central-1", principal=principal)


def test_one_user_is_one_person_with_every_key_and_session(directory: AccountDirectory) -> None:
    who = ReviewPersons(directory)
    ann = who(caller("AKANN1", "user/ann", "AIDANN"))
    assert ann.is_user
    for same in (
        caller("AKANN2", "user/ann", "AIDANN"),
        caller("ASIA1", "user/ann", "AIDANN", origin_key="AKANN2"),
        caller("ASIA2", "role/searcher", "AROA1", origin_key="AKANN1", name="one"),
        caller("ASIA3", "role/searcher", "AROA1", origin_key="AKANN2", name="another"),
    ):
        assert who(same).key == ann.key
    assert who(caller("AKBOB", "user/bob", "AIDBOB")).key != ann.key
    assert who(caller("AKANN9", "user/ann", "AIDANN-made-anew")).key != ann.key


def test_sessions_of_roles_and_the_root_cannot_review(directory: AccountDirectory) -> None:
    who = ReviewPersons(directory)
    role = who(caller("ASIA2", "role/searcher", "AROA1", origin_key="AKANN1"))
    root = who(caller("AKROOT", "root"))
    from_root = who(caller("ASIA4", "role/searcher", "AROA1", origin_key="AKROOT"))
    assert not role.is_user
    assert not root.is_user
    assert from_root.key == root.key


def test_the_operators_key_which_no_record_has_is_its_root(directory: AccountDirectory) -> None:
    assert ReviewPersons(directory)(caller("AKOPERATOR", "root")).key == ROOT


def test_two_users_of_one_person_are_one(directory: AccountDirectory) -> None:
    who = ReviewPersons(directory)
    carl = who(caller("AKCARL", "user/carl", "AIDCARL"))
    assert who(caller("AKCARL2", "user/carl-admin", "AIDCARL2")).key == carl.key
    assert who(caller("AKCARL3", "user/carl", "AIDCARL-made-anew")).key != carl.key
