"""Numbers of a report for regulators: each a count over entries that the report shows, by article of law.

In: the uses of an account in a period with their private bodies, and its decisions, reviews and changes. Out: numbers
by name. They are counted here and nowhere else, when a report is made and when it is checked.

Source: Regulation (EU) 2024/1689 art. 12, 14(5), 19, 26; Regulation (EU) 2016/679 art. 30, 35.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from custodes.ledger.verifier.expected import IDENTIFICATIONS

EXCEPTIONAL = frozenset({"missing-person", "child-protection", "imminent-threat", "serious-crime"})
"""Purposes that open an exception of the provider's rules."""
AUTHORISATION_MS = 48 * 3_600_000
_PERSONS = 2

Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CountedUse:
    """A use in the period: its time, units, permission, and private body, None where it is gone."""

    t: int
    units: int
    permission: int | None
    facts: Facts | None


@dataclass(frozen=True, slots=True)
class CountedRecord:
    """Another entry about the account: index, kind, time, public word (decision or occasion), body."""

    index: int
    kind: str
    t: int
    word: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted: uses of the period, records of the period and in front of it, when it begins and ends (ms)."""

    uses: Sequence[CountedUse]
    records: Sequence[CountedRecord]
    begin: int
    end: int
    destroyed: int


def figures(what: Counted) -> dict[str, int]:
    """All numbers, by article and name."""
    inside = [record for record in what.records if what.begin <= record.t < what.end]
    counts = Counter(
        {
            "12.uses": len(what.uses),
            "12.units": sum(use.units for use in what.uses),
            "19.details_kept": sum(use.facts is not None for use in what.uses),
            "19.details_destroyed": what.destroyed,
        }
    )
    purposes = {record.index: record.facts.get("purpose") for record in what.records if record.kind == "auth"}
    for use in what.uses:
        _count_use(counts, use, purposes)
    for record in inside:
        _count_record(counts, record)
    for record in inside:
        if record.kind == "acc" and record.word == "case":
            counts["26.10.late"] += _is_late(record, what)
    counts["14.5.verified_by_two"] = _verified(inside)
    return {name: number for name, number in sorted(counts.items()) if number}


def _count_use(counts: Counter[str], use: CountedUse, purposes: Mapping[int, object]) -> None:
    facts = use.facts or {}
    numbers = facts.get("counts")
    numbers = numbers if isinstance(numbers, Mapping) else {}
    for name, figure in (("faces_enrolled", "35.faces_enrolled"), ("faces_erased", "30.faces_erased")):
        counts[figure] += _number(numbers.get(name))
    if facts.get("op") not in IDENTIFICATIONS or facts.get("code") != "Done":
        return
    counts["12.3.identifications"] += 1
    counts["12.3.a.begin_and_end"] += isinstance(facts.get("start"), int)
    counts["12.3.a.in_a_case"] += "case" in facts
    counts["12.3.b.database_and_version"] += {"collection", "collection_version", "model"} <= facts.keys()
    if _number(numbers.get("matches")):
        counts["12.3.c.with_match"] += 1
        counts["12.3.c.with_match_and_input"] += "picture_sha256" in facts
    if purposes.get(-1 if use.permission is None else use.permission) in EXCEPTIONAL:
        counts[f"26.10.uses.{datetime.fromtimestamp(use.t // 1000, UTC).year}"] += 1


def _count_record(counts: Counter[str], record: CountedRecord) -> None:
    if record.kind == "auth":
        counts[f"26.{'allowed' if record.word == 'allow' else 'refused'}"] += 1
        if record.word == "allow" and isinstance(record.facts.get("purpose"), str):
            counts[f"30.purpose.{record.facts['purpose']}"] += 1
    elif record.kind == "rev":
        counts[f"14.5.{record.facts.get('what')}"] += 1
    elif record.kind == "acc":
        known = {"case": "26.10.cases", "authorised": "26.10.granted", "refused": "26.10.refused"}
        known["suspend"] = "26.5.suspensions"
        if record.word in known:
            counts[known[record.word]] += 1


def _is_late(begun: CountedRecord, what: Counted) -> bool:
    """Whether 48 hours of a case went by without a decision of an authority, as far as the period reaches."""
    due = begun.t + AUTHORISATION_MS
    decided = [
        record.t
        for record in what.records
        if record.kind == "acc"
        and record.word in ("authorised", "refused")
        and record.facts.get("case") == begun.facts.get("case")
    ]
    return due < what.end and not any(t < due for t in decided)


def _verified(records: Sequence[CountedRecord]) -> int:
    """How many reviews were released of those that two persons have confirmed in the period."""
    persons: dict[object, set[object]] = {}
    released = set()
    for record in records:
        if record.kind != "rev":
            continue
        if record.facts.get("what") == "confirm":
            persons.setdefault(record.facts.get("review"), set()).add(record.facts.get("person"))
        if record.facts.get("what") == "release":
            released.add(record.facts.get("review"))
    return sum(len(persons.get(review, ())) >= _PERSONS for review in released)


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
