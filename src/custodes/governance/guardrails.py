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
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

import cedarpy
import orjson

SCHEMA_FILE = "schema.cedarschema"
PACKS = ("baseline", "police-moratorium", "eu-ai-act", "uk-russia-sanctions", "public-safety-99")
ANNOTATIONS = ("id", "reason", "source", "date")
INCIDENT = "guardrails.not-evaluated"
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
    "criminal-investigation", "medical", "safety", "research", "marketing", "other",
)
# fmt: on
VOCABULARIES: Mapping[str, frozenset[str]] = {
    "sector": frozenset(SECTORS),
    "status": frozenset({"pending", "active", "suspended", "closed"}),
    "screening": frozenset({"unknown", "clear", "review", "blocked"}),
    "purpose": frozenset(PURPOSES),
    "legal_basis": frozenset(
        {"unknown", "unstated", "consent", "contract", "legal-obligation", "vital-interest", "public-task", "own-data"}
    ),
    "place": frozenset({"unknown", "unstated", "private", "workplace", "education", "public"}),
    "face_source": frozenset({"unknown", "unstated", "consented", "own-records", "public-task", "untargeted-scraping"}),
    "authorisation": frozenset({"unknown", "none", "pending", "granted", "refused"}),
}
BOOLEANS = ("lists_current", "real_time", "emotions", "human_review")
MOMENTS = ("screened_at", "now")
ATTRIBUTES = frozenset({*VOCABULARIES, "country", *BOOLEANS, *MOMENTS, "threshold_milli"})

Fact = str | int | bool


class PackError(Exception):
    """A pack or schema cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a pack: its id, effect (``permit`` or ``forbid``), public reason, source, date, and its whole text
    as canonical JSON."""

    id: str
    effect: str
    reason: str
    source: str
    date: str
    canonical: str


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
class Verdict:
    """The outcome: ids of the rules that made it, forbids in the order of their ids, and one public reason."""

    allowed: bool
    rules: tuple[str, ...]
    reason: str


class Guardrails:
    """A set of rules, parsed once; safe to ask from many threads."""

    def __init__(
        self, rules: Mapping[str, Rule], policies: cedarpy.PolicySet, schema: cedarpy.Schema, entities: cedarpy.Entities
    ) -> None:
        """Keep what ``load`` parsed."""
        self._rules = rules
        self._policies = policies
        self._schema = schema
        self._entities = entities

    @property
    def rules(self) -> Mapping[str, Rule]:
        """All rules by id."""
        return self._rules

    def decide(self, call: Call) -> Verdict:
        """Decide. Raises nothing for any call: what cannot be evaluated is a refusal."""
        problem = check_facts(call.facts)
        if problem:
            return Verdict(False, (UNKNOWN_FACT,), problem)
        request = {
            "principal": {"type": "Account", "id": call.account_id},
            "action": {"type": "Action", "id": call.operation},
            "resource": {"type": "Resource", "id": call.resource},
            "context": orjson.dumps(_context(call.facts)).decode(),
        }
        try:
            answer = cedarpy.is_authorized(request, self._policies, self._entities, self._schema)
        except (ValueError, TypeError, RuntimeError):
            return _INCIDENT
        found = answer.diagnostics
        ids = tuple(sorted(found.id_annotations_by_reason.values()))
        if found.errors or answer.decision is cedarpy.Decision.NoDecision or any(key not in self._rules for key in ids):
            return _INCIDENT
        if answer.decision is cedarpy.Decision.Allow and ids:
            return Verdict(True, ids, self._rules[ids[0]].reason)
        reason = self._rules[ids[0]].reason if ids else "no rule of the provider allows it"
        return Verdict(False, ids, reason)


_INCIDENT = Verdict(False, (INCIDENT,), "the provider's rules could not be evaluated")


def check_facts(facts: Mapping[str, object]) -> str:
    """The first thing wrong with facts as a public sentence, or nothing. Names an attribute, never its value."""
    if facts.keys() != ATTRIBUTES:
        missing = sorted(ATTRIBUTES - facts.keys())
        return f"the fact {missing[0]} is missing" if missing else "a fact is stated that no rule knows"
    wrong = sorted(name for name, fact in facts.items() if not _understood(name, fact))
    return f"the value of the fact {wrong[0]} is not understood" if wrong else ""


def _understood(name: str, fact: object) -> bool:
    if name in BOOLEANS:
        return isinstance(fact, bool)
    if name in MOMENTS or name == "threshold_milli":
        most = 100_000 if name == "threshold_milli" else _LAST_MS
        return isinstance(fact, int) and not isinstance(fact, bool) and 0 <= fact <= most
    if not isinstance(fact, str):
        return False
    return _COUNTRY.fullmatch(fact) is not None if name == "country" else fact in VOCABULARIES[name]


def _context(facts: Mapping[str, Fact]) -> dict[str, object]:
    """The facts as Cedar reads them: moments are its datetime, to the millisecond."""
    context: dict[str, object] = dict(facts)
    for name in MOMENTS:
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
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return Rule(values["id"], str(body["effect"]), values["reason"], values["source"], values["date"], canonical)


def load(packs: Mapping[str, str], schema: str) -> Guardrails:
    """Parse and validate packs by name.

    Raises:
        PackError: a pack does not fit the schema, or two of them share a rule id.
    """
    text = "\n".join(packs[name] for name in sorted(packs))
    rules = read_rules(text)
    try:
        parsed = cedarpy.Schema.from_str(schema)
        checked = cedarpy.validate_policies(text, parsed)
        if not checked.validation_passed:
            raise PackError("; ".join(error.error for error in checked.errors))
        # Parsed with the schema, because groups of actions are entities too: without them no rule on a group applies.
        entities = cedarpy.Entities.from_json_str("[]", parsed)
        policies = cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        raise PackError(str(error)) from error
    if len(entities) == 0:
        raise PackError("the schema has no actions")
    return Guardrails({rule.id: rule for rule in rules}, policies, parsed, entities)


def shipped(names: tuple[str, ...] = PACKS) -> dict[str, str]:
    """Texts of packs that come with the program."""
    folder = resources.files("custodes.governance") / "packs"
    return {name: (folder / f"{name}.cedar").read_text(encoding="utf-8") for name in names}


def shipped_schema() -> str:
    """The schema that comes with the program."""
    return (resources.files("custodes.governance") / "packs" / SCHEMA_FILE).read_text(encoding="utf-8")
