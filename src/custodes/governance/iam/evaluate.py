"""The decision on one request from all policies that concern it.

In: a request (who, action, resource, context) and its policies. Out: a decision with the policy and statement that made
it and a reason. An explicit Deny anywhere wins; then every boundary must allow; then, within one account, an Allow of
an identity policy or of a resource policy that names the caller suffices; from another account both are needed. The
order of policies and statements never changes the outcome. Nothing here raises for any request.

Stricter than AWS in one point: a boundary also limits what a resource policy grants to a user.

Source: IAM User Guide, "Policy evaluation logic" and "Cross-account policy evaluation logic".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from custodes.governance.iam.condition import all_hold
from custodes.governance.iam.document import Document, Effect, PolicyStatement
from custodes.governance.iam.pattern import Context, Pattern, arn_matches, matches


class Reason(StrEnum):
    """Why a request is allowed or not."""

    EXPLICIT_DENY = "explicit-deny"
    NOT_IN_BOUNDARY = "not-in-boundary"
    IDENTITY_ALLOW = "identity-allow"
    RESOURCE_ALLOW = "resource-allow"
    BOTH_ALLOW = "both-allow"
    NO_ALLOW = "no-allow"


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """What somebody wants.

    Attributes:
        principal: ARN of the user, root or session.
        account_id: the principal's account.
        action: like ``rekognition:SearchFaces``.
        resource: ARN, or ``*`` for operations without one.
        context: condition keys in lower case.
        role: ARN of the role behind a session; resource policies may name either.
    """

    principal: str
    account_id: str
    action: str
    resource: str
    context: Context
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies of a request: of the caller, of the resource, and those that only limit."""

    identity: tuple[Document, ...] = ()
    resource: tuple[Document, ...] = ()
    boundaries: tuple[Document, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class IamDecision:
    """The outcome. ``rule`` is ``policy/statement`` where one statement decided, else empty."""

    allowed: bool
    reason: Reason
    rule: str = ""


def evaluate(request: AccessRequest, policies: Policies) -> IamDecision:
    """Decide. Of several statements that decide alike, the first by name is told."""
    denied = first(request, (*policies.identity, *policies.resource, *policies.boundaries), Effect.DENY)
    if denied:
        return IamDecision(False, Reason.EXPLICIT_DENY, denied)
    for boundary in policies.boundaries:
        if not first(request, (boundary,), Effect.ALLOW):
            return IamDecision(False, Reason.NOT_IN_BOUNDARY)
    own = first(request, policies.identity, Effect.ALLOW)
    if _account_of(request.resource) in ("", request.account_id):
        if own:
            return IamDecision(True, Reason.IDENTITY_ALLOW, own)
        named = first(request, policies.resource, Effect.ALLOW)
        return IamDecision(True, Reason.RESOURCE_ALLOW, named) if named else IamDecision(False, Reason.NO_ALLOW)
    granted = first(request, policies.resource, Effect.ALLOW, delegated=True)
    if own and granted:
        return IamDecision(True, Reason.BOTH_ALLOW, granted)
    return IamDecision(False, Reason.NO_ALLOW)


def first(request: AccessRequest, documents: Iterable[Document], effect: Effect, *, delegated: bool = False) -> str:
    """Label of the statement of this effect that applies, of several the first by name; empty for none.

    ``delegated`` counts statements that name the caller's whole account as naming the caller.
    """
    denying = effect is Effect.DENY
    found = [
        f"{document.name}/{statement.label}"
        for document in documents
        for statement in document.about(request.action)[denying]
        if _applies(request, statement, delegated=delegated)
    ]
    return min(found, default="")


def _applies(request: AccessRequest, statement: PolicyStatement, *, delegated: bool) -> bool:
    return (
        _principal_matches(request, statement, delegated=delegated)
        and _resource_matches(request, statement)
        and _conditions_hold(request, statement)
    )


def _resource_matches(request: AccessRequest, statement: PolicyStatement) -> bool:
    if len(statement.resources) == 1 and not statement.not_resources:
        return _names(statement.resources[0], request) is True
    answers = [_names(pattern, request) for pattern in statement.resources]
    if not statement.not_resources:
        return True in answers
    # An Allow for all but ${someone}'s things must not become one for everything when there is no someone.
    if None in answers and statement.effect is Effect.ALLOW:
        return False
    return True not in answers


def _names(pattern: Pattern, request: AccessRequest) -> bool | None:
    if pattern.text == "*":
        return True
    if pattern.fixed is not None:
        return pattern.arn is not None and matches(pattern.arn, request.resource)
    glyphs = pattern.resolve(request.context)
    return None if glyphs is None else arn_matches(glyphs, request.resource)


def _conditions_hold(request: AccessRequest, statement: PolicyStatement) -> bool:
    answer = all_hold(statement.conditions, request.context)
    return statement.effect is Effect.DENY if answer is None else answer


def _principal_matches(request: AccessRequest, statement: PolicyStatement, *, delegated: bool) -> bool:
    """Whether a resource policy's statement is about the caller.

    Naming an account leaves it to that account to say who of it may: within the account it grants nothing by itself,
    except to its root; from outside it opens the door for those whom their own policies allow. A Deny on an account
    concerns everybody in it.
    """
    if statement.principals is None or "*" in statement.principals:
        return True
    if request.principal in statement.principals or (request.role is not None and request.role in statement.principals):
        return True
    whole = [name for name in statement.principals if name.isdigit() or name.endswith(":root")]
    accounts = {name.split(":")[4] if name.startswith("arn:") else name for name in whole}
    if request.account_id not in accounts:
        return False
    return statement.effect is Effect.DENY or delegated or request.principal.endswith(":root")


def _account_of(resource: str) -> str:
    parts = resource.split(":", 5)
    return parts[4] if len(parts) == 6 else ""
