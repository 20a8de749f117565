"""Both layers of rules behind the gate's policy port: the provider's first, then the tenant's; both must allow.

In: the provider's rules in force, the dossier that gathers facts for them, the tenant's policies. Out: the gate's Allow
or Deny with ids and public reasons of the rules, and the grounds for the record. What is not known is left out of the
facts and thereby refused. Everything is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from custodes.governance.iam.evaluate import IamDecision
from custodes.governance.provider.guardrails import UNKNOWN_FACT, Call, Fact, Guardrails, understood
from custodes.operations.policy.facts import PolicyFacts
from custodes.operations.requests.gate import Allow, Decision, Deny, Grounds, Intent

NO_PERMIT_RULE = "guardrails.no-permit"
NOT_UNDERSTOOD = "not understood"
"""Stands in the record for what a caller stated and no rule understands: it may be anything."""


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """The provider's rules and the digest of their set."""

    digest: str
    guardrails: Guardrails


class TenantLayer(Protocol):
    """Decides by the policies of the caller's own account, and of the resource's."""

    def decide(self, intent: Intent) -> IamDecision:
        """Must not raise for anything a caller can cause."""
        ...


class PolicyLayers:
    """Asks the provider's rules, then the tenant's."""

    def __init__(self, in_force: Callable[[], RulesInForce], dossier: PolicyFacts, tenant: TenantLayer) -> None:
        """Decide by what ``in_force`` gives at that moment, what ``dossier`` holds and what ``tenant`` says."""
        self._in_force = in_force
        self._dossier = dossier
        self._tenant = tenant

    def decide(self, intent: Intent) -> Decision:
        """Deny names every rule of the provider that forbids; Allow names the statement of the tenant that allowed."""
        rules = self._in_force()
        facts = self._dossier.facts(intent)
        operation = intent.action.partition(":")[2]
        verdict = rules.guardrails.decide(Call(intent.context.caller.account_id, operation, intent.resource, facts))
        if not verdict.allowed:
            rule = verdict.rules[0] if verdict.rules else NO_PERMIT_RULE
            reason = verdict.reason if rule in rules.guardrails.rules else f"{verdict.reason} (rule {rule})"
            known = _understood(facts) if rule == UNKNOWN_FACT else facts
            return Deny(reason, rule, Grounds(rules.digest, verdict.rules, known))
        grounds = Grounds(rules.digest, verdict.rules, facts)
        answer = self._tenant.decide(intent)
        rule = answer.rule or f"iam.{answer.reason}"
        if answer.allowed:
            return Allow(rule, grounds, self._dossier.withheld(intent), verdict.obligations)
        # A tenant may know which of its own statements decided.
        return Deny(f"the account's own policies do not allow it (rule {rule})", rule, grounds)


def _understood(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {
        name: fact if understood(name, fact) else NOT_UNDERSTOOD
        for name, fact in facts.items()
        if not name.startswith("custodes:")
    }
