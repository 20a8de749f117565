"""Checks of policies before they act: what is wrong with a text, and whether a set decides cases as expected.

In: texts of packs, IAM documents and test cases. Out: findings and results as values. Reads and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from custodes.governance.iam.document import DocumentKind, parse_document
from custodes.governance.iam.pattern import PolicyError
from custodes.governance.provider.guardrails import Call, PackError, load
from custodes.governance.provider.policy_set import PolicySet


@dataclass(frozen=True, slots=True)
class LintFinding:
    """Something wrong with a file."""

    name: str
    problem: str


@dataclass(frozen=True, slots=True)
class Result:
    """One case: what was expected, what came, and by which rules."""

    name: str
    passed: bool
    allowed: bool
    rules: tuple[str, ...]
    reason: str


def lint_set(policies: PolicySet) -> tuple[LintFinding, ...]:
    """What keeps packs from being used: each by itself, then all together."""
    findings = []
    for name, text in sorted(policies.packs.items()):
        try:
            load({name: text}, policies.schema)
        except PackError as error:
            findings.append(LintFinding(name, str(error)))
    if not findings and policies.packs:
        try:
            load(policies.packs, policies.schema)
        except PackError as error:
            findings.append(LintFinding("all packs", str(error)))
    return tuple(findings)


def lint_document(name: str, text: str, operations: Iterable[str]) -> tuple[LintFinding, ...]:
    """What is not understood in an IAM document, read as a resource policy when it names principals."""
    kind = DocumentKind.RESOURCE if '"Principal"' in text else DocumentKind.IDENTITY
    try:
        parse_document(name, text, kind, operations)
    except PolicyError as error:
        return (LintFinding(name, str(error)),)
    return ()


def run_cases(policies: PolicySet, cases: str) -> tuple[Result, ...]:
    """Decide a JSON list of cases: ``name``, ``operation``, ``facts``, ``allowed`` and, if wished, ``rule``.

    Raises:
        PackError: the set cannot be used, or the cases cannot be read.
    """
    guardrails = load(policies.packs, policies.schema)
    try:
        listed = json.loads(cases)
        wanted = [
            (str(item["name"]), str(item["operation"]), dict(item["facts"]), item["allowed"], item.get("rule"))
            for item in listed
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PackError("cases are a JSON list of objects with name, operation, facts and allowed") from error
    results = []
    for name, operation, facts, allowed, rule in wanted:
        verdict = guardrails.decide(Call("000000000000", operation, "*", facts))
        passed = verdict.allowed is allowed and (rule is None or rule in verdict.rules)
        results.append(Result(name, passed, verdict.allowed, verdict.rules, verdict.reason))
    return tuple(results)
