"""The provider's layer: Cedar rules that no tenant can override, evaluated so that doubt is a refusal.

In: packs of rules as text, a schema, facts about a call. Out: a decision with the ids and public reasons of the rules
that made it. Cedar skips a rule that fails to evaluate, so a missing fact would silently lift a forbid; therefore the
schema is always given, facts are checked before Cedar sees them, and any error or absent decision is a refusal. Packs
and schema are parsed once. It does not know where facts come from.

Source: Cedar policy language reference; the numbers of the annotations of each rule are in the pack files.
"""

from __future__ import annotations

import datetime
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from operator import itemgetter

import cedarpy
import orjson

from custodes.governance.children import REFUSE_CHILDREN
from custodes.governance.provider import partial_evaluation
from custodes.governance.provider.schema import Model, read_schema
from custodes.governance.review import TWO_PERSON_REVIEW

SCHEMA_FILE = "schema.cedarschema"
PACKS = ("baseline", "police-moratorium", "eu-ai-act", "uk-russia-sanctions", "public-safety-99", "children")
DEFAULT_PACKS = ("baseline", "police-moratorium", "eu-ai-act", "public-safety-99")
"""In force on a server whose operator has decided nothing. Rules on sanctions need lists to screen against; those on
children would take families' photographs apart."""
OBLIGATIONS = frozenset({TWO_PERSON_REVIEW, REFUSE_CHILDREN})
"""What a permit can ask for: the call may run, its result is conditional."""
ANNOTATIONS = ("id", "reason", "source", "date")
INCIDENT = "guardrails.not-evaluated"
NO_PERMIT = "no rule of the provider allows it"
UNKNOWN_FACT = "guardrails.unknown-fact"
_RULE_ID = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}|unknown")
_LAST_MS = 253_402_300_799_999  # the end of the year 9999, as far as dates of four digits go

# fmt: off
SECTORS = (
    "unknown", "operator", "law-enforcement", "public-safety", "government", "migration", "defence", "education",
    "employment", "finance", "health", "retail", "transport", "research", "media", "software", "charity", "other",
)
PURPOSES = (
    "unknown", "unstated", "development", "access-control", "identity-verification", "attendance", "photo-management",
    "fraud-prevention", "missing-person", "child-protection", "imminent-threat", "serious-crime",
    "criminal-investigation", "medical", "safety", "research", "marketing", "data-subject-request", "other",
)
# fmt: on
VOCABULARIES: Mapping[str, frozenset[str]] = {
    "sector": frozenset(SECTORS),
    "status": frozenset({"pending", "active", "suspended", "closed"}),
    "screening": frozenset({"unknown", "not-required", "clear", "review", "blocked"}),
    "purpose": frozenset(PURPOSES),
    "legal_basis": frozenset(
        {"unknown", "unstated", "consent", "contract", "legal-obligation", "vital-interest", "public-task", "own-data"}
    ),
    "place": frozenset({"unknown", "unstated", "private", "workplace", "education", "public"}),
    "face_source": frozenset({"unknown", "unstated", "consented", "own-records", "public-task", "untargeted-scraping"}),
    "authorisation": frozenset({"unknown", "none", "pending", "overdue", "granted", "refused"}),
    "custom_labels": frozenset({"none", "protected-traits", "faces"}),
}
LATER: Mapping[str, str] = {"custom_labels": "none"}
"""Facts that earlier records do not have, with what was true of those calls."""
BOOLEANS = ("lists_current", "real_time", "emotions", "human_review")
MOMENTS = ("screened_at", "now")
CHANGING = (*MOMENTS, "threshold_milli")
ATTRIBUTES = frozenset({*VOCABULARIES, "country", *BOOLEANS, *CHANGING})
_STEADY_NAMES = tuple(sorted(ATTRIBUTES.difference(CHANGING)))
_STEADY = itemgetter(*_STEADY_NAMES)
_MAX_PLANS = 4096

Fact = str | int | bool


class PackError(Exception):
    """A pack or schema cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a pack: its id, effect (``permit`` or ``forbid``), public reason, source, date, its whole text as
    canonical JSON, and the obligation that a permit brings, if any."""

    id: str
    effect: str
    reason: str
    source: str
    date: str
    canonical: str
    obligation: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """What the rules are asked about.

    Attributes:
        account_id: whose call it is.
        operation: name without the service, like ``SearchFaces``.
        resource: ARN or ``*``.
        facts: every name in ``ATTRIBUTES``; moments in ms since the epoch, thresholds in thousandths of a percent.
    """

    account_id: str
    operation: str
    resource: str
    facts: Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """The outcome: ids of the rules that made it, in their order, and the public reason: of a refusal, every rule's;
    of an allowed call the obligations of every permit that applies to it."""

    allowed: bool
    rules: tuple[str, ...]
    reason: str
    obligations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to decide calls that agree in all steady facts.

    Attributes:
        policies: the rules that can apply to them.
        points: changing facts that these look at, each with the values from which on a verdict can be another one; None
            where they look at something else, so that they have to be asked each time.
        verdicts: what is known already, by the place of each changing fact among its points.
    """

    policies: cedarpy.PolicySet
    points: tuple[tuple[str, tuple[int, ...]], ...] | None
    verdicts: dict[tuple[int, ...], PolicyVerdict] = field(default_factory=dict)


class Guardrails:
    """A set of rules, parsed once; safe to ask from many threads."""

    def __init__(self, rules: Mapping[str, Rule], model: Model) -> None:
        """Keep what ``load`` parsed."""
        self._rules = rules
        self._model = model
        self._parsed = {key: json.loads(rule.canonical) for key, rule in rules.items()}
        self._every = self._policies(frozenset(rules))
        self._slices: dict[frozenset[str], cedarpy.PolicySet] = {frozenset(rules): self._every}
        self._plans: dict[tuple[object, ...], _Plan] = {}

    @property
    def rules(self) -> Mapping[str, Rule]:
        """All rules by id."""
        return self._rules

    @property
    def groups(self) -> Mapping[str, frozenset[str]]:
        """Every operation that the schema knows, with the groups that it is in."""
        return self._model.groups

    def operations_in(self, group: str) -> tuple[str, ...]:
        """Operations of a group, by name; groups in it are not listed themselves."""
        groups = self._model.groups
        within = frozenset().union(*groups.values())
        return tuple(sorted(name for name, found in groups.items() if group in found and name not in within))

    def decide(self, call: Call) -> PolicyVerdict:
        """Decide. Raises nothing for any call: what cannot be evaluated is a refusal.

        Calls that agree in all but moments and threshold share a plan: the rules that can apply to them, and verdicts
        for as long as nothing has changed on which these rules look. See ``policy_slice``.
        """
        call = _completed(call)
        facts = call.facts
        try:
            values = _STEADY(facts)
            key = (call.operation, values, tuple(map(type, values)))
            plan = self._plans.get(key)
        except (KeyError, TypeError):
            plan = None
        problem = check_facts(facts) if plan is None else _check_changing(facts)
        if problem:
            return PolicyVerdict(False, (UNKNOWN_FACT,), problem)
        if plan is None:
            plan = self._plan(call)
            if len(self._plans) >= _MAX_PLANS:
                self._plans.clear()
                self._slices.clear()
            self._plans[key] = plan
        if plan.points is None:
            return self._ask(call, plan.policies)
        place = tuple(bisect_right(points, facts[name]) for name, points in plan.points)
        verdict = plan.verdicts.get(place)
        if verdict is None:
            verdict = self._ask(call, plan.policies)
            if verdict is not _INCIDENT:
                plan.verdicts[place] = verdict
        return verdict

    def decide_by_all(self, call: Call) -> PolicyVerdict:
        """Decide by asking Cedar about every rule: slower, the same."""
        call = _completed(call)
        problem = check_facts(call.facts)
        return PolicyVerdict(False, (UNKNOWN_FACT,), problem) if problem else self._ask(call, self._every)

    def _plan(self, call: Call) -> _Plan:
        groups = self._model.groups.get(call.operation)
        if groups is None:
            return _Plan(self._every, None)
        known = {name: call.facts[name] for name in _STEADY_NAMES}
        kept = frozenset(
            key
            for key, rule in self._parsed.items()
            if partial_evaluation.concerns(rule, call.operation, groups)
            and partial_evaluation.holds(rule, known) is not False
        )
        policies = self._slices.get(kept)
        if policies is None:
            policies = self._slices[kept] = self._policies(kept)
        return _Plan(policies, self._points(kept))

    def _points(self, kept: Iterable[str]) -> tuple[tuple[str, tuple[int, ...]], ...] | None:
        found: dict[str, frozenset[int]] = {}
        for key in kept:
            read = partial_evaluation.reads(self._parsed[key])
            if read is None:
                return None
            for name in read.keys() & {*CHANGING}:
                points = read[name]
                if points is None:
                    return None
                found[name] = found.get(name, frozenset()) | points
        return tuple((name, tuple(sorted(points))) for name, points in sorted(found.items()))

    def _policies(self, kept: frozenset[str]) -> cedarpy.PolicySet:
        return cedarpy.PolicySet.from_json_str(
            json.dumps(
                {
                    "staticPolicies": {f"policy{at}": self._parsed[key] for at, key in enumerate(sorted(kept))},
                    "templates": {},
                    "templateLinks": [],
                }
            )
        )

    def _ask(self, call: Call, policies: cedarpy.PolicySet) -> PolicyVerdict:
        request = {
            "principal": {"type": "Account", "id": call.account_id},
            "action": {"type": "Action", "id": call.operation},
            "resource": {"type": "Resource", "id": call.resource},
            "context": orjson.dumps(_context(call.facts, self._model.attributes)).decode(),
        }
        try:
            answer = cedarpy.is_authorized(request, policies, self._model.entities, self._model.schema)
        except (ValueError, TypeError, RuntimeError):
            return _INCIDENT
        found = answer.diagnostics
        ids = tuple(sorted(found.id_annotations_by_reason.values()))
        if found.errors or answer.decision is cedarpy.Decision.NoDecision or any(key not in self._rules for key in ids):
            return _INCIDENT
        if answer.decision is cedarpy.Decision.Allow and ids:
            asked = frozenset(self._rules[key].obligation for key in ids) - {""}
            if all(self._rules[key].obligation for key in ids):
                # A permit with an obligation adds a condition to what another one allows.
                return PolicyVerdict(False, (), NO_PERMIT)
            return PolicyVerdict(True, ids, self._rules[ids[0]].reason, asked)
        if not ids:
            return PolicyVerdict(False, (), NO_PERMIT)
        return PolicyVerdict(False, ids, "; ".join(f"{self._rules[key].reason} (rule {key})" for key in ids))


_INCIDENT = PolicyVerdict(False, (INCIDENT,), "the provider's rules could not be evaluated")


def _completed(call: Call) -> Call:
    """``call`` with the facts that records of earlier programs lack."""
    if all(name in call.facts for name in LATER):
        return call
    return replace(call, facts={**LATER, **call.facts})


def check_facts(facts: Mapping[str, object]) -> str:
    """The first thing wrong with facts as a public sentence, or nothing. Names an attribute, never its value."""
    if facts.keys() != ATTRIBUTES:
        missing = sorted(ATTRIBUTES - facts.keys())
        return f"the fact {missing[0]} is missing" if missing else "a fact is stated that no rule knows"
    wrong = sorted(name for name, fact in facts.items() if not understood(name, fact))
    return f"the value of the fact {wrong[0]} is not understood" if wrong else ""


def understood(name: str, fact: object) -> bool:
    """Whether ``fact`` is a value that the fact called ``name`` can have."""
    if name in BOOLEANS:
        return isinstance(fact, bool)
    if name in MOMENTS or name == "threshold_milli":
        most = 100_000 if name == "threshold_milli" else _LAST_MS
        return isinstance(fact, int) and not isinstance(fact, bool) and 0 <= fact <= most
    if not isinstance(fact, str) or name not in ATTRIBUTES:
        return False
    return _COUNTRY.fullmatch(fact) is not None if name == "country" else fact in VOCABULARIES[name]


def _check_changing(facts: Mapping[str, object]) -> str:
    """What ``check_facts`` says when all facts but the changing ones are known to be right."""
    if len(facts) == len(ATTRIBUTES) and all(name in facts and understood(name, facts[name]) for name in CHANGING):
        return ""
    return check_facts(facts)


def _context(facts: Mapping[str, Fact], declared: frozenset[str]) -> dict[str, object]:
    """The facts as Cedar reads them: moments are its datetime, to the millisecond."""
    context: dict[str, object] = {name: value for name, value in facts.items() if name in declared}
    for name in declared.intersection(MOMENTS):
        seconds, ms = divmod(int(facts[name]), 1000)
        text = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).isoformat()[:19]
        context[name] = {"__extn": {"fn": "datetime", "arg": f"{text}.{ms:03d}Z"}}
    return context


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules of a pack in the order of the text.

    Raises:
        PackError: it cannot be read, has templates, or a rule lacks an annotation or shares an id.
    """
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise PackError(f"not a Cedar policy: {error}") from error
    if parsed.get("templates"):
        raise PackError("templates are not used in packs")
    rules = tuple(
        _rule(body) for _, body in sorted(parsed["staticPolicies"].items(), key=lambda item: int(item[0][6:]))
    )
    ids = [rule.id for rule in rules]
    repeated = sorted({key for key in ids if ids.count(key) > 1})
    if repeated:
        raise PackError(f"two rules have the id {repeated[0]}")
    return rules


def _rule(body: Mapping[str, object]) -> Rule:
    stated = body.get("annotations")
    notes: Mapping[str, object] = stated if isinstance(stated, dict) else {}
    values = {name: str(notes.get(name) or "") for name in ANNOTATIONS}
    for name, value in values.items():
        if not value:
            raise PackError(f"the rule {values['id'] or '(without id)'} has no @{name}")
    if not _RULE_ID.fullmatch(values["id"]):
        raise PackError(f"{values['id']!r} is not a rule id")
    effect, obligation = str(body["effect"]), str(notes.get("obligation") or "")
    if obligation and (effect != "permit" or obligation not in OBLIGATIONS):
        raise PackError(f"the rule {values['id']} has an @obligation that is not one of a permit")
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return Rule(values["id"], effect, values["reason"], values["source"], values["date"], canonical, obligation)


def load(packs: Mapping[str, str], schema: str) -> Guardrails:
    """Parse and validate packs by name.

    Raises:
        PackError: a pack does not fit the schema, or two of them share a rule id.
    """
    rules, model = _validated("\n".join(packs[name] for name in sorted(packs)), schema)
    return Guardrails({rule.id: rule for rule in rules}, model)


# A set that takes force was previewed and held against past requests before: it is validated once.
@lru_cache(maxsize=8)
def _validated(text: str, schema: str) -> tuple[tuple[Rule, ...], Model]:
    rules = read_rules(text)
    try:
        parsed = cedarpy.Schema.from_str(schema)
        checked = cedarpy.validate_policies(text, parsed)
        if not checked.validation_passed:
            raise PackError("; ".join(error.error for error in checked.errors))
        return tuple(rules), read_schema(parsed, ATTRIBUTES)
    except ValueError as error:
        raise PackError(str(error)) from error


def shipped(names: tuple[str, ...] = PACKS) -> dict[str, str]:
    """Texts of packs that come with the program."""
    folder = resources.files("custodes.governance.provider") / "packs"
    return {name: (folder / f"{name}.cedar").read_text(encoding="utf-8") for name in names}


def shipped_schema() -> str:
    """The schema that comes with the program."""
    return (resources.files("custodes.governance.provider") / "packs" / SCHEMA_FILE).read_text(encoding="utf-8")
