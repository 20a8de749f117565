"""Commands of the operator that make files for others: statements, invoices, certificates of erasure.

In: commands. Out: the text of a file that anybody can check offline. They read the ledger and write nothing but the
head of a map that a statement needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.verifier.maps.head import PARTY_MAP
from custodes.ledger.verifier.party import PartyQuestion
from custodes.ledger.verifier.statement import Question, map_of
from custodes.ledger.writer.published import RunningLog
from custodes.operations.record.evidence.evidence_files import (
    EvidenceFile,
    StatementMade,
    made,
    month_of,
    remark_on_head,
    text_of,
)
from custodes.operations.record.evidence.statements import Statements
from custodes.operations.record.housekeeping import Housekeeping
from custodes.operations.requests.admin import AdminCommand, AdminHandlers
from custodes.operations.requests.properties import CHANGES, READS, Properties

_NUMBER = re.compile(r"([a-z][a-z0-9-]*):(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStatement(AdminCommand):
    """The statement about an account, another identifier, or a party by its names and numbers; times in ms since the
    epoch. ``prices`` is the text of a price list that goes along with it.
    """

    operation: ClassVar[str] = "statement create"
    properties: ClassVar[Properties] = CHANGES
    account: str | None = None
    identifier: str | None = None
    party: tuple[str, ...] = ()
    prices: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewBills(AdminCommand):
    """What each account owes for a month so far, by the text of a price list or the default; nothing is written."""

    operation: ClassVar[str] = "billing preview"
    properties: ClassVar[Properties] = READS
    month: str
    prices: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeInvoice(AdminCommand):
    """The invoice of an account for a month that was billed."""

    operation: ClassVar[str] = "billing invoice"
    properties: ClassVar[Properties] = READS
    month: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifyErasure(AdminCommand):
    """The certificate of an erased face."""

    operation: ClassVar[str] = "erasure certificate"
    properties: ClassVar[Properties] = READS
    face: str


@dataclass(frozen=True, slots=True)
class BillsPreviewed:
    """What each account owes for a month, in units of ``currency`` as text, and whether the month was billed."""

    month: str
    currency: str
    billed: bool
    bills: Mapping[str, object]


def evidence_handlers(statements: Statements, duties: Housekeeping, log: RunningLog) -> AdminHandlers:
    """What carries these commands out. All raise CustodesError, whose message says why."""

    def statement(command: CreateStatement) -> StatementMade:
        name = _subject(command)
        of_parties = name is None or made(lambda: map_of(name)) == PARTY_MAP
        remark = remark_on_head(lambda: statements.close_party_head(log) if of_parties else duties.cover())
        if name is None:
            asked = _party(command.party)
            return StatementMade(
                text_of(lambda: statements.create_party(asked, command.from_ms, command.to_ms)), remark
            )
        listed = None if command.prices is None else made(lambda: json.loads(command.prices or ""))
        question = Question(name, command.from_ms, command.to_ms)
        return StatementMade(text_of(lambda: statements.create(question, listed)), remark)

    def preview(command: PreviewBills) -> BillsPreviewed:
        given = command.prices
        listed = made(lambda: load_prices(default_prices() if given is None else given.encode()))
        run = made(lambda: statements.preview_bills(month_of(command.month), listed))
        billed = statements.bills.has(month_of(command.month))
        return BillsPreviewed(command.month, listed.currency, billed, run.bills)

    def invoice(command: MakeInvoice) -> EvidenceFile:
        found = made(lambda: statements.invoices(month_of(command.month), command.account))
        if command.account not in found:
            raise NotFoundError(f"{command.account} has no invoice for {command.month}")
        return EvidenceFile(found[command.account].decode())

    def certificate(command: CertifyErasure) -> EvidenceFile:
        made(log.flush)
        return EvidenceFile(text_of(lambda: statements.erasure_certificate(command.face)))

    return {
        CreateStatement: statement,
        PreviewBills: preview,
        MakeInvoice: invoice,
        CertifyErasure: certificate,
    }


def _subject(command: CreateStatement) -> str | None:
    """The identifier that a statement is about; None for a party."""
    if sum(one is not None for one in (command.account, command.identifier, command.party or None)) != 1:
        raise InvalidParameterError("a statement is about an account, an identifier or a party")
    return None if command.party else command.identifier or f"acct:{command.account}"


def _party(texts: tuple[str, ...]) -> PartyQuestion:
    """Numbers are written with a register in front, as in ``lei:...``; everything else is a name."""
    numbers = tuple((found[1], found[2]) for text in texts if (found := _NUMBER.fullmatch(text)))
    return PartyQuestion(tuple(text for text in texts if not _NUMBER.fullmatch(text)), numbers)
