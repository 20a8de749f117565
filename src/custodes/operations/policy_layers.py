"""Both layers of rules behind the gate's policy port: the provider's first, then the tenant's; both must allow.

In: the provider's rules, and ports that gather what they ask about: facts about the call, the caller's policies and
condition keys. Out: the gate's Allow or Deny with the rule's id. What a port does not know is left out and thereby
refused. Not wired yet: a server without accounts has nothing to gather from.
"""

from __future__ import annotations

from typing import Protocol

from custodes.governance.guardrails import Call, Fact, Guardrails
from custodes.governance.iam.evaluate import Policies, Request, evaluate
from custodes.governance.iam.pattern import Context as Conditions
from custodes.operations.gate import Allow, Decision, Deny, Intent


class Dossier(Protocol):
    """What is on record about a caller. None of the methods raises for anything a caller can cause."""

    def facts(self, intent: Intent) -> dict[str, Fact]:
        """Facts that the provider's rules look at; those that are not known are absent."""
        ...

    def conditions(self, intent: Intent) -> Conditions:
        """Condition keys of the request in lower case."""
        ...

    def policies(self, intent: Intent) -> Policies:
        """The tenant's policies that concern the caller and the resource."""
        ...


class PolicyLayers:
    """Asks the provider's rules, then the tenant's."""

    def __init__(self, guardrails: Guardrails, dossier: Dossier) -> None:
        """Decide by ``guardrails`` and what ``dossier`` holds."""
        self._guardrails = guardrails
        self._dossier = dossier

    def decide(self, intent: Intent) -> Decision:
        """Deny with the first rule that forbids; Allow names the statement of the tenant that allowed."""
        caller = intent.context.caller
        operation = intent.action.partition(":")[2]
        call = Call(str(caller.account_id), operation, intent.resource, self._dossier.facts(intent))
        verdict = self._guardrails.decide(call)
        if not verdict.allowed:
            rule = verdict.rules[0] if verdict.rules else "guardrails.no-permit"
            return Deny(f"{verdict.reason} (rule {rule})", rule)
        request = Request(
            caller.arn, str(caller.account_id), intent.action, intent.resource, self._dossier.conditions(intent)
        )
        answer = evaluate(request, self._dossier.policies(intent))
        rule = answer.rule or f"iam.{answer.reason}"
        if answer.allowed:
            return Allow(rule)
        # A tenant may know which of its own statements decided.
        return Deny(f"the account's own policies do not allow it (rule {rule})", rule)
