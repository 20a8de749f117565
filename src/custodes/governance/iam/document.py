"""Policy documents: JSON text in, parsed statements out. What is not understood is refused here, never at a decision.

In: the text of an identity or resource policy and the names of the operations that exist. Out: a ``Document``. Refused
are duplicate and unknown elements, unknown operators and condition keys, ARNs of fewer than six parts, operations that
do not exist (a Deny with a typing error would deny nothing), NotPrincipal, and principals other than AWS ones.

Source: IAM User Guide, "IAM JSON policy element reference" and "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, cast

from custodes.governance.iam.condition import Condition, check_variables, parse_conditions, scalars
from custodes.governance.iam.pattern import Pattern, PolicyError, arn_segments, glyphs_match, parse_pattern

MAX_CHARACTERS = 10_240  # the largest of AWS's quotas for inline policies
SERVICE = "rekognition"
TRUST_ACTIONS = ("sts:assumerole", "sts:tagsession")
"""Who may assume a role, and whether the session may be tagged."""
_ACTION = re.compile(r"(?P<service>[A-Za-z0-9-]+):(?P<name>[A-Za-z0-9*?]+)")
_SID = re.compile(r"[A-Za-z0-9]{0,256}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_PRINCIPAL = re.compile(
    r"arn:aws(?:-[a-z]+)*:(?:iam::[0-9]{12}:(?:root|(?:user|role)/[\w+=,.@/-]+)"
    r"|sts::[0-9]{12}:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+)",
    re.ASCII,
)
_VERSIONS = ("2012-10-17", "2008-10-17")
_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"},
)


class Effect(Enum):
    """What a statement does."""

    ALLOW = "Allow"
    DENY = "Deny"


class DocumentKind(Enum):
    """Where a document is attached: to a user or role, to a resource, or to a role to say who may assume it."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    TRUST = "trust"


@dataclass(frozen=True, slots=True)
class PolicyStatement:
    """One parsed statement.

    Attributes:
        label: its Sid, or ``#`` and its place in the document, counted from 1.
        effect: Allow or Deny.
        principals: ARNs, account ids or ``*``; None in identity policies.
        actions: patterns in lower case.
        not_actions: the statement is about all actions but these.
        resources: ARN patterns.
        not_resources: the statement is about all resources but these.
        conditions: all must hold.
    """

    label: str
    effect: Effect
    principals: frozenset[str] | None
    actions: tuple[Pattern, ...]
    not_actions: bool
    resources: tuple[Pattern, ...]
    not_resources: bool
    conditions: tuple[Condition, ...]

    def covers(self, action: str) -> bool:
        """Whether the statement is about ``action``, in any case of letters."""
        folded = action.lower()
        return any(pattern.fits(folded, {}) for pattern in self.actions) is not self.not_actions


class Covering(NamedTuple):
    """Statements about an action, by their effect."""

    allows: tuple[PolicyStatement, ...]
    denies: tuple[PolicyStatement, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A policy under the name it is stored by.

    Attributes:
        name: how decisions refer to it.
        kind: where it is attached.
        statements: in order.
        keys: condition keys, in lower case, that its conditions and variables look at.
    """

    name: str
    kind: DocumentKind
    statements: tuple[PolicyStatement, ...]
    keys: frozenset[str] = frozenset()
    _about: dict[str, Covering] = field(default_factory=dict, compare=False, repr=False)

    def about(self, action: str) -> Covering:
        """Statements whose actions cover ``action``, remembered: there are as many actions as operations."""
        found = self._about.get(action)
        if found is None:
            about = [statement for statement in self.statements if statement.covers(action)]
            found = Covering(*(tuple(each for each in about if each.effect is effect) for effect in Effect))
            self._about[action] = found
        return found


def parse_document(name: str, text: str, kind: DocumentKind, operations: Iterable[str]) -> Document:
    """Read and check a policy document.

    Args:
        name: how decisions refer to it.
        text: JSON.
        kind: identity policies have no Principal, the others need one; trust policies have no Resource and are about
            ``TRUST_ACTIONS`` only.
        operations: names of the service's operations, like ``SearchFaces``.

    Raises:
        PolicyError: anything in it is not understood.
    """
    if len(text) > MAX_CHARACTERS:
        raise PolicyError("document", f"longer than {MAX_CHARACTERS} characters")
    root = _load(text)
    unknown = set(root) - {"Version", "Id", "Statement"}
    if unknown:
        raise PolicyError("document", f"unknown element {min(unknown)}")
    version = root.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise PolicyError("Version", f"one of {', '.join(_VERSIONS)} is expected")
    if not isinstance(root.get("Id", ""), str):
        raise PolicyError("Id", "a text is expected")
    listed = root.get("Statement")
    blocks = listed if isinstance(listed, list) else [listed]
    if not blocks:
        raise PolicyError("Statement", "at least one is expected")
    reader = _Reader(kind, version == _VERSIONS[0], tuple(item.lower() for item in operations))
    statements = tuple(reader.statement(block, number) for number, block in enumerate(blocks, 1))
    labels = [statement.label for statement in statements]
    if len(set(labels)) != len(labels):
        raise PolicyError("Statement", "two statements have the same Sid")
    return Document(name, kind, statements, frozenset().union(*(_keys(statement) for statement in statements)))


def _keys(statement: PolicyStatement) -> frozenset[str]:
    patterns = [*statement.resources]
    for condition in statement.conditions:
        patterns += [operand for operand in condition.operands if isinstance(operand, Pattern)]
    keys = {condition.key for condition in statement.conditions}
    return frozenset(keys.union(*(pattern.variables() for pattern in patterns)))


def _load(text: str) -> dict[str, object]:
    try:
        root = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise PolicyError("document", "it is not JSON") from error
    if not isinstance(root, dict):
        raise PolicyError("document", "a JSON object is expected")
    return cast("dict[str, object]", root)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise PolicyError(key, "it stands twice in one object")
        found[key] = value
    return found


def _no_constant(text: str) -> object:
    raise ValueError(text)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads statements of one document."""

    kind: DocumentKind
    variables: bool
    operations: tuple[str, ...]

    def statement(self, block: object, number: int) -> PolicyStatement:
        where = f"Statement[{number}]"
        if not isinstance(block, dict):
            raise PolicyError(where, "a JSON object is expected")
        unknown = set(block) - _ELEMENTS
        if unknown:
            raise PolicyError(where, f"unknown element {min(unknown)}")
        sid = block.get("Sid", "")
        if not isinstance(sid, str) or not _SID.fullmatch(sid):
            raise PolicyError(f"{where}.Sid", "letters and digits only")
        if block.get("Effect") not in ("Allow", "Deny"):
            raise PolicyError(f"{where}.Effect", "Allow or Deny is expected")
        actions, not_actions = _either(block, "Action", where)
        resources, not_resources = self._stated_resources(block, where)
        patterns = tuple(self._action(text, f"{where}.Action") for text in actions)
        foreign = (
            self.kind is not DocumentKind.TRUST
            and not not_actions
            and all(_service(pattern) not in (SERVICE, "sts", "*") for pattern in patterns)
        )
        conditions: tuple[Condition, ...] = ()
        if "Condition" in block and block["Condition"] != {}:
            conditions = parse_conditions(
                block["Condition"], f"{where}.Condition", variables=self.variables, any_key=foreign
            )
        return PolicyStatement(
            label=sid or f"#{number}",
            effect=Effect(block["Effect"]),
            principals=self._principals(block, where),
            actions=patterns,
            not_actions=not_actions,
            resources=tuple(self._resource(text, f"{where}.Resource") for text in resources),
            not_resources=not_resources,
            conditions=conditions,
        )

    def _stated_resources(self, block: dict[str, object], where: str) -> tuple[list[str], bool]:
        if self.kind is not DocumentKind.TRUST:
            return _either(block, "Resource", where)
        if "Resource" in block or "NotResource" in block:
            raise PolicyError(where, "a trust policy has no Resource: it is about its role")
        return ["*"], False

    def _action(self, text: str, where: str) -> Pattern:
        pattern = parse_pattern(text.lower(), where, wildcards=True, variables=False)
        if self.kind is DocumentKind.TRUST:
            glyphs = pattern.resolve({}) or ()
            if not any(glyphs_match(glyphs, action) for action in TRUST_ACTIONS):
                raise PolicyError(where, f"{text!r} is not about assuming a role")
            return pattern
        if text in ("*", "*:*"):
            return parse_pattern("*", where, wildcards=True, variables=False)
        found = _ACTION.fullmatch(text.lower())
        if found is None:
            raise PolicyError(where, f"{text!r} is not an action")
        if found["service"] == SERVICE:
            name = parse_pattern(found["name"], where, wildcards=True, variables=False).resolve({}) or ()
            if not any(glyphs_match(name, operation) for operation in self.operations):
                raise PolicyError(where, f"{text!r} is no operation")
        return pattern

    def _resource(self, text: str, where: str) -> Pattern:
        pattern = parse_pattern(text, where, wildcards=True, variables=self.variables)
        check_variables(pattern.variables(), where)
        if text == "*":
            return pattern
        # Each variable stands for one letter here, so that its contents cannot change the count of segments.
        glyphs = pattern.resolve(dict.fromkeys(pattern.variables(), ("x",))) or ()
        segments = arn_segments(glyphs)
        if len(segments) != 6 or segments[0] != tuple("arn") or not segments[5]:
            raise PolicyError(where, f"{text!r} is neither * nor an ARN of six parts")
        return pattern

    def _principals(self, block: dict[str, object], where: str) -> frozenset[str] | None:
        if self.kind is DocumentKind.IDENTITY:
            if "Principal" in block:
                raise PolicyError(where, "an identity policy has no Principal")
            return None
        stated = block.get("Principal")
        if stated == "*":
            return frozenset({"*"})
        if not isinstance(stated, dict) or set(stated) != {"AWS"}:
            raise PolicyError(f"{where}.Principal", "* or AWS principals are expected")
        names = scalars(stated["AWS"], f"{where}.Principal")
        for name in names:
            if name != "*" and not _ACCOUNT.fullmatch(name) and not _PRINCIPAL.fullmatch(name):
                raise PolicyError(f"{where}.Principal", f"{name!r} is not a principal")
        return frozenset(names)


def _either(block: dict[str, object], element: str, where: str) -> tuple[list[str], bool]:
    if (element in block) == (f"Not{element}" in block):
        raise PolicyError(where, f"exactly one of {element} and Not{element} is expected")
    negated = element not in block
    stated = block[f"Not{element}" if negated else element]
    listed = stated if isinstance(stated, list) else [stated]
    if not listed or not all(isinstance(item, str) for item in listed):
        raise PolicyError(f"{where}.{element}", "a text or a list of texts is expected")
    return [str(item) for item in listed], negated


def _service(pattern: Pattern) -> str:
    return pattern.text.partition(":")[0]
