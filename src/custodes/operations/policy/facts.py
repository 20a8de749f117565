"""What is on record about a call, gathered for the provider's rules: from its account, its session and the request.

In: an intent; accounts and the outcome of their screening, both from memory. Out: facts by name, and attributes that
are withheld. A session may state what the account's profile allows; what it states wrongly becomes a fact that no rule
understands, which is refused. Nothing is decided here, and nothing raises for anything a caller can cause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from custodes.core.ids import AccountId
from custodes.governance.authorisation import CASE_TAG, EXCEPTIONAL, is_case
from custodes.governance.provider.guardrails import BOOLEANS, Fact
from custodes.operations.requests.gate import Intent

TAG_PREFIX = "custodes:"
"""Session tags that begin so are facts about the session's calls."""
DEMOGRAPHICS = frozenset({"AGE_RANGE", "GENDER", "EMOTIONS"})

_WORDS = ("purpose", "legal_basis", "place", "face_source")
_SWITCHES = ("real_time", "human_review")
_STATED = frozenset({*_WORDS, *_SWITCHES})
_SWITCH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Profile:
    """What is on record about an account.

    Attributes:
        facts: sector, country, status, and what it states about its use: purpose, legal_basis, place, face_source.
        purposes: those that it declared when it was taken on; a session may state only these if there are any.
        demographics: whether age, gender and emotions may be estimated for it.
    """

    facts: Mapping[str, Fact]
    purposes: frozenset[str] = frozenset()
    demographics: bool = True


@dataclass(frozen=True, slots=True)
class ScreeningFacts:
    """Outcome of the screening of an account.

    Attributes:
        verdict: ``clear``, ``review``, ``blocked``, ``unknown``, or ``not-required`` while there are no lists.
        screened_at_ms: when, since the epoch.
        lists_current: whether it was against the newest edition of every list.
    """

    verdict: str
    screened_at_ms: int
    lists_current: bool


class ScreeningLookup(Protocol):
    """Tells, from memory, how accounts came out of screening."""

    def of(self, account_id: AccountId) -> ScreeningFacts:
        """The newest outcome; must not raise."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """Gathers facts, from memory.

    Attributes:
        profile: looks an account up; None for one that does not exist.
        screening: looks up how it came out of screening.
        authorised: state of a case of an account at a moment (ms).
    """

    profile: Callable[[AccountId], Profile | None]
    screening: ScreeningLookup
    authorised: Callable[[AccountId, str, int], str] = lambda *_: "pending"

    def facts(self, intent: Intent) -> Mapping[str, Fact]:
        """Facts that the provider's rules look at. Those that are not known are absent, and thereby refused."""
        caller, request = intent.context.caller, intent.facts
        profile = self.profile(caller.account_id)
        if profile is None:
            return {}
        screened = self.screening.of(caller.account_id)
        facts: dict[str, Fact] = {
            **profile.facts,
            **_DEFAULTS,
            "screening": screened.verdict,
            "screened_at": screened.screened_at_ms,
            "lists_current": screened.lists_current,
            "emotions": bool(request.get("emotions", False)) and profile.demographics,
            "threshold_milli": _milli(request.get("threshold_pct", 0)),
            "custom_labels": str(request.get("custom_labels", "none")),
            "now": intent.context.ts_ms,
        }
        if caller.session_tags:
            facts.update(_stated(caller.session_tags, profile))
        if request.get("real_time"):
            facts["real_time"] = True
        case = case_of(caller.session_tags, str(facts.get("purpose")))
        if case is not None:
            now_ms = intent.context.ts_ms
            facts["authorisation"] = self.authorised(caller.account_id, case, now_ms) if is_case(case) else "unknown"
        return facts

    def withheld(self, intent: Intent) -> frozenset[str]:
        """Facial attributes that are not estimated for this caller."""
        profile = self.profile(intent.context.caller.account_id)
        return DEMOGRAPHICS if profile is None or not profile.demographics else frozenset()


_DEFAULTS: Mapping[str, Fact] = MappingProxyType({"authorisation": "none", "real_time": False, "human_review": False})


def case_of(tags: Mapping[str, str], purpose: str) -> str | None:
    """The case of a call: what its session says, else its purpose where that opens an exception; None for no case."""
    return tags.get(CASE_TAG) or (purpose if purpose in EXCEPTIONAL else None)


def _stated(tags: Mapping[str, str], profile: Profile) -> dict[str, Fact]:
    """Facts of session tags. A tag that names no fact a session can state becomes a fact that no rule knows."""
    facts: dict[str, Fact] = {}
    for tag, value in tags.items():
        if tag.startswith(TAG_PREFIX) and tag != CASE_TAG:
            name = tag.removeprefix(TAG_PREFIX)
            facts[name if name in _STATED else tag] = _SWITCH.get(value, value) if name in BOOLEANS else value
    purpose = facts.get("purpose")
    if purpose is not None and purpose != profile.facts.get("purpose") and not _declared(str(purpose), profile):
        facts["purpose"] = "unknown"
    return facts


def _milli(percent: object) -> int:
    """Thousandths of a percent, rounded down: 98.9999 percent is not 99. What is no percentage is no fact."""
    return int(percent * 1000) if isinstance(percent, int | float) and 0 <= percent <= 100 else -1


def _declared(purpose: str, profile: Profile) -> bool:
    return purpose in profile.purposes or (not profile.purposes and purpose not in EXCEPTIONAL)
