"""Commands of the operator that make files for others: statements, invoices, certificates of erasure.

In: commands. Out: the text of a file that anybody can check offline. They read the ledger and write nothing but the
head of a map that a statement needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from custodes.core.errors import CustodesError, InvalidParameterError, NotFoundError, UnavailableError
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.tiles import LedgerCorruptError, LedgerUnavailableError
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.party import PartyQuestion
from custodes.ledger.verifier.statement import Question
from custodes.ledger.writer.log import LedgerLog
from custodes.operations.record.evidence.statements import Statements
from custodes.operations.record.housekeeping import Housekeeping
from custodes.operations.requests.admin import AdminAnswer, AdminCommand, AdminHandlers
from custodes.operations.requests.properties import CHANGES, READS, Properties

_BROKEN = (MapError, BodyError, NoteError, ProofError, LedgerCorruptError, LedgerUnavailableError, OSError)
_NUMBER = re.compile(r"([a-z][a-z0-9-]*):(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStatement(AdminCommand):
    """The statement about an account, or about a party by its names and numbers; times in ms since the epoch."""

    operation: ClassVar[str] = "statement create"
    properties: ClassVar[Properties] = CHANGES
    account: str | None = None
    party: tuple[str, ...] = ()
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


def evidence_handlers(statements: Statements, duties: Housekeeping, log: LedgerLog) -> AdminHandlers:
    """What carries these commands out. All raise CustodesError, whose message says why."""

    def statement(command: CreateStatement) -> AdminAnswer:
        if (command.account is None) == (not command.party):
            raise InvalidParameterError("a statement is about an account or about a party")
        if command.account is not None:
            question = Question(f"acct:{command.account}", command.from_ms, command.to_ms)
            _made(duties.close_heads)
            return _file(lambda: statements.create(question))
        asked = _party(command.party)
        _made(lambda: statements.close_party_head(log))
        return _file(lambda: statements.create_party(asked, command.from_ms, command.to_ms))

    def preview(command: PreviewBills) -> AdminAnswer:
        listed = load_prices(default_prices())
        run = _made(lambda: statements.bill(_month(command.month), listed))
        billed = statements.bills.has(_month(command.month))
        return {"month": command.month, "currency": listed.currency, "billed": billed, "bills": dict(run.bills)}

    def invoice(command: MakeInvoice) -> AdminAnswer:
        found = _made(lambda: statements.invoices(_month(command.month)))
        if command.account not in found:
            raise NotFoundError(f"{command.account} has no invoice for {command.month}")
        return {"file": found[command.account].decode()}

    return {
        CreateStatement: statement,
        PreviewBills: preview,
        MakeInvoice: invoice,
        CertifyErasure: lambda command: _file(lambda: statements.erasure_certificate(command.face)),
    }


def _file(make: Callable[[], bytes]) -> AdminAnswer:
    return {"file": _made(make).decode()}


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
