"""Moratorium report: which rules were in force in a period, and what one sector was allowed and refused in it.

In: the bytes of a report. Out: a ``Report`` whose form is right, nothing in it verified yet (``check``). The
report shows every entry of the log in the period, whatever it is about, so nothing can be left out; of each decision an
excerpt (sector, operation, rules; nobody's name), which the entry commits to; and every change of the rules from the
first one on, as an unbroken chain with the signatures of its officers.

ABSENT means: in this period the sector was not allowed any of the operations asked about. PRESENT: it was, and how
often. Shape: ``{"digest": .., "moratorium": {"changes": [opened pol entries before the range], "checkpoint",
"excerpts": [opened excerpts by entry], "first": index, "head": placed entry, "opened": [opened pol entries of the
range], "proof", "question": {"from", "operations", "rule", "sector", "to"}, "range": [envelopes], "sets": [sets of
rules], "v": 2}}``, as in ``statement``; and ``clock`` where there are such entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from custodes.ledger.verifier.canonical_json import Members, Opened, PlacedEntry, StatementError, canonical, unwrap


@dataclass(frozen=True, slots=True)
class MoratoriumQuestion:
    """What is asked.

    Attributes:
        sector: whose decisions are counted.
        operations: those that count.
        rule: id of the rule whose presence in the rules in force is told.
        begin: start of the period, in ms since the epoch; None for the first entry.
        end: end, not included; None for the last entry.
    """

    sector: str
    operations: tuple[str, ...]
    rule: str
    begin: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a report holds.

    Attributes:
        question: what is asked.
        checkpoint: the signed state of the log, with cosignatures.
        first: index of the first entry of the range.
        range: all entries from there, one behind the other; with one in front of the period and one behind it where
            there are such.
        changes: ``pol`` entries in front of the range.
        opened: bodies of ``pol`` entries, of the range or in front of it, by index.
        excerpts: of decisions of the range, by index; those that were erased are missing.
        sets: sets of rules that were in force.
        head: a head of the account map behind the range, or within it.
        clock: the entries that say the clock was wrong, of those that the head covers, in order.
        proof: hashes that put all entries shown here into the log.
    """

    question: MoratoriumQuestion
    checkpoint: bytes
    first: int
    range: tuple[bytes, ...]
    changes: tuple[PlacedEntry, ...]
    opened: tuple[Opened, ...]
    excerpts: tuple[Opened, ...]
    sets: tuple[Mapping[str, object], ...]
    proof: tuple[bytes, ...]
    head: PlacedEntry
    clock: tuple[PlacedEntry, ...] = ()


def parse(data: bytes) -> Report:
    """Read a report.

    Raises:
        StatementError: the bytes are not exactly those of a report.
    """
    inner = Members(unwrap("moratorium", data))
    if inner.index("v") != 2:
        raise StatementError("this report is of another version")
    asked = Members(inner.take("question"))
    question = MoratoriumQuestion(
        asked.text("sector"),
        tuple(_text(item) for item in asked.items("operations")),
        asked.text("rule"),
        asked.time("from"),
        asked.time("to"),
    )
    asked.end()
    report = Report(
        question,
        inner.text("checkpoint").encode(),
        inner.index("first"),
        tuple(canonical(item) for item in inner.items("range")),
        tuple(PlacedEntry.read(item) for item in inner.items("changes")),
        tuple(Opened.read(item) for item in inner.items("opened")),
        tuple(Opened.read(item) for item in inner.items("excerpts")),
        tuple(_object(item) for item in inner.items("sets")),
        inner.hashes("proof"),
        inner.placed("head"),
        tuple(PlacedEntry.read(one) for one in inner.some("clock")),
    )
    inner.end()
    return report


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise StatementError("an object is missing")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise StatementError("a text is missing")
    return value
