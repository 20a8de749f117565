"""STS through boto3's own client on a live server: roles, tags, policies of sessions, and every way they end."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fakes.administration import administer

REGION = "eu-central-1"
Order = Callable[..., Mapping[str, Any]]
LIST = {"Effect": "Allow", "Action": "rekognition:ListCollections", "Resource": "*"}


def document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def order(live_server: Any) -> Order:
    def carry_out(act: str, **members: object) -> Mapping[str, Any]:
        named = {} if "key" in members else {"account": members.pop("account", None)}
        members.pop("account", None)
        return administer(live_server, act if " " in act else f"account {act}", **members, **named)

    return carry_out


@pytest.fixture
def account(order: Order) -> Mapping[str, Any]:
    profile = {"legal_name": "Example B.V.", "sector": "retail", "country": "NL"}
    return order("create", profile=profile)


class Clients:
    """boto3 clients of a live server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, service: str, key: Mapping[str, Any], **more: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key.get("access_key_id") or key["AccessKeyId"],
            aws_secret_access_key=key.get("secret_access_key") or key["SecretAccessKey"],
            aws_session_token=key.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}, **more),
        )


@pytest.fixture
def clients(live_server: Any) -> Clients:
    return Clients(live_server.url)


def user(order: Order, account: Mapping[str, Any], name: str, *statements: object, **members: object) -> Any:
    """A key of a new user."""
    number = account["account_id"]
    order("user create", account=number, user=name, **members)
    if statements:
        order("document put", account=number, owner=f"user/{name}", name="p", text=document(*statements))
    return order("key create", account=number, user=name)


def role(order: Order, account: Mapping[str, Any], name: str, trust: object, *statements: object, **more: Any) -> str:
    """ARN of a new role."""
    number = account["account_id"]
    trusted = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"AWS": trust}}
    made = order("role create", account=number, role=name, trust=document({**trusted, **more.pop("also", {})}), **more)
    if statements:
        order("document put", account=number, owner=f"role/{name}", name="p", text=document(*statements))
    return str(made["arn"])


def refused(call: Callable[[], object]) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as error:
        call()
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def test_who_am_i(order: Order, account: Mapping[str, Any], clients: Clients) -> None:
    number = account["account_id"]
    root = clients("sts", account).get_caller_identity()
    assert (root["Account"], root["Arn"], root["UserId"]) == (number, f"arn:aws:iam::{number}:root", number)
    assert "x-custodes-receipt" in root["ResponseMetadata"]["HTTPHeaders"]
    ann = clients("sts", user(order, account, "ann")).get_caller_identity()
    assert ann["Arn"] == f"arn:aws:iam::{number}:user/ann"
    assert ann["UserId"].startswith("AUCU")


def test_a_role_is_assumed_and_its_session_does_what_the_role_may(
    order: Order, account: Mapping[str, Any], clients: Clients
) -> None:
    number = account["account_id"]
    ann = user(order, account, "ann")
    arn = role(order, account, "Reader", f"arn:aws:iam::{number}:user/ann", LIST)
    assert refused(clients("rekognition", ann).list_collections)[0] == "AccessDeniedException"
    answer = clients("sts", ann).assume_role(RoleArn=arn, RoleSessionName="desk-7", DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{number}:assumed-role/Reader/desk-7"
    assert answer["AssumedRoleUser"]["AssumedRoleId"].endswith(":desk-7")
    left = answer["Credentials"]["Expiration"] - datetime.now(UTC)
    assert timedelta(seconds=880) < left <= timedelta(seconds=900)
    session = answer["Credentials"]
    assert session["AccessKeyId"].startswith("ASCU")
    assert clients("rekognition", session).list_collections()["CollectionIds"] == []
    code, _, message = refused(lambda: clients("rekognition", session).create_collection(CollectionId="x"))
    assert (code, "assumed-role/Reader/desk-7" in message) == ("AccessDeniedException", True)
    who = clients("sts", session).get_caller_identity()
    assert who["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]


def test_a_policy_of_the_session_only_limits(order: Order, account: Mapping[str, Any], clients: Clients) -> None:
    arn = role(order, account, "All", account["account_id"], {**LIST, "Action": "rekognition:*"})
    sts = clients("sts", account)
    limited = sts.assume_role(RoleArn=arn, RoleSessionName="desk", Policy=document(LIST))["Credentials"]
    client = clients("rekognition", limited)
    client.list_collections()
    assert refused(lambda: client.create_collection(CollectionId="x"))[0] == "AccessDeniedException"
    reader = role(order, account, "Reader", account["account_id"], LIST)
    wide = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    session = sts.assume_role(RoleArn=reader, RoleSessionName="desk", Policy=wide)["Credentials"]
    assert (
        refused(lambda: clients("rekognition", session).create_collection(CollectionId="x"))[0]
        == "AccessDeniedException"
    )
    code, status, _ = refused(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="desk", Policy='{"Statement": 7}'))
    assert (code, status) == ("MalformedPolicyDocument", 400)


def test_tags_of_a_session_are_the_callers_and_the_transitive_ones_go_on(
    order: Order, account: Mapping[str, Any], clients: Clients
) -> None:
    number = account["account_id"]
    tagged = {"StringEquals": {"aws:PrincipalTag/case": "42", "aws:PrincipalTag/Team": "red"}}
    first = role(
        order,
        account,
        "First",
        number,
        {"Effect": "Allow", "Action": ["sts:*"], "Resource": "*"},
        tags={"team": "blue"},
    )
    second = role(
        order,
        account,
        "Second",
        f"arn:aws:iam::{number}:role/First",
        {**LIST, "Condition": tagged},
        tags={"team": "red"},
    )
    sts = clients("sts", account)
    tags = [{"Key": "case", "Value": "42"}, {"Key": "passing", "Value": "x"}]
    session = sts.assume_role(RoleArn=first, RoleSessionName="aa", Tags=tags, TransitiveTagKeys=["case"])
    chained = clients("sts", session["Credentials"])
    onward = chained.assume_role(RoleArn=second, RoleSessionName="bb", DurationSeconds=3600)["Credentials"]
    clients("rekognition", onward).list_collections()
    code, _, message = refused(
        lambda: chained.assume_role(RoleArn=second, RoleSessionName="bb", Tags=[{"Key": "Case", "Value": "43"}])
    )
    assert (code, "transitive" in message) == ("ValidationError", True)
    untagged = clients("sts", sts.assume_role(RoleArn=first, RoleSessionName="aa")["Credentials"])
    onward = untagged.assume_role(RoleArn=second, RoleSessionName="bb")["Credentials"]
    assert refused(clients("rekognition", onward).list_collections)[0] == "AccessDeniedException"


def test_purposes_come_as_session_tags(order: Order, account: Mapping[str, Any], clients: Clients) -> None:
    arn = role(order, account, "R", account["account_id"], LIST)

    def listing(**tags: str) -> object:
        listed = [{"Key": f"custodes:{name}", "Value": value} for name, value in tags.items()]
        session = clients("sts", account).assume_role(RoleArn=arn, RoleSessionName="desk", Tags=listed)
        return clients("rekognition", session["Credentials"]).list_collections()

    assert listing(purpose="photo-management", legal_basis="consent")
    assert refused(lambda: listing(purpose="no-such-purpose"))[0] == "AccessDeniedException"
    assert refused(lambda: listing(mood="good"))[0] == "AccessDeniedException"


def test_who_may_assume_a_role(order: Order, account: Mapping[str, Any], clients: Clients, live_server: Any) -> None:
    number = account["account_id"]
    profile = {"legal_name": "Other", "sector": "retail", "country": "NL"}
    other = order("create", profile=profile)
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::{number}:role/Whole"}
    whole = role(order, account, "Whole", f"arn:aws:iam::{number}:root", LIST)
    named = role(order, account, "Named", f"arn:aws:iam::{number}:user/ann", LIST)
    everybody = role(order, account, "Everybody", "*", LIST)
    outside = role(
        order,
        account,
        "Outside",
        "*",
        LIST,
        also={"Condition": {"StringEquals": {"sts:ExternalId": "secret", "sts:RoleSessionName": "desk"}}},
    )
    ann = user(order, account, "ann")
    bob = user(order, account, "bob", assume)
    eve = user(order, account, "eve", assume, {"Effect": "Deny", "Action": "sts:*", "Resource": "*"})
    stranger = user(order, other, "ann", {"Effect": "Allow", "Action": "*", "Resource": "*"})

    def allowed(key: Mapping[str, Any], arn: str, **more: object) -> bool:
        try:
            clients("sts", key).assume_role(RoleArn=arn, RoleSessionName="desk", **more)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", error
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
            return False
        return True

    assert [allowed(key, whole) for key in (account, ann, bob, eve, stranger, other)] == [
        True,
        False,
        True,
        False,
        False,
        False,
    ]
    assert [allowed(key, named) for key in (account, ann, bob, eve, stranger)] == [False, True, False, False, False]
    assert [allowed(key, everybody) for key in (ann, eve, stranger, other)] == [True, False, False, False]
    assert [allowed(ann, outside, ExternalId=secret) for secret in ("secret", "guess")] == [True, False]
    # A role that is not there, of another account or misspelt looks like one that refuses.
    theirs = role(order, other, "Whole", "*", LIST)
    for arn in (f"arn:aws:iam::{number}:role/None", theirs, f"arn:aws:iam::{number}:role/x/Whole"):
        assert not allowed(account, arn)
    operator = live_server.deployment.keys.key
    assert not allowed({"access_key_id": operator.access_key_id, "secret_access_key": operator.secret}, whole)


def test_tagging_needs_its_own_permission(order: Order, account: Mapping[str, Any], clients: Clients) -> None:
    number = account["account_id"]
    arn = role(order, account, "R", number, LIST, also={"Action": "sts:AssumeRole"})
    sts = clients("sts", account)
    sts.assume_role(RoleArn=arn, RoleSessionName="desk")
    tags = [{"Key": "a", "Value": "b"}]
    assert refused(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="desk", Tags=tags))[0] == "AccessDenied"
    trust = document(
        {
            "Effect": "Allow",
            "Action": "sts:*",
            "Principal": {"AWS": number},
            "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}},
        }
    )
    order("role trust", account=number, role="R", trust=trust)
    sts.assume_role(RoleArn=arn, RoleSessionName="desk", Tags=tags)
    wrong = [{"Key": "b", "Value": "b"}]
    assert refused(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="desk", Tags=wrong))[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"DurationSeconds": 899}, "ValidationError"),
        ({"DurationSeconds": 3601}, "ValidationError"),
        ({"RoleSessionName": "a b"}, "ValidationError"),
        ({"RoleSessionName": "x"}, "ValidationError"),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}, "ValidationError"),
        ({"Tags": [{"Key": "aws:a", "Value": "1"}]}, "ValidationError"),
        ({"TransitiveTagKeys": ["a"]}, "ValidationError"),
        ({"Tags": [{"Key": f"k{n}", "Value": "v" * 256} for n in range(50)]}, "PackedPolicyTooLarge"),
        ({"SerialNumber": "arn:aws:iam::123456789012:mfa/x", "TokenCode": "123456"}, "ValidationError"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]}, "ValidationError"),
        ({"SourceIdentity": "ann"}, "ValidationError"),
    ],
    ids=str,
)
def test_what_assume_role_refuses(
    order: Order, account: Mapping[str, Any], clients: Clients, parameters: dict[str, object], code: str
) -> None:
    arn = role(order, account, "R", account["account_id"], LIST)
    client = clients("sts", account, parameter_validation=False)
    wanted = {"RoleArn": arn, "RoleSessionName": "session", **parameters}
    assert refused(lambda: client.assume_role(**wanted))[:2] == (code, 400)


def test_a_session_of_ones_own(order: Order, account: Mapping[str, Any], clients: Clients) -> None:
    ann = user(order, account, "ann", LIST, tags={"team": "red"})
    session = clients("sts", ann).get_session_token(DurationSeconds=900)["Credentials"]
    clients("rekognition", session).list_collections()
    assert clients("sts", session).get_caller_identity()["Arn"].endswith(":user/ann")
    code = refused(lambda: clients("sts", session).get_session_token())[0]
    assert code == "AccessDenied"
    root = clients("sts", account).get_session_token(DurationSeconds=43200)["Credentials"]
    assert root["Expiration"] - datetime.now(UTC) <= timedelta(hours=1)
    clients("rekognition", root).create_collection(CollectionId="x")


def test_a_token_that_is_not_ours_opens_nothing(order: Order, account: Mapping[str, Any], clients: Clients) -> None:
    arn = role(order, account, "R", account["account_id"], LIST)
    one = clients("sts", account).assume_role(RoleArn=arn, RoleSessionName="one")["Credentials"]
    two = clients("sts", account).assume_role(RoleArn=arn, RoleSessionName="two")["Credentials"]
    token = base64.urlsafe_b64decode(one["SessionToken"])
    altered = [
        base64.urlsafe_b64encode(token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]).decode()
        for at in (0, 13, len(token) // 2, len(token) - 1)
    ]
    wrong = [
        *altered,
        two["SessionToken"],
        one["SessionToken"][:-8],
        "x",
        "A" * 20000,
        base64.urlsafe_b64encode(b"{}" * 20).decode(),
        None,
    ]
    for bad in wrong:
        code, status, _ = refused(clients("rekognition", {**one, "SessionToken": bad}).list_collections)
        assert (code, status) == ("UnrecognizedClientException", 400), bad
        assert refused(clients("sts", {**one, "SessionToken": bad}).get_caller_identity)[:2] == (
            "InvalidClientTokenId",
            403,
        )
    # A long-term key does not take a token, and another session's secret does not sign for this one.
    mixed = {**account, "SessionToken": one["SessionToken"]}
    assert refused(clients("rekognition", mixed).list_collections)[0] == "UnrecognizedClientException"
    stolen = {**one, "SecretAccessKey": two["SecretAccessKey"]}
    assert refused(clients("rekognition", stolen).list_collections)[0] == "InvalidSignatureException"
    assert refused(clients("sts", stolen).get_caller_identity)[0] == "SignatureDoesNotMatch"


ENDS: dict[str, tuple[str, dict[str, str]]] = {
    "key disabled": ("key disable", {"key": "KEY"}),
    "key rotated": ("key rotate", {"key": "KEY"}),
    "key deleted": ("key delete", {"key": "KEY"}),
    "user deleted": ("user delete", {"user": "ann"}),
    "account closed": ("close", {}),
    "account suspended": ("suspend", {}),
}


@pytest.mark.parametrize("end", ENDS)
def test_sessions_end_with_what_they_stand_on(
    order: Order, account: Mapping[str, Any], clients: Clients, end: str
) -> None:
    number = account["account_id"]
    ann = user(order, account, "ann", LIST)
    arn = role(order, account, "R", f"arn:aws:iam::{number}:user/ann", LIST)
    other = role(order, account, "Chained", f"arn:aws:iam::{number}:role/R", LIST)
    own = clients("sts", ann).get_session_token()["Credentials"]
    assumed = clients("sts", ann).assume_role(RoleArn=arn, RoleSessionName="s1")["Credentials"]
    chained = clients("sts", assumed).assume_role(RoleArn=other, RoleSessionName="s2")["Credentials"]
    keys = (ann, own, assumed, chained)
    for key in keys:
        clients("rekognition", key).list_collections()
    act, members = ENDS[end]
    named = {"KEY": ann["access_key_id"]}
    order(act, account=number, **{name: named.get(value, value) for name, value in members.items()})
    expected = "AccessDeniedException" if end == "account suspended" else "UnrecognizedClientException"
    for key in keys:
        code, _, message = refused(clients("rekognition", key).list_collections)
        assert code == expected
        assert (end == "account suspended") == ("baseline.active" in message)
    if end == "account suspended":
        assert refused(clients("sts", ann).get_session_token)[0] == "AccessDenied"
        order("activate", account=number)
        clients("rekognition", chained).list_collections()


def test_sessions_end_with_their_role_and_a_namesake_does_not_revive_them(
    order: Order, account: Mapping[str, Any], clients: Clients
) -> None:
    number = account["account_id"]
    arn = role(order, account, "R", number, LIST)
    session = clients("sts", account).assume_role(RoleArn=arn, RoleSessionName="s1")["Credentials"]
    clients("rekognition", session).list_collections()
    order("document delete", account=number, owner="role/R", name="p")
    assert refused(clients("rekognition", session).list_collections)[0] == "AccessDeniedException"
    order("role delete", account=number, role="R")
    role(order, account, "R", number, LIST)
    assert refused(clients("rekognition", session).list_collections)[0] == "UnrecognizedClientException"


def test_wrong_forms_get_an_error_of_the_service(account: Mapping[str, Any], clients: Clients) -> None:
    sts = clients("sts", account)
    assert refused(lambda: sts.get_access_key_info(AccessKeyId="AKCUAAAAAAAAAAAAAAAA"))[0] == "ValidationError"
    assert refused(lambda: clients("sts", {**account, "secret_access_key": "x" * 40}).get_caller_identity())[:2] == (
        "SignatureDoesNotMatch",
        403,
    )


def test_the_aws_cli_asks_who_it_is(live_server: Any, aws: Callable[..., Any]) -> None:
    done = aws("sts", "get-caller-identity")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Account"] == live_server.deployment.keys.account_id
