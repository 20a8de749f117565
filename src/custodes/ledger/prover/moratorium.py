"""The operator's side of a moratorium report: collect from the log what a verifier will ask for.

In: the files of the log, the sets of rules. Out: a ``Report``. Nothing in this module needs to be trusted.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Mapping

from custodes.ledger.prover.sources import LogFiles
from custodes.ledger.tlog.entry import Entry, decode, from_b64url
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.canonical_json import Opened, PlacedEntry, StatementError
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP
from custodes.ledger.verifier.moratorium.report import MoratoriumQuestion, Report
from custodes.ledger.writer.body import unseal
from custodes.ledger.writer.excerpt import MEMBERS as EXCERPTS
from custodes.ledger.writer.excerpt import excerpt

Sets = Callable[[str], Mapping[str, object] | None]
"""Gives the set of rules of a digest in hexadecimal, where it is at hand."""

MAX_ENTRIES = 1_000_000


def build_report(question: MoratoriumQuestion, log: LogFiles, sets: Sets) -> Report:
    """The report that answers ``question`` at the checkpoint of ``log``.

    Raises:
        LookupError: the log has no head of the account map behind the period.
        StatementError: the period holds more entries than one file can show.
        BodyError: what is stored is not what was committed.
    """
    size = log.tree.size
    first = max(0, _first_at(log, question.begin or 0) - 1)
    last = size if question.end is None else min(size, _first_at(log, question.end) + 1)
    first = min([first, *_announced(question, log)])
    if last - first > MAX_ENTRIES:
        raise StatementError(f"the period holds more than {MAX_ENTRIES} entries; ask for a shorter one")
    shown = dict(log.tree.entries(first, last))
    changes = {index: envelope for index, envelope, _ in log.changes(0, first)}
    opened, excerpts, digests = [], [], set()
    for index, envelope in (changes | shown).items():
        entry = decode(envelope)
        if entry.kind == "pol":
            digests.add(from_b64url(str(entry.fields["p"])).hex())
            body = _body(log, index, entry)
            opened += [body] if body is not None else []
        elif entry.kind in EXCERPTS and "s" in entry.fields and _inside(entry.t, question):
            body = _body(log, index, entry)
            excerpts += [_excerpt(entry.kind, body)] if body is not None else []
    found = [policy for digest in sorted(digests) if (policy := sets(digest)) is not None]
    head, covered = _head(log, last, size)
    clock = tuple(log.clock_entries(covered))
    proof = multiproof.make(sorted({*changes, *shown, head.index, *(one.index for one in clock)}), size, log.node)
    return Report(
        question,
        log.note,
        first,
        tuple(shown.values()),
        tuple(PlacedEntry(index, envelope) for index, envelope in changes.items()),
        tuple(opened),
        tuple(excerpts),
        tuple(found),
        tuple(proof),
        head,
        clock,
    )


def _head(log: LogFiles, last: int, size: int) -> tuple[PlacedEntry, int]:
    """The newest head of the account map, and how many entries it covers: with the range, all that tell of clocks."""
    index, head = max(log.heads(ACCOUNT_MAP), default=(0, None), key=lambda one: one[0])
    if head is None or (head.size < last < size):
        raise LookupError("no head of the account map covers the period yet; the server makes one every hour")
    return PlacedEntry(index, log.entry(index)), head.size


def _announced(question: MoratoriumQuestion, log: LogFiles) -> list[int]:
    """Entries that announced sets which took force in the period: how long their notice ran is to be seen."""
    found, announced = list[int](), dict[object, int]()
    for index, _, entry in log.changes(0, log.tree.size):
        if entry.fields.get("x") in ("set", "upgrade"):
            announced[entry.fields.get("p")] = index
        elif entry.fields.get("x") == "force" and _inside(entry.t, question):
            found += [announced[entry.fields["p"]]] if entry.fields["p"] in announced else []
    return found


def _first_at(log: LogFiles, t: int) -> int:
    """Index of the first entry at or after a time; times in the log never fall."""
    return bisect_left(range(log.tree.size), t, key=lambda index: decode(log.entry(index)).t)


def _inside(t: int, question: MoratoriumQuestion) -> bool:
    return (question.begin or 0) <= t and (question.end is None or t < question.end)


def _body(log: LogFiles, index: int, entry: Entry) -> Opened | None:
    sealed = log.bodies.get(index)
    if sealed is None or entry.commitment is None:
        return None
    return Opened(index, sealed.salt, unseal(sealed, entry.commitment, log.body_key))


def _excerpt(kind: str, body: Opened) -> Opened:
    made = excerpt(kind, json.loads(body.text), body.salt)
    return Opened(body.index, made.salt, made.text)
