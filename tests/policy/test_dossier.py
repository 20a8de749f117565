"""Facts about a call: from account, session and request; and that nothing a caller states opens more than it should."""

from __future__ import annotations

from typing import Any

import pytest

from custodes.core.ids import AccountId, RequestId
from custodes.governance.iam.evaluate import IamDecision, Reason
from custodes.governance.provider.guardrails import ATTRIBUTES, DEFAULT_PACKS, load, shipped, shipped_schema
from custodes.operations.policy.decide import NOT_UNDERSTOOD, PolicyLayers, RulesInForce
from custodes.operations.policy.facts import PolicyFacts, Profile, ScreeningFacts
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import Allow, Decision, Deny, Intent
from tests.fakes.unrecorded import NoLists

NOW = 1_795_000_000_000
ID = AccountId("111111111111")
STATED = dict.fromkeys(("purpose", "legal_basis", "place", "face_source"), "unstated")
POLICE = {"sector": "law-enforcement", "country": "GB", "status": "active", **STATED, "legal_basis": "public-task"}
RULES = RulesInForce("0" * 64, load(shipped(DEFAULT_PACKS), shipped_schema()))
SANCTIONS = RulesInForce("1" * 64, load(shipped(), shipped_schema()))
MORATORIUM = "police-moratorium.face-comparison"


class Tenant:
    def __init__(self, allowed: bool = True) -> None:
        self.answer = IamDecision(
            allowed, Reason.IDENTITY_ALLOW if allowed else Reason.NO_ALLOW, "s" if allowed else ""
        )

    def decide(self, intent: Intent) -> IamDecision:
        return self.answer


class Lists:
    def __init__(self, *screened: Any) -> None:
        self.screened = ScreeningFacts(*screened)

    def of(self, account_id: AccountId) -> ScreeningFacts:
        return self.screened


def intent(tags: dict[str, str] | None = None, operation: str = "SearchFaces", **facts: object) -> Intent:
    caller = Caller(ID, "AKCU", f"arn:aws:iam::{ID}:root", "eu-central-1", tags or {})
    return Intent(Context(caller, RequestId("r"), NOW), f"rekognition:{operation}", "*", facts)


def decide(profile: Profile | None, asked: Intent, **parts: Any) -> Decision:
    dossier = PolicyFacts(lambda _: profile, *parts.get("screening", (NoLists(),)))
    return PolicyLayers(lambda: parts.get("rules", RULES), dossier, parts.get("tenant", Tenant())).decide(asked)


def software(**facts: str) -> Profile:
    return Profile({"sector": "software", "country": "GB", "status": "active", **STATED, **facts})


def test_facts_are_all_there_and_as_stated() -> None:
    facts = PolicyFacts(lambda _: software(purpose="attendance"), NoLists()).facts(
        intent(threshold_pct=98.9999, emotions=True)
    )
    assert facts.keys() == ATTRIBUTES
    assert facts["threshold_milli"] == 98_999 and facts["emotions"] is True and facts["purpose"] == "attendance"
    assert (facts["screening"], facts["now"], facts["real_time"]) == ("not-required", NOW, False)
    tags = {"custodes:purpose": "research", "custodes:human_review": "true", "team": "blue"}
    value = PolicyFacts(lambda _: software(), NoLists()).facts(intent(tags))
    assert value["purpose"] == "research" and value["human_review"] is True and value.keys() == ATTRIBUTES


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), -1, 101, "99", None])
def test_what_is_no_percentage_is_refused(threshold: object) -> None:
    assert isinstance(decide(software(), intent(threshold_pct=threshold)), Deny)


@pytest.mark.parametrize(
    "tags",
    [
        {"custodes:purpose": "fun"},
        {"custodes:purpose": ""},
        {"custodes:place": "moon"},
        {"custodes:human_review": "yes"},
        {"custodes:real_time": "1"},
        {"custodes:sector": "operator"},
        {"custodes:status": "active"},
        {"custodes:now": "0"},
        {"custodes:purpos": "research"},
        {"custodes:": "x"},
        {"custodes:purpose": "missing-person"},
        {"custodes:purpose": "unknown"},
    ],
)
def test_what_a_session_may_not_state_is_refused(tags: dict[str, str]) -> None:
    found = decide(software(), intent(tags, "ListCollections"))
    assert isinstance(found, Deny) and "(rule " in found.reason
    assert not {"fun", "moon", "yes", "operator"} & {str(fact) for fact in found.grounds.facts.values()}
    if found.rule_id == "guardrails.unknown-fact":
        assert NOT_UNDERSTOOD in found.grounds.facts.values() or found.grounds.facts.keys() == ATTRIBUTES


def test_an_exception_is_open_to_those_who_declared_it() -> None:
    review = {"custodes:human_review": "true"}
    asked = intent({"custodes:purpose": "missing-person", **review}, threshold_pct=99.5)
    undeclared, declared = Profile(POLICE), Profile(POLICE, frozenset({"missing-person"}))
    assert isinstance(decide(undeclared, asked), Deny) and isinstance(decide(declared, asked), Allow)
    by_default = Profile({**POLICE, "purpose": "missing-person"})
    assert isinstance(decide(by_default, intent(review, threshold_pct=99.5)), Allow)
    other = decide(declared, intent({"custodes:purpose": "research", **review}, threshold_pct=99.5))
    assert isinstance(other, Deny) and MORATORIUM in other.grounds.rules


def test_an_account_that_is_not_there_is_refused() -> None:
    found = decide(None, intent())
    assert isinstance(found, Deny) and found.rule_id == "guardrails.unknown-fact"


@pytest.mark.parametrize("status", ["pending", "suspended", "closed"])
def test_only_active_accounts_may_do_anything(status: str) -> None:
    found = decide(software(status=status), intent(operation="ListCollections"))
    assert isinstance(found, Deny) and "baseline.active" in found.grounds.rules


@pytest.mark.parametrize(
    ("screened", "allowed"),
    [
        (("clear", NOW - 1000, True), True),
        (("clear", NOW - 86_400_001, True), False),
        (("clear", NOW, False), False),
        (("review", NOW, True), False),
        (("blocked", NOW, True), False),
        (("not-required", 0, True), False),
    ],
)
def test_sanctions_rules_bind_accounts_but_not_the_operator(screened: tuple[Any, ...], allowed: bool) -> None:
    parts = {"rules": SANCTIONS, "screening": (Lists(*screened),)}
    assert isinstance(decide(software(), intent(), **parts), Allow) is allowed
    assert isinstance(decide(software(sector="operator"), intent(), **parts), Allow)
    assert isinstance(decide(software(), intent()), Allow)


def test_a_tenant_cannot_lift_what_the_provider_forbids_and_may_forbid_more() -> None:
    found = decide(Profile(POLICE), intent(threshold_pct=99.5))
    assert isinstance(found, Deny) and MORATORIUM in found.reason and found.grounds.policy == RULES.digest
    refused = decide(software(), intent(), tenant=Tenant(allowed=False))
    assert isinstance(refused, Deny) and refused.rule_id == "iam.no-allow"
    assert refused.grounds.rules == ("baseline.serve",)


def test_demographics_are_withheld_and_then_no_emotions_are_asked_for() -> None:
    profile = Profile(software(place="workplace").facts, demographics=False)
    asked = intent(operation="DetectFaces", emotions=True)
    found = decide(profile, asked)
    assert isinstance(found, Allow) and found.withheld == {"AGE_RANGE", "GENDER", "EMOTIONS"}
    refused = decide(software(place="workplace"), asked)
    assert isinstance(refused, Deny) and "eu-ai-act.5-1-f" in refused.grounds.rules
