"""IAM cases as data. ``/`` separates values and ``~`` stands for a slash inside one, see the heads of the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from custodes.governance.iam.document import DocumentKind, parse_document
from custodes.governance.iam.evaluate import AccessRequest, Policies, Reason, evaluate
from custodes.governance.iam.pattern import PolicyError

DATA = Path(__file__).parent / "data"
OPERATIONS = "SearchFaces SearchFacesByImage SearchUsers IndexFaces CreateUser ListFaces DeleteFaces".split()  # noqa: SIM905
ACCOUNT = "111122223333"
USER = f"arn:aws:iam::{ACCOUNT}:user/ana"
COLLECTION = f"arn:aws:rekognition:eu-west-1:{ACCOUNT}:collection/cam"


def rows(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


CONDITIONS, MATCHES, REFUSED = rows("conditions.tsv"), rows("matches.tsv"), rows("refused.tsv")
DECISIONS = json.loads((DATA / "decisions.json").read_text(encoding="utf-8"))


def identity(*statements: dict, kind: DocumentKind = DocumentKind.IDENTITY, name: str = "p"):
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return parse_document(name, text, kind, OPERATIONS)


def ask(*documents, action="rekognition:SearchFaces", resource=COLLECTION, context=None):
    return evaluate(AccessRequest(USER, ACCOUNT, action, resource, context or {}), Policies(identity=documents))


def values(text: str) -> list[str]:
    return [part.replace("~", "/") for part in text.split("/")]


def test_there_are_enough_cases() -> None:
    assert 2 * len(CONDITIONS) + 2 * len(MATCHES) + len(REFUSED) + len(DECISIONS) >= 300


@pytest.mark.parametrize(("operator", "key", "wanted", "given", "holds", "why"), CONDITIONS)
def test_a_condition_in_an_allow_and_in_a_deny(operator, key, wanted, given, holds, why) -> None:
    statement = {"Action": "*", "Resource": "*", "Condition": {operator: {key: values(wanted)}}}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    context = {} if given == "-" else {key.lower(): tuple(values(given))}
    allow = ask(identity({"Effect": "Allow", **statement}), context=context)
    deny = ask(identity(everything, {"Effect": "Deny", **statement}), context=context)
    assert allow.reason is (Reason.IDENTITY_ALLOW if holds == "yes" else Reason.NO_ALLOW), why
    # What cannot be told never helps the caller.
    assert deny.reason is (Reason.IDENTITY_ALLOW if holds == "no" else Reason.EXPLICIT_DENY), why


@pytest.mark.parametrize(("element", "pattern", "value", "fits", "why"), MATCHES)
def test_an_action_or_resource_in_an_allow_and_in_a_deny(element, pattern, value, fits, why) -> None:
    statement = {"Action": "*", "Resource": "*", element: pattern}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    asked = {"context": {"aws:username": ("ana",)}, element.lower(): value}
    allow = ask(identity({"Effect": "Allow", **statement}), **asked)
    deny = ask(identity(everything, {"Effect": "Deny", "Sid": "No", **statement}), **asked)
    assert allow.allowed is (fits == "yes"), why
    assert deny.allowed is (fits == "no"), why
    assert deny.rule == ("p/No" if fits == "yes" else "p/#1")


@pytest.mark.parametrize(("text", "says"), REFUSED)
def test_what_is_not_understood_is_refused_when_stored(text: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        parse_document("p", text, DocumentKind.IDENTITY, OPERATIONS)


@pytest.mark.parametrize("case", DECISIONS, ids=lambda case: case["name"])
def test_a_decision(case) -> None:
    principal = case.get("principal", USER)
    context = {"aws:username": ("ana",), **{key: tuple(value) for key, value in case.get("context", {}).items()}}
    request = AccessRequest(
        principal, principal.split(":")[4], "rekognition:SearchFaces", COLLECTION, context, case.get("role")
    )
    policies = Policies(
        tuple(identity(item) for item in case.get("identity", [])),
        tuple(identity(item, kind=DocumentKind.RESOURCE, name="r") for item in case.get("resource_policy", [])),
        # A boundary limits as a whole: its statements are one document.
        (identity(*case["boundary"], name="b"),) if "boundary" in case else (),
    )
    decision = evaluate(request, policies)
    assert decision.reason == case["reason"]
    assert (
        decision.allowed is case["reason"].endswith("-allow") and case["reason"] != "no-allow"
    ) or not decision.allowed


def test_deep_and_long_documents_are_refused() -> None:
    for text in ("[" * 9000, "x" * 10_241):
        with pytest.raises(PolicyError):
            parse_document("p", text, DocumentKind.IDENTITY, OPERATIONS)


@pytest.mark.parametrize("principal", ["ana", {"Service": "s3.amazonaws.com"}, {"AWS": "ana"}, None, {"AWS": []}, []])
def test_a_resource_policy_needs_aws_principals(principal) -> None:
    with pytest.raises(PolicyError):
        identity(
            {"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}, kind=DocumentKind.RESOURCE
        )


def test_a_variable_is_literal() -> None:
    document = identity({"Effect": "Allow", "Action": "*", "Resource": f"{COLLECTION[:-3]}${{aws:username}}"})
    assert not ask(document, context={"aws:username": ("*",)}).allowed


def test_keys_of_other_services_may_stand_in_their_statements() -> None:
    foreign = {
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*",
        "Condition": {"StringEquals": {"s3:prefix": "a"}},
    }  # fmt: skip
    assert not ask(identity(foreign)).allowed
