"""Both layers of rules behind the gate's policy port: the provider's first, then the tenant's; both must allow.

In: the provider's rules in force, the dossier that gathers facts for them, the tenant's policies. Out: the gate's Allow
or Deny with ids and public reasons of the rules, and the grounds for the record. What is not known is left out of the
facts and thereby refused. Everything is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.governance.accounts.vocabulary import LAW_ENFORCEMENT
from custodes.governance.authorisation import EXCEPTIONAL, AuthorisationState
from custodes.governance.iam.evaluate import IamDecision
from custodes.governance.provider.guardrails import UNKNOWN_FACT, Call, Fact, Guardrails, understood
from custodes.operations.policy.facts import PolicyFacts, case_of
from custodes.operations.requests.gate import Allow, Decision, Deny, Grounds, Intent
from custodes.operations.requests.properties import Reveals

BeginCase = Callable[[AccountId, str, str, int], None]
"""Account, case, purpose, time in ms. Raises UnavailableError."""
PENDING = AuthorisationState.PENDING.value
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

    def __init__(
        self,
        in_force: Callable[[], RulesInForce],
        dossier: PolicyFacts,
        tenant: TenantLayer,
        begin: BeginCase = lambda *_: None,
    ) -> None:
        """Decide by what ``in_force`` gives at that moment, what ``dossier`` holds and what ``tenant`` says.

        ``begin`` is told of identifications of cases that no authority has decided on.
        """
        self._in_force = in_force
        self._dossier = dossier
        self._tenant = tenant
        self._begin = begin

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
            if not self._case_is_on_record(intent, facts):
                return Deny("the beginning of its case cannot be put on record now", "cases.record", grounds)
            return Allow(rule, grounds, self._dossier.withheld(intent), verdict.obligations)
        # A tenant may know which of its own statements decided.
        return Deny(f"the account's own policies do not allow it (rule {rule})", rule, grounds)

    def _case_is_on_record(self, intent: Intent, facts: Mapping[str, Fact]) -> bool:
        """Whether an identification for an exceptional purpose has started the 48 hours of its case, or need not."""
        if intent.previewed or facts["authorisation"] != PENDING or facts["sector"] != LAW_ENFORCEMENT:
            return True
        if intent.properties.reveals is not Reveals.IDENTITY:
            return True
        caller, purpose = intent.context.caller, str(facts["purpose"])
        if purpose not in EXCEPTIONAL:
            return True
        case = case_of(caller.session_tags, purpose)
        try:
            self._begin(caller.account_id, case or purpose, purpose, intent.context.ts_ms)
        except UnavailableError:
            return False
        return True


def _understood(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {
        name: fact if understood(name, fact) else NOT_UNDERSTOOD
        for name, fact in facts.items()
        if not name.startswith("custodes:")
    }
