"""The operator's command that changes the provider's rules: typed, with what carries it out.

In: a proposal that officers signed. Out: the entry that it led to, and where the chain of changes stands after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.governance.provider.guardrails import PackError
from custodes.governance.provider.proposal import read_proposal
from custodes.governance.provider.records import to_json
from custodes.operations.policy.change_control import PolicyChanges
from custodes.operations.requests.admin import AdminAnswer, AdminCommand, AdminHandlers


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyProposal(AdminCommand):
    """Put a signed change of rules or officers on record."""

    operation: ClassVar[str] = "policy apply"
    proposal: Mapping[str, object]


def policy_handlers(changes: PolicyChanges) -> AdminHandlers:
    """What carries the command out on ``changes``."""

    def apply(command: ApplyProposal) -> AdminAnswer:
        try:
            index = changes.apply(read_proposal(command.proposal))
        except PackError as error:
            raise InvalidParameterError(str(error)) from error
        return {"index": index, "state": to_json(changes.state)}

    return {ApplyProposal: apply}
