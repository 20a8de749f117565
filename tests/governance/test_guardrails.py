"""The provider's rules: doubt is a refusal, and each pack says what it says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.edge.aws.model import load_service
from custodes.governance.provider.guardrails import (
    ATTRIBUTES,
    LATER,
    Call,
    PackError,
    load,
    read_rules,
    shipped,
    shipped_schema,
)

NOW = 1_795_000_000_000  # in November 2026
GOOD = {
    "sector": "software", "country": "GB", "status": "active", "screening": "clear", "screened_at": NOW - 1000,
    "lists_current": True, "purpose": "access-control", "legal_basis": "consent", "place": "private",
    "real_time": False, "emotions": False, "face_source": "consented", "authorisation": "none", "human_review": True,
    "threshold_milli": 99_000, "now": NOW,
}  # fmt: skip
POLICE = {"sector": "law-enforcement", "legal_basis": "public-task"}
AFTER = {"now": 1_830_384_000_000, "screened_at": 1_830_384_000_000}  # 2028-01-02
REALTIME = {**POLICE, **AFTER, "real_time": True, "place": "public"}


@pytest.fixture(scope="module")
def guardrails():
    return load(shipped(), shipped_schema())


def ask(guardrails, operation="SearchFaces", **facts):
    return guardrails.decide(Call("111122223333", operation, "*", {**GOOD, **facts}))


def test_good_facts_are_allowed(guardrails) -> None:
    verdict = ask(guardrails)
    assert verdict.allowed and verdict.rules == ("baseline.serve",)


@pytest.mark.parametrize("name", sorted(ATTRIBUTES - LATER.keys()))
@pytest.mark.parametrize("facts", [{}, POLICE, {"purpose": "missing-person", **POLICE}])
def test_without_any_one_fact_nothing_is_allowed(guardrails, name, facts) -> None:
    left = {key: value for key, value in {**GOOD, **facts}.items() if key != name}
    for operation in ("SearchFaces", "ListCollections", "DetectLabels"):
        assert not guardrails.decide(Call("1", operation, "*", left)).allowed


def test_records_from_before_a_fact_was_known_decide_as_they_did(guardrails) -> None:
    assert LATER.keys().isdisjoint(GOOD)
    for value, allowed in (("none", True), ("protected-traits", False), ("faces", False)):
        facts = {**GOOD, "purpose": "unstated", "custom_labels": value}
        assert guardrails.decide(Call("1", "CreateProjectVersion", "*", facts)).allowed == allowed
    assert guardrails.decide(Call("1", "CreateProjectVersion", "*", {**GOOD, "purpose": "unstated"})).allowed


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(ATTRIBUTES)),
    st.one_of(st.text(max_size=5), st.none(), st.floats(), st.integers(max_value=-1)),
)
def test_an_unknown_value_is_refused(guardrails, name, value) -> None:
    verdict = guardrails.decide(Call("1", "SearchFaces", "*", {**GOOD, name: value}))
    assert not verdict.allowed or (name == "country" and value.isupper())


@pytest.mark.parametrize(
    "name", ["sector", "country", "screening", "purpose", "legal_basis", "place", "face_source", "authorisation"]
)
def test_what_is_said_to_be_unknown_is_refused(guardrails, name) -> None:
    assert "baseline.known-facts" in ask(guardrails, "ListCollections", **{name: "unknown"}).rules


CASES = [
    ("SearchFacesByImage", POLICE, "police-moratorium.face-comparison"),
    ("CompareFaces", POLICE, "police-moratorium.face-comparison"),
    ("StartFaceSearch", POLICE, "police-moratorium.face-comparison"),
    ("DetectLabels", POLICE, ""),
    ("SearchFaces", {**POLICE, **AFTER}, ""),
    ("SearchFaces", {**POLICE, "purpose": "missing-person", "authorisation": "pending"}, ""),
    ("SearchFaces", {**POLICE, "purpose": "child-protection", "authorisation": "granted"}, ""),
    ("SearchFaces", {**POLICE, "purpose": "missing-person", "authorisation": "overdue"}, "eu-ai-act.26-10"),
    ("SearchFaces", {**POLICE, "purpose": "missing-person", "authorisation": "refused"}, "eu-ai-act.26-10"),
    ("CompareFaces", {**POLICE, "purpose": "missing-person", "authorisation": "overdue"}, ""),
    ("SearchFaces", {**POLICE, "purpose": "criminal-investigation"}, "police-moratorium.face-comparison"),
    ("SearchFaces", {**POLICE, **AFTER, "threshold_milli": 98_999}, "public-safety-99.threshold"),
    ("SearchFaces", {"sector": "public-safety", "threshold_milli": 80_000}, "public-safety-99.threshold"),
    ("CompareFaces", {"sector": "public-safety", "human_review": False}, "public-safety-99.human-review"),
    ("GetPersonTracking", {"sector": "public-safety", "human_review": False}, "public-safety-99.human-review"),
    # Whom a search in a video names is sealed until two persons have confirmed it.
    ("GetFaceSearch", {"sector": "public-safety", "human_review": False}, ""),
    ("SearchFaces", {"sector": "public-safety", "human_review": False}, ""),
    ("SearchFaces", {"threshold_milli": 0, "human_review": False}, ""),
    ("DetectFaces", {"emotions": True, "place": "workplace"}, "eu-ai-act.5-1-f"),
    ("DetectFaces", {"emotions": True, "place": "education"}, "eu-ai-act.5-1-f"),
    ("DetectFaces", {"emotions": True, "place": "education", "purpose": "medical"}, ""),
    ("DetectFaces", {"emotions": True}, ""),
    ("DetectFaces", {"emotions": True, "place": "unstated"}, ""),
    ("DetectFaces", {"emotions": True, "place": "unstated", "sector": "education"}, "eu-ai-act.stated-place"),
    ("DetectFaces", {"emotions": True, "place": "unstated", "purpose": "attendance"}, "eu-ai-act.stated-place"),
    ("StartFaceSearch", {"real_time": True, "place": "unstated"}, "eu-ai-act.stated-place"),
    ("IndexFaces", {"face_source": "untargeted-scraping"}, "eu-ai-act.5-1-e"),
    ("SearchFaces", {"purpose": "unstated"}, ""),
    ("SearchFaces", {"purpose": "unstated", "sector": "employment"}, "eu-ai-act.stated-use"),
    ("SearchUsers", {"legal_basis": "unstated", "sector": "migration"}, "eu-ai-act.stated-use"),
    ("ListCollections", {"purpose": "unstated", "legal_basis": "unstated"}, ""),
    ("StartStreamProcessor", REALTIME, "eu-ai-act.5-1-h"),
    ("StartStreamProcessor", {**REALTIME, "authorisation": "granted"}, "eu-ai-act.5-1-h"),
    ("StartStreamProcessor", {**REALTIME, "authorisation": "granted", "purpose": "imminent-threat"}, ""),
    ("StartStreamProcessor", {**REALTIME, "authorisation": "pending", "purpose": "imminent-threat"}, "eu-ai-act.5-1-h"),
    ("ListCollections", {"screening": "review"}, "uk-russia-sanctions.clear"),
    ("ListCollections", {"screening": "not-required"}, "uk-russia-sanctions.clear"),
    ("ListCollections", {"screening": "not-required", "screened_at": 0, "sector": "operator"}, ""),
    ("ListCollections", {"screened_at": NOW - 86_400_001}, "uk-russia-sanctions.fresh"),
    ("ListCollections", {"screened_at": NOW - 86_400_000}, ""),
    ("ListCollections", {"screened_at": NOW + 1}, "uk-russia-sanctions.fresh"),
    ("ListCollections", {"lists_current": False}, "uk-russia-sanctions.fresh"),
    ("ListCollections", {"status": "suspended"}, "baseline.active"),
]


@pytest.mark.parametrize(("operation", "facts", "rule"), CASES)
def test_a_rule_of_a_pack(guardrails, operation, facts, rule) -> None:
    verdict = ask(guardrails, operation, **facts)
    assert verdict.allowed is (not rule)
    if rule:
        assert rule in verdict.rules
        assert f"{guardrails.rules[rule].reason} (rule {rule})" in verdict.reason
        assert "baseline.serve" not in verdict.rules


IDENTIFICATIONS = ("SearchFaces", "SearchFacesByImage", "SearchUsers", "SearchUsersByImage")


@pytest.mark.parametrize("operation", IDENTIFICATIONS)
@pytest.mark.parametrize("where", [{"sector": name} for name in ("public-safety", "migration")] + [{"place": "public"}])
def test_identifications_by_authorities_and_in_public_are_held_for_two_persons(guardrails, operation, where) -> None:
    verdict = ask(guardrails, operation, **where)
    assert verdict.allowed
    assert verdict.obligations - {"refuse-children"} == {"two-person-review"}
    assert ask(guardrails, operation, **where, human_review=False).obligations - {"refuse-children"} == {
        "two-person-review"
    }


def test_only_identifications_are_held(guardrails) -> None:
    for operation in ("CompareFaces", "DetectFaces", "IndexFaces", "ListFaces", "GetReview"):
        assert ask(guardrails, operation, sector="public-safety").obligations <= {"refuse-children"}
    for operation in IDENTIFICATIONS:
        assert ask(guardrails, operation, sector="retail").obligations <= {"refuse-children"}


@pytest.mark.parametrize(
    "rule",
    [
        '@obligation("two-person-review") forbid(principal, action, resource);',
        '@obligation("something-else") permit(principal, action, resource);',
    ],
)
def test_an_obligation_that_nobody_keeps_is_refused_when_it_is_read(rule) -> None:
    with pytest.raises(PackError, match="obligation"):
        load({"x": f'@id("x") {NOTES} {rule}'}, shipped_schema())


def test_an_operation_nobody_listed_is_refused(guardrails) -> None:
    assert ask(guardrails, "SearchEverything").rules == ("guardrails.not-evaluated",)


def test_the_schema_knows_every_operation(guardrails) -> None:
    for name in (*load_service().operations, "StartFaceLivenessSession"):
        assert ask(guardrails, name).allowed, name


def test_each_pack_stands_alone() -> None:
    for name in shipped():
        assert load(shipped((name,)), shipped_schema()).rules


NOTES = '@reason("r") @source("s") @date("d")'


@pytest.mark.parametrize(
    "text",
    [
        "permit(",
        "permit(principal, action, resource);",
        f'@id("a") {NOTES} permit(principal, action, resource); @id("a") {NOTES} permit(principal, action, resource);',
        f'@id("A b") {NOTES} permit(principal, action, resource);',
        f'@id("a") {NOTES} permit(principal == ?principal, action, resource);',
        f'@id("a") {NOTES} permit(principal, action, resource) when {{ context.sectr == "x" }};',
        f'@id("a") {NOTES} permit(principal, action == Action::"Serch", resource);',
    ],
)
def test_a_pack_that_does_not_fit_is_refused(text) -> None:
    with pytest.raises(PackError):
        load({"p": text}, shipped_schema())


def test_a_permit_with_an_obligation_allows_nothing_by_itself() -> None:
    alone = load({"c": shipped(("children",))["children"]}, shipped_schema())
    assert not ask(alone, "CompareFaces").allowed
    beside = load(shipped(("baseline", "children")), shipped_schema())
    assert ask(beside, "CompareFaces").obligations == {"refuse-children"}
    assert ask(beside, "SearchFaces").obligations == frozenset()


def test_without_a_permit_nothing_is_allowed() -> None:
    verdict = ask(load({"m": shipped()["police-moratorium"]}, shipped_schema()))
    assert not verdict.allowed and verdict.rules == ()


def test_rules_keep_the_order_of_the_text() -> None:
    assert [rule.id for rule in read_rules(shipped()["uk-russia-sanctions"])] == [
        "uk-russia-sanctions.clear",
        "uk-russia-sanctions.fresh",
    ]
