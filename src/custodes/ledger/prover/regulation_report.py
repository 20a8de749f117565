"""The operator's side of a report for regulators: collect what a verifier will count.

In: a statement about an account, and the files of the log in the state that it was made from. Out: a
``RegulationReport``. Nothing in this module needs to be trusted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from custodes.ledger.prover.sources import LogFiles
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.trust import TrustPolicy
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.canonical_json import StatementError
from custodes.ledger.verifier.maps.head import account_name
from custodes.ledger.verifier.regulation.check import KINDS, RegulationReport, ShownRecord, counted, opened
from custodes.ledger.verifier.regulation.figures import figures
from custodes.ledger.verifier.statement import parse
from custodes.ledger.verifier.verdict import verify
from custodes.ledger.writer.body import unseal

MAX_RECORDS = 200_000
_CHANGES = frozenset({"authorised", "case", "refused", "suspend"})
"""Changes of an account that are counted; who acts for it is not a regulator's concern."""
_MARKS = tuple(b'"k":"%b"' % kind.encode() for kind in sorted(KINDS))


def build_regulation(
    account: str, statement: bytes, log: LogFiles, trust: TrustPolicy, declared: Mapping[str, object]
) -> RegulationReport:
    """The report on ``account`` for the period of ``statement``, which ``log`` was the state of.

    Raises:
        StatementError: the statement does not hold, or the period has more entries than one file can show.
        BodyError: what is stored is not what was committed.
    """
    parsed = parse(statement)
    verdict = verify(statement, trust)
    if verdict.evidence is None or parsed.question.identifier != account_name(account):
        raise StatementError(f"the statement does not hold: {'; '.join(verdict.reasons)}")
    permissions = {decode(use.envelope).settles for use in parsed.uses}
    begin, end = parsed.question.begin or 0, parsed.question.end
    shown: list[ShownRecord] = []
    for index, envelope in log.tree.entries(0, log.tree.size):
        entry = decode(envelope) if any(mark in envelope for mark in _MARKS) else None
        if entry is None or (end is not None and entry.t >= end and index not in permissions):
            continue
        if entry.t < begin and entry.kind != "acc" and index not in permissions:
            continue
        if entry.kind == "acc" and entry.fields.get("x") not in _CHANGES:
            continue
        shown += _records(account, index, envelope, log)
        if len(shown) > MAX_RECORDS:
            raise StatementError(f"the period holds more than {MAX_RECORDS} entries; ask for a shorter one")
    records = [opened(each, account) for each in shown]
    numbers = figures(counted(parsed, verdict.evidence, records))
    proof = multiproof.make([each.index for each in shown], log.tree.size, log.node) if shown else []
    return RegulationReport(account, declared, numbers, tuple(shown), tuple(proof), statement)


def _records(account: str, index: int, envelope: bytes, log: LogFiles) -> Iterator[ShownRecord]:
    sealed, commitment = log.bodies.get(index), decode(envelope).commitment
    if sealed is None or commitment is None:
        return
    body = unseal(sealed, commitment, log.body_key)
    if json.loads(body).get("acct") == account:
        yield ShownRecord(index, envelope, sealed.salt, body)
