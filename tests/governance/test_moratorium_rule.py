"""The moratorium, enumerated: sector, purpose, operation, side of its end; and rules that cannot be evaluated."""

from __future__ import annotations

import itertools

import pytest

from custodes.governance.provider.guardrails import (
    ATTRIBUTES,
    DEFAULT_PACKS,
    INCIDENT,
    LATER,
    PURPOSES,
    SECTORS,
    Call,
    load,
    shipped,
    shipped_schema,
)
from custodes.governance.provider.lint import lint_set
from custodes.governance.provider.policy_set import PolicySet

RULE = "police-moratorium.face-comparison"
END = 1_830_297_600_000  # 2028-01-01T00:00:00Z
MOMENTS = (0, 1_795_000_000_000, END - 1, END, END + 86_400_000)
EXCEPTIONS = {"missing-person", "child-protection"}
FACTS = {
    "sector": "law-enforcement", "country": "GB", "status": "active", "screening": "clear", "screened_at": 0,
    "lists_current": True, "purpose": "criminal-investigation", "legal_basis": "public-task", "place": "private",
    "real_time": False, "emotions": False, "face_source": "own-records", "authorisation": "none",
    "human_review": True, "threshold_milli": 99_000, "now": END - 1,
}  # fmt: skip
GUARDRAILS = load(shipped(DEFAULT_PACKS), shipped_schema())
COMPARISONS = GUARDRAILS.operations_in("FaceComparison")


def decide(operation: str, **facts: object):
    return GUARDRAILS.decide(Call("1", operation, "*", {**FACTS, **facts}))


def test_what_counts_as_a_comparison() -> None:
    assert {"CompareFaces", "SearchFaces", "SearchFacesByImage", "SearchUsers", "SearchUsersByImage"} <= {*COMPARISONS}
    assert {"StartFaceSearch", "GetFaceSearch", "CreateStreamProcessor"} <= {*COMPARISONS}
    assert not {"DetectFaces", "IndexFaces", "DetectLabels", "ListFaces"} & {*COMPARISONS}


def test_the_rule_forbids_what_it_says_and_nothing_else() -> None:
    for operation, sector, purpose, now in itertools.product(COMPARISONS, SECTORS, PURPOSES, MOMENTS):
        closed = sector == "law-enforcement" and purpose not in EXCEPTIONS and now < END
        found = decide(operation, sector=sector, purpose=purpose, now=now)
        assert (RULE in found.rules) is closed, (operation, sector, purpose, now)
        assert not (closed and found.allowed)


@pytest.mark.parametrize("name", sorted(ATTRIBUTES - LATER.keys()))
@pytest.mark.parametrize("purpose", ["criminal-investigation", "missing-person"])
def test_a_missing_fact_lifts_nothing(name: str, purpose: str) -> None:
    facts = {key: value for key, value in {**FACTS, "purpose": purpose}.items() if key != name}
    for operation in COMPARISONS:
        assert not GUARDRAILS.decide(Call("1", operation, "*", facts)).allowed


def test_other_operations_of_police_go_on() -> None:
    assert decide("DetectLabels").allowed and decide("IndexFaces").allowed and decide("ListCollections").allowed


NOTES = '@id("x.fails") @reason("r") @source("s") @date("d")'
FAILING = "context.threshold_milli * 9223372036854775807 > 0"  # overflows


@pytest.mark.parametrize(
    "rule",
    [
        f"forbid (principal, action, resource) when {{ {FAILING} }};",
        f"forbid (principal, action, resource) unless {{ {FAILING} }};",
        f"permit (principal, action, resource) when {{ {FAILING} }};",
        f'forbid (principal, action, resource) when {{ context.sector == "software" && {FAILING} }};',
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_a_refusal(rule: str) -> None:
    guardrails = load({**shipped(DEFAULT_PACKS), "fails": f"{NOTES} {rule}"}, shipped_schema())
    for _ in range(2):
        found = guardrails.decide(Call("1", "DetectLabels", "*", {**FACTS, "sector": "software"}))
        assert (found.allowed, found.rules) == (False, (INCIDENT,))


def test_every_pack_passes_the_validator() -> None:
    assert lint_set(PolicySet(shipped(), shipped_schema())) == ()


def test_a_schema_that_asks_for_other_facts_cannot_be_used_and_an_older_one_can() -> None:
    with pytest.raises(Exception, match="does not know"):
        load(shipped(), shipped_schema().replace('"now": datetime', '"later": Bool, "now": datetime'))
    older = shipped_schema().replace('  "face_source": String,\n', "")
    packs = {"m": shipped()["police-moratorium"], "b": "@id(\"p\") @reason(\"r\") @source(\"s\") @date(\"d\") "
             "permit (principal, action, resource);"}  # fmt: skip
    guardrails = load(packs, older)
    assert guardrails.decide(Call("1", "DetectLabels", "*", FACTS)).allowed
    assert guardrails.decide(Call("1", "SearchFaces", "*", FACTS)).rules == (RULE,)
