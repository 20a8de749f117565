"""The operator's commands about the provider's rules: typed, with what carries them out.

In: a proposal that officers signed, or a question. Out: the entry that a change led to and where the chain of changes
stands after it; the rules, their history, the grounds of a decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.governance.provider.guardrails import PACKS, PackError, shipped
from custodes.governance.provider.policy_set import PolicyDifference, PolicySet, diff
from custodes.governance.provider.proposal import (
    Proposal,
    earliest_ms,
    propose_set,
    read_proposal,
    signatures_needed,
)
from custodes.governance.provider.records import PlacedRecord, to_json
from custodes.operations.policy.change_control import PolicyChanges
from custodes.operations.policy.explain import Explanation, Explanations
from custodes.operations.requests.admin import AdminCommand, AdminHandlers
from custodes.operations.requests.properties import READS, Properties


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyProposal(AdminCommand):
    """Put a signed change of rules or officers on record."""

    operation: ClassVar[str] = "policy apply"
    proposal: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeSet(AdminCommand):
    """Write down, for officers to sign, that ``packs`` be in force: those in force stay as they are, others ship."""

    operation: ClassVar[str] = "policy propose"
    properties: ClassVar[Properties] = READS
    packs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamineProposal(AdminCommand):
    """What a proposal changes, who signed it, and how many have to; whether it may act is seen when it is applied."""

    operation: ClassVar[str] = "policy examine"
    properties: ClassVar[Properties] = READS
    proposal: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowPolicy(AdminCommand):
    """The rules in force, the set that waits, and who may sign."""

    operation: ClassVar[str] = "policy status"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPolicyChanges(AdminCommand):
    """Every change of the rules with its entry in the ledger, newest first."""

    operation: ClassVar[str] = "policy history"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainDecision(AdminCommand):
    """Why a request was allowed or refused, by its id or by an entry of it."""

    operation: ClassVar[str] = "policy explain"
    properties: ClassVar[Properties] = READS
    request_id: str | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class ProposalApplied:
    """The entry that a change led to, and the state after it."""

    index: int
    state: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """A rule with where it comes from."""

    id: str
    effect: str
    reason: str
    source: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStatus:
    """The rules in force, the set that waits (None for none), and who may sign."""

    in_force: str
    head: str
    notice_days: float
    officers: Mapping[str, str]
    waiting: Mapping[str, object] | None
    packs: tuple[str, ...]
    shipped: tuple[str, ...]
    rules: tuple[RuleInForce, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChangeFacts:
    """A change of the rules; index and time (ms since the epoch) are 0 for one that is not on record yet."""

    act: str
    index: int
    recorded_ms: int
    policy: str
    signers: tuple[str, ...]
    officers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyChangeList:
    """Changes of the rules, newest first."""

    changes: tuple[PolicyChangeFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalExamined:
    """A proposal with what it would change, and how many have to sign it."""

    proposal: Mapping[str, object]
    kind: str
    changes: tuple[str, ...]
    not_before_ms: int
    signers: tuple[str, ...]
    signatures: int
    stale: bool


def policy_handlers(changes: PolicyChanges, explanations: Callable[[], Explanations]) -> AdminHandlers:
    """What carries these commands out on ``changes``, and on what was decided by them."""

    def apply(command: ApplyProposal) -> ProposalApplied:
        try:
            index = changes.apply(read_proposal(command.proposal))
        except PackError as error:
            raise InvalidParameterError(str(error)) from error
        return ProposalApplied(index, to_json(changes.state))

    def explain(command: ExplainDecision) -> Explanation:
        if (command.request_id is None) == (command.index is None):
            raise InvalidParameterError("give either a request's id or an entry")
        found = explanations()
        return found.at(command.index) if command.index is not None else found.of_request(str(command.request_id))

    def propose(command: ProposeSet) -> ProposalExamined:
        state, before = changes.state, changes.store.policy(changes.state.in_force)
        unknown = set(command.packs) - set(before.packs) - set(PACKS)
        if unknown:
            raise InvalidParameterError(f"no pack {min(unknown)} is shipped or in force")
        after = PolicySet(
            {name: before.packs.get(name) or shipped((name,))[name] for name in command.packs}, before.schema
        )
        if after.digest() == before.digest():
            raise InvalidParameterError("this set is in force already")
        earliest = earliest_ms(_difference(before, after).kind, changes.now_ms(), state.notice_ms)
        return _examined(propose_set(state.in_force, after, earliest), changes)

    def examine(command: ExamineProposal) -> ProposalExamined:
        try:
            return _examined(read_proposal(command.proposal), changes)
        except PackError as error:
            raise InvalidParameterError(str(error)) from error

    return {
        ApplyProposal: apply,
        ProposeSet: propose,
        ExamineProposal: examine,
        ShowPolicy: lambda _: _status(changes),
        ListPolicyChanges: lambda _: PolicyChangeList(tuple(_change(one) for one in reversed(changes.store.records()))),
        ExplainDecision: explain,
    }


def _difference(before: PolicySet, after: PolicySet) -> PolicyDifference:
    try:
        return diff(before, after)
    except PackError as error:
        raise InvalidParameterError(str(error)) from error


def _examined(proposal: Proposal, changes: PolicyChanges) -> ProposalExamined:
    kind, told = None, [f"officers after it: {', '.join(sorted(proposal.officers))}"]
    if proposal.policy is not None:
        found = _difference(changes.store.policy(changes.state.in_force), proposal.policy)
        kind, told = found.kind, [f"{item.what}: {item.subject}" for item in found.changes]
    return ProposalExamined(
        proposal=proposal.members(),
        kind="officers" if kind is None else kind.value,
        changes=tuple(told),
        not_before_ms=proposal.manifest.not_before_ms,
        signers=tuple(sorted(proposal.manifest.signatures)),
        signatures=signatures_needed(kind),
        stale=proposal.policy is not None and proposal.manifest.previous != changes.state.in_force,
    )


def _status(changes: PolicyChanges) -> PolicyStatus:
    state, policy = changes.state, changes.store.policy(changes.state.in_force)
    members: dict[str, Any] = to_json(state)
    if state.waiting is not None:
        found = diff(policy, changes.store.policy(state.waiting.policy))
        differences = [f"{item.what}: {item.subject}" for item in found.changes]
        members["waiting"] = {
            **members["waiting"],
            "kind": found.kind.value,
            "changes": differences,
            "held_ms": changes.held_ms(),
        }
    rules = changes.in_force().guardrails.rules.values()
    shown = tuple(RuleInForce(rule.id, rule.effect, rule.reason, rule.source, rule.date) for rule in rules)
    return PolicyStatus(**members, packs=tuple(sorted(policy.packs)), shipped=tuple(PACKS), rules=shown)


def _change(placed: PlacedRecord) -> PolicyChangeFacts:
    record, place = placed.record, placed.place
    return PolicyChangeFacts(
        act=record.act.value,
        index=0 if place is None else place.index,
        recorded_ms=0 if place is None else place.t_ms,
        policy=record.policy,
        signers=tuple(sorted(record.manifest.signatures)) if record.manifest else (),
        officers=tuple(sorted(record.officers)),
    )
