"""The check of a moratorium report, offline, by somebody who trusts the operator in nothing.

In: the bytes of a report, and a trust policy. Out: a verdict in words. Read ``verify_moratorium`` from top to bottom:
it is the list of checks. What a sector is called, and whether an account was put into the right one, is not decided
here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from custodes.ledger.tlog.commitment import BodyError, check_opening
from custodes.ledger.tlog.entry import Entry, EntryError, decode, from_b64url
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.trust import NONE, Trusted, TrustError, TrustPolicy, open_trusted
from custodes.ledger.verifier.canonical_json import StatementError
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, check_key, parse_head
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.moratorium.notice import LEAST_MS, seen_ms
from custodes.ledger.verifier.moratorium.policy_timeline import (
    Force,
    Timeline,
    TimelineError,
    has_rule,
    set_digest,
    timeline,
)
from custodes.ledger.verifier.moratorium.report import Report, parse
from custodes.ledger.verifier.multiproof import check_in_log
from custodes.ledger.verifier.texts import moment
from custodes.ledger.verifier.uncertainty import SLACK_MS, UncertainStretch, stretch_of, wrong_clock

LIMITS = (
    "That nothing was computed outside the log. Somebody who changes the software can also change that.",
    "That each account was put into the right sector when it was opened. The report counts by what is on record.",
    "Who the accounts are, and what they did with what they were answered.",
    "What the rules mean. Their texts are in the file; with them anybody can decide each case again.",
    "Exact times. The operator's clock wrote them; witnesses only confirm that an entry was there by a certain time.",
)
_DAY_MS = 86_400_000
_SWITCH_MS = 60_000
"""A request that was decided just before a change may stand behind it in the log."""


@dataclass(frozen=True, slots=True)
class MoratoriumVerdict:
    """``word`` is PRESENT, ABSENT, UNDETERMINED or INVALID; ``reasons`` say why, or what was established.

    ``numbers`` has how many requests of the sector were allowed, refused and used, how many accounts joined or left it,
    and how often the rules were weakened, all in the period; nothing where that is not known.
    """

    word: str
    reasons: tuple[str, ...]
    numbers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Decisions of the period on the operations asked about, and what changed for the sector meanwhile.

    Attributes:
        by_sector: by sector and answer.
        by_purpose: those of the sector that is asked about, by purpose and answer.
        by_rule: its refusals, by rule.
        uses: how many of its permissions were used.
        closed: permissions, and changes of accounts, that are shown without an excerpt.
        moves: accounts that changed their sector, by sector before and after.
    """

    by_sector: Counter[tuple[str, str]]
    by_purpose: Counter[tuple[str, str]]
    by_rule: Counter[str]
    uses: int
    closed: int
    moves: Counter[tuple[str, str]]

    def moved(self, sector: str) -> tuple[int, int]:
        """How many accounts left and joined a sector."""
        left = sum(count for (before, _), count in self.moves.items() if before == sector)
        return left, sum(count for (_, after), count in self.moves.items() if after == sector)


class _UndeterminedError(Exception):
    """The file is sound so far, but does not answer the question."""


def verify_moratorium(data: bytes, policy: TrustPolicy, now_ms: int | None = None) -> MoratoriumVerdict:
    """Check a report; ``now_ms`` is the reader's own clock, if it is to be compared."""
    try:
        # 1. The file has the one form that a report can have.
        report = parse(data)
        # 2. The log signed this state, and no signature of a known witness is false.
        trusted = open_trusted(report.checkpoint, policy)
        # 3. Every entry shown stands in the log at the place that is claimed, those of the range without a gap.
        entries = _entries(report, trusted)
        # 4. The range covers the whole period.
        covered = _covered(report, trusted, entries)
        # 5. The changes of the rules are an unbroken chain, and signed as each must be.
        rules = _timeline(report, entries)
        # 6. Every excerpt is the one committed to, and names rules that were in force then.
        counts = _counts(report, entries, rules.forces)
        # 7. Where the log says that its clock was wrong, times say nothing of what was in the period.
        stretches = _stretches(report, entries, trusted.checkpoint.size, policy)
    except _UndeterminedError as question:
        return MoratoriumVerdict("UNDETERMINED", (str(question),))
    except (StatementError, TrustError, ProofError, EntryError, BodyError, TimelineError, MapError) as error:
        return MoratoriumVerdict("INVALID", (str(error),))
    doubts = _doubts(report, trusted, covered, counts, policy)
    doubts += _clock_doubts(report, (trusted.seen_at, now_ms), covered, stretches)
    doubts += _short_notices(report, entries, rules.forces, stretches)
    if doubts:
        return MoratoriumVerdict("UNDETERMINED", doubts)
    allowed = counts.by_sector[report.question.sector, "allow"]
    left, joined = counts.moved(report.question.sector)
    refused = counts.by_sector[report.question.sector, "deny"]
    numbers = {"allowed": allowed, "refused": refused, "used": counts.uses, "left": left, "joined": joined}
    numbers["weakened"] = len(_weakenings(report, rules))
    return MoratoriumVerdict("PRESENT" if allowed else "ABSENT", _findings(report, trusted, rules, counts), numbers)


def _entries(report: Report, trusted: Trusted) -> dict[int, Entry]:
    shown = {report.first + at: envelope for at, envelope in enumerate(report.range)}
    if not shown:
        raise _UndeterminedError("the report shows no entries")
    in_front = {change.index: change.envelope for change in report.changes}
    if len(in_front) != len(report.changes) or any(index >= report.first for index in in_front):
        raise ProofError("changes in front of the range are not in front of it")
    placed = in_front | shown
    every = dict(placed)
    for one in (report.head, *report.clock):
        if every.setdefault(one.index, one.envelope) != one.envelope:
            raise ProofError(f"two entries are shown as entry {one.index}")
    check_in_log(sorted(every.items()), trusted.checkpoint, report.proof)
    return {index: decode(envelope) for index, envelope in sorted(placed.items())}


def _covered(report: Report, trusted: Trusted, entries: Mapping[int, Entry]) -> int:
    """Time up to which the range says everything; raises when it leaves a part of the period out."""
    question, last = report.question, report.first + len(report.range) - 1
    begin, end = question.begin or 0, question.end
    if report.first > 0 and entries[report.first].t >= begin:
        raise TimelineError("the report leaves out entries at the beginning of the period")
    if last < trusted.checkpoint.size - 1 and (end is None or entries[last].t < end):
        raise TimelineError("the report leaves out entries at the end of the period")
    if any(a.t > b.t for a, b in pairwise(entries.values())):
        raise TimelineError("times in the log fall")
    return entries[last].t


def _timeline(report: Report, entries: Mapping[int, Entry]) -> Timeline:
    changes = [(index, entry) for index, entry in entries.items() if entry.kind == "pol"]
    if len([index for index, _ in changes if index < report.first]) != len(report.changes):
        raise TimelineError("an entry that is no change of policy is shown as one")
    bodies: dict[int, bytes] = {}
    for opened in report.opened:
        commitment = entries[opened.index].commitment if opened.index in entries else None
        if commitment is None:
            raise BodyError("a body is shown that no entry commits to")
        check_opening(commitment, opened.salt, opened.text)
        bodies[opened.index] = opened.text
    return timeline(changes, bodies, {set_digest(each): each for each in report.sets})


def _counts(report: Report, entries: Mapping[int, Entry], forces: tuple[Force, ...]) -> _Counts:
    excerpts = {each.index: each for each in report.excerpts}
    if len(excerpts) != len(report.excerpts):
        raise BodyError("a decision is opened twice")
    counts, purposes, rules = Counter[tuple[str, str]](), Counter[tuple[str, str]](), Counter[str]()
    moves, allowed, closed = Counter[tuple[str, str]](), set[int](), 0
    for index, entry in entries.items():
        if entry.kind not in ("acc", "auth") or index < report.first or not _in_period(entry.t, report):
            continue
        shown = excerpts.pop(index, None)
        if shown is None:
            closed += entry.fields.get("d") == "allow" or entry.fields.get("x") == "update"
            continue
        value = _opened(entry, shown.salt, shown.text)
        if entry.kind == "acc":
            if "sector_before" in value:
                moves[str(value["sector_before"]), str(value.get("sector"))] += 1
            continue
        if value.get("policy") not in known_policies(entry.t, index, forces):
            raise TimelineError(f"the decision in entry {index} names rules that were not in force")
        if value.get("op") in report.question.operations:
            sector, answer = str(value.get("sector")), str(entry.fields["d"])
            counts[sector, answer] += 1
            if sector == report.question.sector:
                purposes[str(value.get("purpose")), answer] += 1
                allowed |= {index} if answer == "allow" else set()
                rules.update(str(rule) for rule in _list(value.get("rules")) if answer == "deny")
    if excerpts:
        raise BodyError("an excerpt is shown that belongs to no decision of the period")
    uses = sum(entry.kind == "use" and entry.settles in allowed for entry in entries.values())
    return _Counts(counts, purposes, rules, uses, closed, moves)


def _opened(entry: Entry, salt: bytes, text: bytes) -> Mapping[str, object]:
    commitment = entry.fields.get("s")
    if not isinstance(commitment, str):
        raise BodyError("an excerpt is shown that no entry commits to")
    check_opening(from_b64url(commitment), salt, text)
    parsed = json.loads(text)
    return parsed if isinstance(parsed, dict) else {}


def known_policies(t: int, index: int, forces: tuple[Force, ...]) -> set[str | None]:
    """Digests that a decision at this place may name."""
    before = [force for force in forces if force.index < index]
    if not before:
        return {None}
    known: set[str | None] = {before[-1].policy}
    for newer, older in zip(reversed(before), list(reversed(before))[1:], strict=False):
        if t - newer.t > _SWITCH_MS:
            break
        known.add(older.policy)
    return known


def _in_period(t: int, report: Report) -> bool:
    question = report.question
    return (question.begin or 0) <= t and (question.end is None or t < question.end)


def _doubts(report: Report, trusted: Trusted, covered: int, counts: _Counts, policy: TrustPolicy) -> tuple[str, ...]:
    question, doubts = report.question, []
    if not trusted.quorum_met:
        doubts.append("too few of the witnesses that you trust confirmed this state of the log")
    if question.end is not None and question.end <= (question.begin or 0):
        doubts.append("the period asked for is empty")
    if (question.end or 0) > covered:
        doubts.append("the period asked for ends after the last entry that this answer covers; ask for a newer one")
    if policy.quorum != NONE and trusted.seen_at is not None and (question.end or 0) >= (trusted.seen_at + 1) * 1000:
        doubts.append("the witnesses confirmed this state before the period asked for was over")
    if counts.closed and not counts.by_sector[question.sector, "allow"]:
        doubts.append(
            f"{counts.closed} permissions or changes of accounts are shown without an excerpt: erased, or withheld"
        )
    return tuple(doubts)


def _stretches(
    report: Report, entries: Mapping[int, Entry], size: int, policy: TrustPolicy
) -> tuple[UncertainStretch, ...]:
    """Where the clock was wrong, as far as the head covers the log, and behind that as far as the range goes."""
    head, last = parse_head(decode(report.head.envelope)), report.first + len(report.range) - 1
    check_key(head, report.head.index, policy.vrf_keys)
    if head.name != ACCOUNT_MAP or head.size > report.head.index:
        raise MapError("the head shown is not one of the account map")
    if head.size < report.first or (head.size <= last < size - 1):
        raise MapError("the head shown covers less than the period")
    behind = (entries[index] for index in range(max(head.size, report.first), last + 1))
    return (*wrong_clock(report.clock, head), *(found for entry in behind if (found := stretch_of(entry)) is not None))


def _clock_doubts(
    report: Report, clocks: tuple[int | None, int | None], covered: int, stretches: tuple[UncertainStretch, ...]
) -> tuple[str, ...]:
    """What wrong clocks leave open: decisions may have been made in the period that are dated out of it."""
    (seen, now_ms), question, doubts = clocks, report.question, list[str]()
    edges = [edge for edge in (question.begin, question.end) if edge is not None]
    # Within a stretch nobody knows the order; one that lies inside of the period moves nothing out of it.
    if any(one.begin < edge <= one.end for one in stretches for edge in edges):
        doubts.append("the operator's clock was wrong at an edge of the period, as the log itself says")
    ahead = 0 if any(one.holds(covered) for one in stretches) else covered - SLACK_MS
    if seen is not None and ahead > (seen + 1) * 1000:
        doubts.append("the log's clock was ahead of the witnesses' clocks, so its times are not when things happened")
    if now_ms is not None and ahead > now_ms:
        doubts.append("the log's clock is ahead of yours, so its times are not when things happened")
    return tuple(doubts)


def _short_notices(
    report: Report, entries: Mapping[int, Entry], forces: tuple[Force, ...], stretches: tuple[UncertainStretch, ...]
) -> tuple[str, ...]:
    """Sets that took force in the period after less notice than was announced, by the time that the log was seen."""
    doubts = []
    for force in forces:
        waited = force.notice
        if waited is None or not _in_period(force.t, report) or force.index < report.first:
            continue
        if waited.index < report.first:
            doubts.append(f"the notice of the rules of entry {force.index} is not shown from its announcement on")
            continue
        between = [entries[index] for index in range(waited.index, force.index + 1)]
        running = {at for at, entry in enumerate(between) if entry.kind != "boot"}
        slack = SLACK_MS + 2 * LEAST_MS * (len(between) - len(running))
        ran = seen_ms([entry.t for entry in between], running, stretches)
        if ran + slack < waited.effective - waited.t:
            doubts.append(
                f"the rules of entry {force.index} took force after a notice of {ran / _DAY_MS:.1f} days by what the "
                f"log shows, instead of {(waited.effective - waited.t) / _DAY_MS:.1f}: the clock was set, or wrong"
            )
    return tuple(doubts)


def _findings(report: Report, trusted: Trusted, rules: Timeline, counts: _Counts) -> tuple[str, ...]:
    question = report.question
    sector, allowed = question.sector, counts.by_sector[question.sector, "allow"]
    begin = moment(question.begin) if question.begin else "the first entry"
    end = moment(question.end) if question.end is not None else "the last entry"
    found = [
        f"from {begin} to {end}, accounts of the sector {sector!r} were allowed {allowed} and refused "
        f"{counts.by_sector[sector, 'deny']} requests; {counts.uses} were used",
        f"meanwhile {_meanwhile(report, rules, counts)}",
        *(
            f"counted are: {', '.join(question.operations[at : at + 8])}"
            for at in range(0, len(question.operations), 8)
        ),
        f"all {len(report.range)} entries of the log in and around this period are in the file",
    ]
    found += [f"purpose {name!r}, {answer}: {count}" for (name, answer), count in sorted(counts.by_purpose.items())]
    found += [f"refusals by {rule}: {count}" for rule, count in sorted(counts.by_rule.items())]
    found += [
        f"other sectors: {other}, {answer}: {count}"
        for (other, answer), count in sorted(counts.by_sector.items())
        if other != sector
    ]
    sets = {set_digest(each): each for each in report.sets}
    found += [
        f"rules from entry {each.index} ({moment(each.t)}) on: {_has(question.rule, each.policy, sets)}; {each.notes}"
        for each in rules.forces
    ]
    found.append(
        f"who may change the rules at the end: {', '.join(rules.officers) or 'whoever changes the program'}; a "
        f"weakening acts {rules.notice_ms / _DAY_MS:g} days after its entry at the earliest"
    )
    if rules.waiting is not None:
        waits = rules.waiting
        what = f"{_has(question.rule, waits.policy, sets)}; {waits.notes}"
        found.append(f"a set that waits until {moment(waits.effective)}: {what}")
    found += [
        f"witness {name} confirmed on {moment(time * 1000)} that the log continues what it saw before"
        for name, time in sorted(trusted.times.items())
    ]
    return tuple(found)


def _weakenings(report: Report, rules: Timeline) -> list[Force]:
    """Sets that took force in the period and are not shown to be tighter than the one before."""
    return [force for force in rules.forces if force.weakens and _in_period(force.t, report)]


def _meanwhile(report: Report, rules: Timeline, counts: _Counts) -> str:
    """What changed in the period so that the counts alone would mislead."""
    left, joined = counts.moved(report.question.sector)
    weaker = ", ".join(f"entry {force.index}" for force in _weakenings(report, rules))
    return (
        f"{left} accounts left this sector and {joined} joined it, and the rules were "
        f"{f'WEAKENED ({weaker})' if weaker else 'not weakened'}"
    )


def _has(rule: str, policy: str, sets: Mapping[str, Mapping[str, object]]) -> str:
    """The digest of a set, and whether it has a rule."""
    found = sets.get(policy)
    if found is None:
        return f"{policy[:12]}, its text is not in the file"
    return f"{policy[:12]}, {'with' if has_rule(found, rule) else 'WITHOUT'} {rule}"


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
