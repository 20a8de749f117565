"""Leaving rules out must not change any decision: compared with Cedar asked about all of them."""

from __future__ import annotations

import json

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.governance.provider import partial_evaluation
from custodes.governance.provider.guardrails import (
    ATTRIBUTES,
    BOOLEANS,
    MOMENTS,
    VOCABULARIES,
    Call,
    load,
    shipped,
    shipped_schema,
)

NOW = 1_795_000_000_000
END = 1_830_297_600_000  # 2028-01-01
NOTES = '@reason("r") @source("s") @date("d")'

WORDS = {
    "sector": ["software", "law-enforcement", "public-safety", "operator", "education", "unknown"],
    "country": ["GB", "NL", "ZZ", "unknown"],
    "purpose": ["unstated", "missing-person", "attendance", "criminal-investigation", "medical"],
}
FACTS = st.fixed_dictionaries(
    {
        **{name: st.sampled_from(WORDS.get(name, sorted(words))) for name, words in VOCABULARIES.items()},
        "country": st.sampled_from(WORDS["country"]),
        **{name: st.booleans() for name in BOOLEANS},
        **{name: st.sampled_from([0, NOW - 86_400_001, NOW, NOW + 1, END - 1, END, END + 1]) for name in MOMENTS},
        "threshold_milli": st.sampled_from([0, 98_999, 99_000, 100_000]),
    }
)
OPERATIONS = st.sampled_from(["SearchFaces", "IndexFaces", "DetectFaces", "DetectLabels", "SearchEverything"])
ATOMS = st.one_of(
    st.builds(
        lambda name, word, sign: f'context.{name} {sign} "{word}"',
        st.sampled_from(["sector", "purpose", "country", "place"]),
        st.sampled_from(["law-enforcement", "missing-person", "GB", "public", "unknown"]),
        st.sampled_from(["==", "!="]),
    ),
    st.sampled_from([f"context.{name}" for name in BOOLEANS]),
    st.builds(
        lambda sign, number: f"context.threshold_milli {sign} {number}",
        st.sampled_from(["<", "<=", ">", ">="]),
        st.sampled_from([98_999, 99_000]),
    ),
    st.sampled_from(
        [
            'context.now < datetime("2028-01-01")',
            "context.now.durationSince(context.screened_at) <= duration(\"24h\")",
            'context.place like "p*"',
            'principal == Account::"111122223333"',
            '["GB", "NL"].contains(context.country)',
            "context.threshold_milli * 9223372036854775807 > 0",  # overflows: an error when it is reached
        ]
    ),
)  # fmt: skip
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(lambda left, sign, right: f"({left} {sign} {right})", inner, st.sampled_from(["&&", "||"]), inner),
        inner.map(lambda text: f"!({text})"),
        st.builds(lambda test, then, other: f"(if {test} then {then} else {other})", inner, inner, inner),
    ),
    max_leaves=6,
)
SCOPES = st.sampled_from(
    ["action", 'action in Action::"FaceComparison"', 'action == Action::"IndexFaces"',
     'action in [Action::"DetectFaces", Action::"Other"]', 'action in Action::"Biometric"']
)  # fmt: skip
RULES = st.builds(
    lambda effect, scope, clauses: f"{effect} (principal, {scope}, resource)"
    + "".join(f" {kind} {{ {text} }}" for kind, text in clauses) + ";",
    st.sampled_from(["forbid", "forbid", "permit"]),
    SCOPES,
    st.lists(st.tuples(st.sampled_from(["when", "unless"]), CONDITIONS), max_size=3),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(RULES, max_size=8), st.lists(st.tuples(OPERATIONS, FACTS), min_size=2, max_size=6))
def test_slices_decide_as_all_rules_do(texts, calls) -> None:
    extra = "\n".join(f'@id("x.{at}") {NOTES} {text}' for at, text in enumerate(texts))
    packs = {**shipped(), "extra": extra}
    if not cedarpy.validate_policies(extra, shipped_schema()).validation_passed:
        packs.pop("extra")  # like a rule that can never apply: nothing that a server would load
    guardrails = load(packs, shipped_schema())
    for operation, facts in [*calls, *calls]:
        call = Call("111122223333", operation, "*", facts)
        assert guardrails.decide(call) == guardrails.decide_by_all(call)
        moved = Call("111122223333", operation, "*", {**facts, "now": END, "threshold_milli": 99_001})
        assert guardrails.decide(moved) == guardrails.decide_by_all(moved)


@settings(max_examples=100, deadline=None)
@given(FACTS, st.sampled_from(sorted(ATTRIBUTES)), st.sampled_from([None, 0, 1, True, "x", 1.0, -1, []]))
def test_a_remembered_plan_lets_no_wrong_fact_through(facts, name, wrong) -> None:
    guardrails = GUARDRAILS
    call = Call("1", "DetectLabels", "*", {**facts, "status": "active"})
    guardrails.decide(call)
    spoilt = Call("1", "DetectLabels", "*", {**call.facts, name: wrong})
    assert guardrails.decide(spoilt) == guardrails.decide_by_all(spoilt)
    left = {key: value for key, value in call.facts.items() if key != name}
    if name == "custom_labels":  # younger than records that are decided again: what lacks it has none
        return
    assert not guardrails.decide(Call("1", "DetectLabels", "*", left)).allowed
    assert not guardrails.decide(Call("1", "DetectLabels", "*", {**left, "other": 1})).allowed


GUARDRAILS = load(shipped(), shipped_schema())
STEADY = {
    **{name: min(words - {"unknown"}) for name, words in VOCABULARIES.items()}, "country": "GB", "status": "active",
    **dict.fromkeys(BOOLEANS, False), "screened_at": 0, "threshold_milli": 0, "now": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('when { context.sector == "retail" && context.now < datetime("2028-01-01") }', False),
        ('when { context.now < datetime("2028-01-01") && context.sector == "retail" }', None),
        ('when { context.sector == "police" || context.place == "public" }', True),
        ('unless { context.sector == "police" }', False),
        ('when { context.place == "public" } unless { context.now < datetime("2028-01-01") }', None),
        ('when { !(context.place == "public") }', False),
        ("when { context.threshold_milli >= 99000 }", None),
    ],
)
def test_what_is_settled(text: str, expected: bool | None) -> None:
    body = json.loads(cedarpy.policies_to_json_str(f"forbid (principal, action, resource) {text};"))
    rule = body["staticPolicies"]["policy0"]
    assert partial_evaluation.holds(rule, {"sector": "police", "place": "public"}) is expected
    assert partial_evaluation.holds(rule, {}) is None


def test_what_is_read() -> None:
    def found(text: str) -> object:
        body = json.loads(cedarpy.policies_to_json_str(f"permit (principal, action, resource) {text};"))
        return partial_evaluation.reads(body["staticPolicies"]["policy0"])

    assert found("") == {}
    assert found("when { context has sector }") is None
    assert found('when { principal == Account::"1" }') is None
    assert found('when { context.sector == "a" && context.real_time }') == {"sector": None, "real_time": None}
    assert found("when { 99000 <= context.threshold_milli }") == {"threshold_milli": {99_000, 99_001}}
    assert found("when { context.threshold_milli * 2 > 5 }") == {"threshold_milli": None}
    assert found("when { context.now < context.screened_at }") == {"now": None, "screened_at": None}
    end = 1_830_297_600_000
    assert found('when { context.now < datetime("2028-01-01") }') == {"now": {end, end + 1}}
    assert found('when { context.now < datetime("2028-01-01T00:00:00.001Z") }') == {"now": {end + 1, end + 2}}
    assert found('when { context.now < datetime("2028-01-01T00:00:00+0100") }') == {"now": None}
    twice = found('when { context.now < datetime("2028-01-01") || context.now.toDate() == datetime("2027-01-01") }')
    assert twice == {"now": None}


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "==", "!="])
@pytest.mark.parametrize("swapped", [False, True])
def test_verdicts_change_exactly_where_cedar_changes_them(sign: str, swapped: bool) -> None:
    end = 1_830_297_600_000
    parts = ["context.now", 'datetime("2028-01-01")']
    left, right = reversed(parts) if swapped else parts
    rule = f'@id("x") {NOTES} forbid (principal, action, resource) when {{ {left} {sign} {right} }};'
    guardrails = load({**shipped(("baseline",)), "x": rule}, shipped_schema())
    for now in [0, end - 1, end, end + 1, end + 2, end + 1, end, end - 1, 0]:
        call = Call("1", "DetectLabels", "*", {**STEADY, "now": now})
        assert guardrails.decide(call) == guardrails.decide_by_all(call)
