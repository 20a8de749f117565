"""Whether somebody may assume a role: its trust policy must say so, whatever the caller's own policies allow.

In: a request for ``sts:AssumeRole`` or ``sts:TagSession``, the caller's policies, the role's trust policy. Out: a
decision. A trust policy that names the caller suffices; one that names the account leaves it to the caller's own
policies. A Deny anywhere wins.

Source: IAM User Guide, "How IAM roles are evaluated" and "Policy evaluation logic".
"""

from __future__ import annotations

from custodes.governance.iam.document import Document, Effect
from custodes.governance.iam.evaluate import AccessRequest, IamDecision, Policies, Reason, first


def may_assume(request: AccessRequest, policies: Policies, trust: Document) -> IamDecision:
    """Decide for a caller of the role's own account. ``policies`` are the caller's, without resource policies."""
    denied = first(request, (*policies.identity, trust, *policies.boundaries), Effect.DENY)
    if denied:
        return IamDecision(False, Reason.EXPLICIT_DENY, denied)
    for boundary in policies.boundaries:
        if not first(request, (boundary,), Effect.ALLOW):
            return IamDecision(False, Reason.NOT_IN_BOUNDARY)
    named = first(request, (trust,), Effect.ALLOW)
    if named:
        return IamDecision(True, Reason.RESOURCE_ALLOW, named)
    opened = first(request, (trust,), Effect.ALLOW, delegated=True)
    own = first(request, policies.identity, Effect.ALLOW)
    if opened and own:
        return IamDecision(True, Reason.BOTH_ALLOW, own)
    return IamDecision(False, Reason.NO_ALLOW)
