"""Users, roles, keys and documents: made, changed, gone, on record, and what a user may do with which document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from custodes.core.errors import (
    AlreadyExistsError,
    ConflictError,
    CustodesError,
    InvalidParameterError,
    NotFoundError,
    QuotaError,
    UnavailableError,
)
from custodes.core.ids import AccountId, CollectionId, RequestId
from custodes.gallery.entities import CollectionKey
from custodes.governance.iam.evaluate import IamDecision
from custodes.operations.policy.tenant import AccountPolicies
from custodes.operations.requests.context import Context, Origin
from custodes.operations.requests.gate import Intent
from tests.accounts.conftest import Office

REGION = "eu-central-1"
TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}
)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


LIST = policy({"Action": "rekognition:ListCollections", "Resource": "*"})


@pytest.fixture
def account(office: Office) -> str:
    return str(office.create()["account_id"])


def asked(
    office: Office, key_id: str, action: str, resource: str = "*", tags: dict[str, str] | None = None, **facts: object
) -> IamDecision:
    """The tenant's answer to a call that was signed with a key."""
    key = office.directory.find(key_id)
    assert key is not None
    context = Context(key.caller(REGION), RequestId("r"), office.clock.now_ms(), Origin("192.0.2.7", secure=True))

    def tags_of(found: CollectionKey) -> dict[str, str]:
        if found.collection_id != "people":
            raise NotFoundError("no such collection")
        return tags or {}

    return AccountPolicies(office.directory, tags_of).decide(Intent(context, action, resource, facts))


def collection(account: str, name: str = "people") -> str:
    return f"arn:aws:rekognition:{REGION}:{account}:collection/{name}"


def user(office: Office, account: str, name: str = "ann", *documents: str, **members: object) -> str:
    """A user with documents; the id of its key."""
    office.order("user create", account=account, user=name, **members)
    for number, text in enumerate(documents):
        office.order("document put", account=account, owner=f"user/{name}", name=f"p{number}", text=text)
    return str(office.order("key create", account=account, user=name)["access_key_id"])


def test_a_user_may_do_what_its_documents_say_and_nothing_without(office: Office, account: str) -> None:
    key = user(office, account)
    assert asked(office, key, "rekognition:ListCollections") == IamDecision(False, "no-allow", "")
    office.order("document put", account=account, owner="user/ann", name="list", text=LIST)
    assert asked(office, key, "rekognition:ListCollections") == IamDecision(True, "identity-allow", "user/ann/list/#1")
    assert not asked(office, key, "rekognition:DeleteCollection", collection(account)).allowed
    office.order("document delete", account=account, owner="user/ann", name="list")
    assert not asked(office, key, "rekognition:ListCollections").allowed


def test_the_root_may_everything_whatever_a_collection_says(office: Office, account: str) -> None:
    key = office.order("key list", account=account)["keys"][0]["access_key_id"]
    deny = policy({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"})
    office.order("document put", account=account, owner="collection/people", name="policy", text=deny)
    assert asked(office, key, "rekognition:DeleteCollection", collection(account)).allowed


def test_a_collection_can_grant_and_refuse_by_itself(office: Office, account: str) -> None:
    key = user(office, account, "ann", policy({"Action": "rekognition:*", "Resource": "*"}))
    bob = user(office, account, "bob")
    text = policy(
        {
            "Principal": {"AWS": f"arn:aws:iam::{account}:user/bob"},
            "Action": "rekognition:SearchFaces",
            "Resource": "*",
        },
        {"Effect": "Deny", "Principal": "*", "Action": "rekognition:DeleteFaces", "Resource": "*"},
    )
    office.order("document put", account=account, owner="collection/people", name="policy", text=text)
    assert asked(office, bob, "rekognition:SearchFaces", collection(account)).allowed
    assert not asked(office, bob, "rekognition:SearchFaces", collection(account, "other")).allowed
    assert asked(office, key, "rekognition:SearchFaces", collection(account)).allowed
    assert asked(office, key, "rekognition:DeleteFaces", collection(account)).reason == "explicit-deny"
    assert asked(office, key, "rekognition:DeleteFaces", collection(account, "other")).allowed


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"aws:username": "ann"}}, True),
        ({"StringEquals": {"aws:username": "bob"}}, False),
        ({"StringLike": {"aws:userid": "AUCU*"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/Team": "red"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "blue"}}, False),
        ({"StringEquals": {"aws:ResourceTag/Owner": "ann"}}, True),
        ({"StringEquals": {"aws:ResourceTag/owner": "${aws:username}"}}, True),
        ({"StringEquals": {"aws:ResourceTag/owner": "bob"}}, False),
        ({"StringEquals": {"aws:RequestTag/env": "test"}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["env", "kind"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["kind"]}}, False),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, True),
        ({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": REGION}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2023-11-14T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2023-11-14T00:00:00Z"}}, False),
        ({"NumericGreaterThan": {"aws:EpochTime": "1700000001"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/a*"}}, True),
        ({"StringEquals": {"aws:PrincipalType": "User"}}, True),
        ({"Null": {"aws:TokenIssueTime": "true"}}, True),
        ({"Null": {"aws:MultiFactorAuthPresent": "true"}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
        ({"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}, True),
    ],
    ids=str,
)
def test_condition_keys_of_a_call(office: Office, account: str, condition: object, allowed: bool) -> None:
    key = user(
        office,
        account,
        "ann",
        policy({"Action": "rekognition:TagResource", "Resource": "*", "Condition": condition}),
        tags={"team": "red"},
    )
    answer = asked(
        office, key, "rekognition:TagResource", collection(account), {"owner": "ann"}, request_tags={"env": "test"}
    )
    assert answer.allowed is allowed


def test_tags_are_read_only_when_a_policy_asks_for_them(office: Office, account: str) -> None:
    key = office.directory.find(user(office, account, "ann", LIST))
    assert key is not None

    def never(_: CollectionKey) -> dict[str, str]:
        raise AssertionError("no policy looks at tags")

    intent = Intent(Context(key.caller(REGION), RequestId("r"), 0), "rekognition:ListFaces", collection(account), {})
    assert not AccountPolicies(office.directory, never).decide(intent).allowed


def test_collections_that_are_not_there_have_no_tags(office: Office, account: str) -> None:
    condition = {"StringEquals": {"aws:ResourceTag/owner": "ann"}}
    key = user(office, account, "ann", policy({"Action": "rekognition:*", "Resource": "*", "Condition": condition}))
    assert not asked(office, key, "rekognition:ListFaces", collection(account, "none"), {"owner": "ann"}).allowed


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        policy({"Action": "rekognition:Serch*", "Resource": "*"}),
        policy({"Action": "*", "Resource": "people"}),
        policy({"Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:MoonPhase": "full"}}}),
        policy({"Action": "*", "Resource": "*", "Principal": "*"}),
    ],
)
def test_documents_that_are_not_understood_are_refused_when_stored(office: Office, account: str, text: str) -> None:
    user(office, account)
    with pytest.raises(InvalidParameterError, match="not understood"):
        office.order("document put", account=account, owner="user/ann", name="p", text=text)
    assert office.order("document list", account=account, owner="user/ann")["names"] == []


def test_everything_is_there_after_a_restart_and_is_recorded(office: Office, account: str) -> None:
    key = user(office, account, "ann", LIST, tags={"team": "red"})
    office.order("role create", account=account, role="Reader", trust=TRUST, max_session_s=7200)
    office.order("document put", account=account, owner="role/Reader", name="p", text=LIST)
    asks = (
        ("user list", {}),
        ("role list", {}),
        ("key list", {}),
        ("document get", {"owner": "user/ann", "name": "p0"}),
        ("document get", {"owner": "role/Reader", "name": "p"}),
    )
    before = [office.order(act, account=account, **members) for act, members in asks]
    again = office.again()
    assert [again.order(act, account=account, **members) for act, members in asks] == before
    assert asked(again, key, "rekognition:ListCollections").allowed
    events = [entry.fields["x"] for entry, _ in office.entries("acc")]
    assert events == ["open", "user", "doc", "key", "role", "doc"]
    bodies = [body for _, body in office.entries("acc")]
    assert {body["acct"] for body in bodies} == {account}
    assert LIST not in json.dumps(bodies)


def test_a_stored_document_that_is_no_longer_understood_refuses_everything(office: Office, account: str) -> None:
    key = user(office, account, "ann", policy({"Action": "rekognition:*", "Resource": "*"}))
    for name, value in list(office.store.records.items()):
        if name.kind == "document":
            office.store.records[name] = value.replace(b'"Action"', b'"Auction"')
    answer = asked(office.again(), key, "rekognition:ListCollections")
    assert (answer.allowed, answer.rule) == (False, "user/ann/p0/unreadable")


def test_keys_two_at_most_disabled_enabled_rotated_gone(office: Office, account: str) -> None:
    first = user(office, account)
    second = office.order("key create", account=account, user="ann")
    with pytest.raises(QuotaError):
        office.order("key create", account=account, user="ann")
    office.order("key disable", key=first)
    assert office.directory.find(first) is None
    assert office.again().directory.find(first) is None
    office.order("key enable", key=first)
    assert office.directory.find(first) is not None
    fresh = office.order("key rotate", key=first)
    assert office.directory.find(first) is None
    found = office.directory.find(fresh["access_key_id"])
    assert found is not None
    assert (found.secret, found.principal.path) == (fresh["secret_access_key"], "user/ann")
    office.order("key delete", key=second["access_key_id"])
    assert office.directory.find(second["access_key_id"]) is None
    assert [key["access_key_id"] for key in office.order("key list", account=account, user="ann")["keys"]] == [
        fresh["access_key_id"]
    ]
    listed = json.dumps(office.order("key list", account=account))
    assert fresh["secret_access_key"] not in listed


def test_when_a_key_was_last_used_is_known_and_kept(office: Office, account: str) -> None:
    key = user(office, account)
    assert office.order("key list", account=account, user="ann")["keys"][0]["used_ts_ms"] is None
    office.directory.saw(key, 1234)
    office.directory.saw("ASCUSOMESESSION", 99)
    assert office.directory.used_ts_ms("ASCUSOMESESSION") is None
    assert office.order("key list", account=account, user="ann")["keys"][0]["used_ts_ms"] == 1234
    assert office.again().order("key list", account=account, user="ann")["keys"][0]["used_ts_ms"] is None
    office.directory.save_uses()
    assert office.again().order("key list", account=account, user="ann")["keys"][0]["used_ts_ms"] == 1234


def test_a_deleted_user_leaves_nothing_and_a_namesake_is_somebody_else(office: Office, account: str) -> None:
    key = user(office, account, "ann", LIST)
    first_id = office.directory.user(AccountId(account), "ann").user_id
    office.order("user delete", account=account, user="ann")
    assert office.directory.find(key) is None
    assert {name.kind for name in office.store.records} == {"account", "key"}
    again = user(office, account, "ann")
    assert office.directory.user(AccountId(account), "ann").user_id != first_id
    assert not asked(office, again, "rekognition:ListCollections").allowed


def test_mistakes(office: Office, account: str) -> None:
    user(office, account)
    mistakes: list[tuple[type[CustodesError], str, dict[str, object]]] = [
        (AlreadyExistsError, "user create", {"user": "ANN"}),
        (InvalidParameterError, "user create", {"user": "root"}),
        (InvalidParameterError, "user create", {"user": "a/b"}),
        (InvalidParameterError, "user create", {"user": "x", "tags": {"aws:x": "y"}}),
        (InvalidParameterError, "user create", {"user": "x", "tags": {"a": "1", "A": "2"}}),
        (InvalidParameterError, "user create", {"user": "x", "tags": {"a": 1}}),
        (NotFoundError, "user delete", {"user": "bob"}),
        (NotFoundError, "key create", {"user": "bob"}),
        (NotFoundError, "key rotate", {"key": "AKCUNOTTHERE"}),
        (NotFoundError, "document put", {"owner": "user/bob", "name": "p", "text": LIST}),
        (NotFoundError, "document put", {"owner": "queen/bob", "name": "p", "text": LIST}),
        (InvalidParameterError, "document put", {"owner": "user/ann", "name": "a/b", "text": LIST}),
        (NotFoundError, "document get", {"owner": "user/ann", "name": "p"}),
        (NotFoundError, "document delete", {"owner": "user/ann", "name": "p"}),
        (InvalidParameterError, "role create", {"role": "R", "trust": LIST}),
        (InvalidParameterError, "role create", {"role": "R", "trust": TRUST, "max_session_s": 60}),
        (InvalidParameterError, "role create", {"role": "R", "trust": TRUST.replace("AssumeRole", "AssumRole")}),
        (NotFoundError, "role trust", {"role": "R", "trust": TRUST}),
        (NotFoundError, "role delete", {"role": "R"}),
    ]
    count = len(office.entries("acc"))
    for error, act, members in mistakes:
        with pytest.raises(error):
            office.order(act, account=account, **members)
    assert len(office.entries("acc")) == count
    for act in ("user list", "key list", "role list"):
        with pytest.raises(NotFoundError):
            office.order(act, account="999999999999")


def test_a_closed_account_gets_nobody_new(office: Office, account: str) -> None:
    key = user(office, account)
    office.order("role create", account=account, role="R", trust=TRUST)
    office.order("close", account=account)
    for act, members in (
        ("user create", {"user": "bob"}),
        ("key create", {"user": "ann"}),
        ("key rotate", {"key": key}),
        ("key enable", {"key": key}),
        ("role create", {"role": "X", "trust": TRUST}),
        ("role trust", {"role": "R", "trust": TRUST}),
        ("document put", {"owner": "user/ann", "name": "p", "text": LIST}),
    ):
        with pytest.raises(ConflictError):
            office.order(act, account=account, **members)


def test_nothing_changes_without_ledger_or_disk(office: Office, account: str) -> None:
    key = user(office, account, "ann", LIST)
    office.store.broken = True
    for act, members in (
        ("user delete", {"user": "ann"}),
        ("key disable", {"key": key}),
        ("document delete", {"owner": "user/ann", "name": "p0"}),
    ):
        with pytest.raises(UnavailableError):
            office.order(act, account=account, **members)
    assert asked(office, key, "rekognition:ListCollections").allowed
    office.store.broken = False
    kept = dict(office.store.records)
    office.log.close()
    with pytest.raises(UnavailableError):
        office.order("key delete", key=key)
    assert office.store.records == kept


def test_one_account_cannot_reach_into_another(office: Office, account: str) -> None:
    other = office.create()["account_id"]
    user(office, account, "ann", LIST)
    stranger = user(office, str(other), "ann", policy({"Action": "*", "Resource": "*"}))
    assert not asked(office, stranger, "rekognition:ListFaces", collection(account)).allowed
    allow_all = policy(
        {"Principal": {"AWS": f"arn:aws:iam::{other}:user/ann"}, "Action": "rekognition:*", "Resource": "*"}
    )
    office.order("document put", account=account, owner="collection/people", name="policy", text=allow_all)
    # Another account's collection cannot be named in a request; should one be, the lookup is in the caller's own.
    assert not asked(office, stranger, "rekognition:ListFaces", collection(account)).allowed
    assert office.directory.documents.of(AccountId(str(other)), "collection/people") == ()
    assert CollectionKey(AccountId(account), CollectionId("people"))
