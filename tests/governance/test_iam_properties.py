"""Laws that hold for any policies and requests."""

from __future__ import annotations

import json
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.governance.iam.comparison import OPERATORS
from custodes.governance.iam.document import DocumentKind, parse_document
from custodes.governance.iam.evaluate import AccessRequest, Policies, evaluate
from custodes.governance.iam.pattern import PolicyError, arn_matches, glyphs_match, matches, parse_pattern

ARN = "arn:aws:rekognition:eu-west-1:111122223333:collection/"
CONDITIONS = st.sampled_from(
    [
        {},
        {"StringEquals": {"aws:username": "ana"}},
        {"StringNotLike": {"aws:username": "a*"}},
        {"NumericLessThan": {"aws:MultiFactorAuthAge": 3}},
        {"Null": {"aws:username": "true"}},
        {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}},
    ]
)


def statements(effects: tuple[str, ...] = ("Allow", "Deny")):
    return st.builds(
        lambda effect, action, not_action, resource, not_resource, condition: {
            "Effect": effect,
            "NotAction" if not_action else "Action": action,
            "NotResource" if not_resource else "Resource": resource,
            "Condition": condition,
        },
        st.sampled_from(effects),
        st.sampled_from(["*", "rekognition:*", "rekognition:Search*", "rekognition:ListFaces", "s3:*"]),
        st.booleans(),
        st.sampled_from(["*", f"{ARN}*", f"{ARN}${{aws:username}}", f"{ARN}b?"]),
        st.booleans(),
        CONDITIONS,
    )


def document(listed, name="p"):
    text = json.dumps({"Version": "2012-10-17", "Statement": listed})
    return parse_document(name, text, DocumentKind.IDENTITY, ["SearchFaces", "ListFaces"])


REQUESTS = st.builds(
    lambda action, resource, context: AccessRequest(
        "arn:aws:iam::111122223333:user/ana", "111122223333", action, resource, context
    ),
    st.sampled_from(["rekognition:SearchFaces", "rekognition:ListFaces"]),
    st.sampled_from(["*", f"{ARN}ana", f"{ARN}bo"]),
    st.fixed_dictionaries(
        {},
        optional={
            "aws:username": st.sampled_from([("ana",), ("bo",), ("*",)]),
            "aws:multifactorauthage": st.sampled_from([("1",), ("9",), ("x",)]),
            "aws:tagkeys": st.sampled_from([("a",), ("a", "b")]),
        },
    ),
)
POLICIES = st.lists(statements(), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(POLICIES, statements(("Deny",)), REQUESTS)
def test_adding_a_deny_never_allows(listed, deny, request) -> None:
    before = evaluate(request, Policies(identity=(document(listed),)))
    after = evaluate(request, Policies(identity=(document([*listed, deny]),)))
    assert before.allowed or not after.allowed


@settings(max_examples=150, deadline=None)
@given(POLICIES, REQUESTS, st.randoms(use_true_random=False))
def test_order_never_matters(listed, request, random) -> None:
    named = [{**item, "Sid": f"S{at}"} for at, item in enumerate(listed)]
    shuffled = random.sample(named, len(named))
    one = evaluate(request, Policies(identity=(document(named),)))
    assert evaluate(request, Policies(identity=(document(shuffled),))) == one
    halves = (document(shuffled[:1]), *([document(shuffled[1:])] if shuffled[1:] else []))
    assert evaluate(request, Policies(identity=tuple(reversed(halves)))) == one


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_an_unknown_operator_is_refused(name) -> None:
    bare = name.rpartition(":")[2].removesuffix("IfExists")
    if bare in OPERATORS:
        return
    try:
        document([{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {name: {"aws:username": "a"}}}])
    except PolicyError:
        return
    raise AssertionError(name)


def _recursive(pattern: str, value: str) -> bool:
    """The textbook definition."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return _recursive(pattern[1:], value) or (bool(value) and _recursive(pattern, value[1:]))
    return bool(value) and pattern[0] in ("?", value[0]) and _recursive(pattern[1:], value[1:])


@settings(max_examples=300, deadline=None)
@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_wildcards_match_as_defined(pattern, value) -> None:
    glyphs = parse_pattern(pattern, "here", wildcards=True, variables=False).resolve({})
    assert glyphs is not None
    assert glyphs_match(glyphs, value) is _recursive(pattern, value)


GLYPHS = st.lists(st.sampled_from(["a", "b", ":", ".", "*", "?", "(", "\n"]), max_size=12).map("".join)


@given(pattern=GLYPHS, value=st.text("ab:.(\n", max_size=14))
def test_compiled_patterns_match_what_the_letters_say(pattern: str, value: str) -> None:
    parsed = parse_pattern(pattern, "here", wildcards=True, variables=False)
    glyphs = parsed.resolve({})
    assert glyphs is not None
    assert parsed.fits(value, {}) is glyphs_match(glyphs, value)
    if parsed.arn is not None and pattern != "*":
        assert matches(parsed.arn, value) is arn_matches(glyphs, value)


def test_a_pattern_of_many_stars_costs_no_more_than_its_length() -> None:
    parsed = parse_pattern("arn:*:*:*:*:" + "*a" * 200 + "b", "here", wildcards=True, variables=False)
    start = time.process_time()
    assert parsed.fits("arn:a:a:a:a:" + "a" * 5000, {}) is False
    assert parsed.arn is not None
    assert not matches(parsed.arn, "arn:a:a:a:a:" + "a" * 5000)
    assert time.process_time() - start < 1
