"""Commands of the operator that make files for others: statements, invoices, certificates of erasure.

In: commands. Out: the text of a file that anybody can check offline. They read the ledger and write nothing but the
head of a map that a statement needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from custodes.core.errors import CustodesError, InvalidParameterError, NotFoundError, UnavailableError
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.tiles import LedgerCorruptError, LedgerUnavailableError
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.maps.head import PARTY_MAP
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.party import PartyQuestion
from custodes.ledger.verifier.statement import Question, map_of
from custodes.ledger.writer.published import RunningLog
from custodes.operations.record.evidence.statements import Statements
from custodes.operations.record.housekeeping import Housekeeping
from custodes.operations.requests.admin import AdminCommand, AdminHandlers
from custodes.operations.requests.properties import CHANGES, READS, Properties

_BROKEN = (MapError, BodyError, NoteError, ProofError, LedgerCorruptError, LedgerUnavailableError, OSError)
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
    """What each account owes for a month so far, by the default price list; nothing is written."""

    operation: ClassVar[str] = "billing preview"
    properties: ClassVar[Properties] = READS
    month: str


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
class EvidenceFile:
    """The text of a file that anybody can check offline."""

    file: str


@dataclass(frozen=True, slots=True)
class StatementMade(EvidenceFile):
    """A statement, and what its reader should know about its end; None for nothing."""

    remark: str | None


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
        of_parties = name is None or _made(lambda: map_of(name)) == PARTY_MAP
        remark = _head(lambda: statements.close_party_head(log) if of_parties else duties.close_heads())
        if name is None:
            asked = _party(command.party)
            return StatementMade(_text(lambda: statements.create_party(asked, command.from_ms, command.to_ms)), remark)
        listed = None if command.prices is None else _made(lambda: json.loads(command.prices or ""))
        question = Question(name, command.from_ms, command.to_ms)
        return StatementMade(_text(lambda: statements.create(question, listed)), remark)

    def preview(command: PreviewBills) -> BillsPreviewed:
        listed = load_prices(default_prices())
        run = _made(lambda: statements.bill(_month(command.month), listed))
        billed = statements.bills.has(_month(command.month))
        return BillsPreviewed(command.month, listed.currency, billed, run.bills)

    def invoice(command: MakeInvoice) -> EvidenceFile:
        found = _made(lambda: statements.invoices(_month(command.month)))
        if command.account not in found:
            raise NotFoundError(f"{command.account} has no invoice for {command.month}")
        return EvidenceFile(found[command.account].decode())

    return {
        CreateStatement: statement,
        PreviewBills: preview,
        MakeInvoice: invoice,
        CertifyErasure: lambda command: EvidenceFile(_text(lambda: statements.erasure_certificate(command.face))),
    }


def _subject(command: CreateStatement) -> str | None:
    """The identifier that a statement is about; None for a party."""
    if sum(one is not None for one in (command.account, command.identifier, command.party or None)) != 1:
        raise InvalidParameterError("a statement is about an account, an identifier or a party")
    return None if command.party else command.identifier or f"acct:{command.account}"


def _head(close: Callable[[], object]) -> str | None:
    """Make a new head; why there is none, where it cannot be made: then the last one has to do."""
    try:
        _made(close)
    except UnavailableError as error:
        return f"no new head of the map: {error.message}; the statement ends at the last one"
    return None


def _text(make: Callable[[], bytes]) -> str:
    return cast("bytes", _made(make)).decode()


def _made(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except CustodesError:
        raise
    except _BROKEN as error:
        raise UnavailableError(f"the ledger's files do not fit together: {error}") from error
    except LookupError as error:
        raise NotFoundError(str(error)) from error
    except ValueError as error:  # a StatementError is one
        raise InvalidParameterError(str(error)) from error


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError:
        raise InvalidParameterError(f"not a month: {text}") from None


def _party(texts: tuple[str, ...]) -> PartyQuestion:
    """Numbers are written with a register in front, as in ``lei:...``; everything else is a name."""
    numbers = tuple((found[1], found[2]) for text in texts if (found := _NUMBER.fullmatch(text)))
    return PartyQuestion(tuple(text for text in texts if not _NUMBER.fullmatch(text)), numbers)
