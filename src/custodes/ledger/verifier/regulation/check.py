"""A report on one account for regulators, checked: every number on it is counted again.

In: the bytes of a report and a trust policy; if at hand, all public entries of the log. Out: PRESENT or ABSENT (the
account used the service in the period, or not), UNDETERMINED or INVALID. Its uses are those of a statement, which is
part of the file and complete; decisions, reviews and changes of the account stand beside it, each opened and in the
same state of the log. What the operator declares (organisation, references, retention) is told as declared.

Shape: ``{"digest": .., "regulation": {"account", "declared", "figures": {name: count}, "proof", "records": [opened
entries with "e"], "statement": a statement file, "v": 1}}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from custodes.ledger.tlog.commitment import BodyError, check_opening
from custodes.ledger.tlog.entry import EntryError, decode
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.trust import TrustError, TrustPolicy, open_trusted
from custodes.ledger.verifier.canonical_json import Members, StatementError, canonical, unwrap
from custodes.ledger.verifier.maps.head import account_name
from custodes.ledger.verifier.multiproof import check_in_log
from custodes.ledger.verifier.public_log import Entries, log_check
from custodes.ledger.verifier.regulation.figures import Counted, CountedRecord, CountedUse, figures
from custodes.ledger.verifier.report import limits, period, standing
from custodes.ledger.verifier.statement import StatementFile
from custodes.ledger.verifier.statement import parse as parse_statement
from custodes.ledger.verifier.texts import moment
from custodes.ledger.verifier.verdict import Evidence, Word, verify

KINDS = frozenset({"acc", "auth", "rev"})
"""What may stand beside the uses."""

LIMITS = (
    "That all decisions, reviews and changes of the account are shown. The uses are complete, with the permission of "
    "each; a refusal, a review or a change could be left out. With the log's public entries at hand, the verifier says "
    "how many refusals there are of all accounts together, which is the most that could be.",
    "That what the operator declared about the organisation is true. It is marked as declared.",
    "That the law was kept. The numbers are what the law asks records of; what follows from them people decide.",
)


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """An entry about the account with its private body."""

    index: int
    envelope: bytes
    salt: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class RegulationReport:
    """What a report holds.

    Attributes:
        account: twelve digits.
        declared: what the operator says of organisation, references, retention; proves nothing.
        figures: numbers by article and name.
        records: decisions, reviews and changes of the account, in order.
        proof: hashes that put the records into the log.
        statement: the file of the account's statement, whose period is the report's.
    """

    account: str
    declared: Mapping[str, object]
    figures: Mapping[str, int]
    records: tuple[ShownRecord, ...]
    proof: tuple[bytes, ...]
    statement: bytes


@dataclass(frozen=True, slots=True)
class RegulationVerdict:
    """``word`` is the statement's; ``reasons`` say why, or what was established; ``figures`` are checked ones."""

    word: str
    reasons: tuple[str, ...]
    figures: Mapping[str, int] = field(default_factory=dict)
    limits: tuple[str, ...] = ()


def parse(data: bytes) -> RegulationReport:
    """Read a report.

    Raises:
        StatementError: the bytes are not exactly those of a report.
    """
    inner = Members(unwrap("regulation", data))
    if inner.index("v") != 1:
        raise StatementError("this report is of another version")
    declared, counted = inner.take("declared"), inner.take("figures")
    if not isinstance(declared, dict) or not isinstance(counted, dict):
        raise StatementError("an object is missing")
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in counted.values()):
        raise StatementError("a figure is no number")
    report = RegulationReport(
        inner.text("account"),
        declared,
        counted,
        tuple(_record(each) for each in inner.items("records")),
        inner.hashes("proof"),
        canonical(inner.take("statement")),
    )
    inner.end()
    return report


def _record(value: object) -> ShownRecord:
    members = Members(value)
    body = members.take("b")
    if not isinstance(body, dict):
        raise StatementError("a body is no object")
    made = ShownRecord(members.index("i"), canonical(members.take("e")), members.binary("s"), canonical(body))
    members.end()
    return made


def verify_regulation(
    data: bytes, policy: TrustPolicy, entries: Entries | None = None, now_ms: int | None = None
) -> RegulationVerdict:
    """Check a report; the arguments are those of ``verify``."""
    try:
        # 1. The file has the one form that a report can have.
        report = parse(data)
        statement = parse_statement(report.statement)
        if statement.question.identifier != account_name(report.account):
            raise StatementError("the statement in the report is about somebody else")
        # 2. The uses are all of the account's, as for any statement.
        verdict = verify(report.statement, policy, None if entries is None else log_check(entries), now_ms)
        if verdict.word in (Word.INVALID, Word.UNDETERMINED) or verdict.evidence is None:
            return RegulationVerdict(verdict.word.value, verdict.reasons)
        # 3. Every other entry stands in the same state of the log, opens, and is about the account.
        records = _records(report, statement, policy)
        # 4. Every number is the count of what is shown.
        shown = counted(statement, verdict.evidence, records)
        found = figures(shown)
        _compare(report.figures, found)
        size = verdict.evidence.trusted.checkpoint.size
        refusals = [] if entries is None else [_refusals(shown, entries(size))]
    except (StatementError, TrustError, ProofError, EntryError, BodyError) as error:
        return RegulationVerdict(Word.INVALID.value, (str(error),))
    reasons = [
        f"account {report.account}, {period(verdict.evidence)}",
        *(f"{name}: {number}" for name, number in found.items()),
        f"all {len(verdict.evidence.uses)} uses are in the file, and {len(records)} other entries about the account",
        *refusals,
        *standing(verdict.evidence.trusted),
    ]
    return RegulationVerdict(verdict.word.value, tuple(reasons), found, (*LIMITS, *limits(verdict.evidence)))


def _records(report: RegulationReport, statement: StatementFile, policy: TrustPolicy) -> list[CountedRecord]:
    if any(a.index >= b.index for a, b in pairwise(report.records)):
        raise StatementError("the entries beside the uses are out of order")
    if report.records:
        shown = [(each.index, each.envelope) for each in report.records]
        check_in_log(shown, open_trusted(statement.checkpoint, policy).checkpoint, report.proof)
    elif report.proof:
        raise ProofError("the report proves entries that it does not show")
    return [opened(each, report.account) for each in report.records]


def opened(shown: ShownRecord, account: str) -> CountedRecord:
    """The entry as it is counted. Raises EntryError or BodyError when it is not one about the account."""
    entry = decode(shown.envelope)
    if entry.kind not in KINDS or entry.commitment is None:
        raise EntryError("an entry beside the uses is of another kind")
    check_opening(entry.commitment, shown.salt, shown.body)
    facts = json.loads(shown.body)
    # Attack: somebody else's reviews or authorisations shown as this account's.
    if facts.get("acct") != account:
        raise BodyError("an entry that is shown here is about another account")
    word = entry.fields.get("d", entry.fields.get("x", ""))
    return CountedRecord(shown.index, entry.kind, entry.t, str(word), facts)


def counted(statement: StatementFile, evidence: Evidence, records: list[CountedRecord]) -> Counted:
    """What a report counts.

    Raises:
        StatementError: a use is shown without the permission that it settles.
    """
    permissions = {use.index: decode(use.envelope).settles for use in statement.uses}
    uses = [CountedUse(use.t, use.units, permissions[use.index], use.facts) for use in evidence.uses]
    known = {record.index for record in records if record.kind == "auth"}
    if any(use.facts is not None and use.permission not in known for use in uses):
        raise StatementError("a use is shown without the decision that permitted it")
    question = statement.question
    end = evidence.covered_until if question.end is None else question.end
    return Counted(uses, records, question.begin or 0, end, evidence.destroyed)


def _refusals(shown: Counted, entries: Iterable[tuple[int, bytes]]) -> str:
    """How many refusals could have been left out: whose one is, its public part does not say."""
    own = {record.index for record in shown.records if record.kind == "auth" and record.word == "deny"}
    every = set()
    for index, envelope in entries:
        if b'"d":"deny"' in envelope:
            entry = decode(envelope)
            if entry.kind == "auth" and shown.begin <= entry.t < shown.end:
                every.add(index)
    left = len(every - own)
    told = f"the log has {len(every)} refusals of all accounts in the period, {len(every & own)} of them are shown here"
    return f"{told}: none was left out" if left == 0 else f"{told}: at most {left} could have been left out"


def _compare(said: Mapping[str, int], found: Mapping[str, int]) -> None:
    for name in sorted(said.keys() | found.keys()):
        if said.get(name) != found.get(name):
            counts = f"{said.get(name, 'nothing')} for {name}; the entries give {found.get(name, 0)}"
            raise StatementError(f"the report says {counts}")


def moments(report: RegulationReport) -> tuple[str, str]:
    """Begin and end of a report's period in words."""
    question = parse_statement(report.statement).question
    begin = "the start of the log" if question.begin is None else moment(question.begin)
    return begin, "the newest entry" if question.end is None else moment(question.end)
