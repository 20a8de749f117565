"""What an account may have of the record about itself: statements, invoices, certificates of its erased faces.

In: commands of whoever acts for an account. Out: texts of files that anybody can check offline, the same that the
operator makes. The account is always the caller's own: what is another's is not there. Operations of our own: the API
has none for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.errors import NotFoundError, NotSupportedError
from custodes.ledger.verifier.maps.head import account_name
from custodes.ledger.verifier.statement import Question
from custodes.operations.record.evidence.evidence_files import (
    EvidenceFile,
    StatementMade,
    made,
    month_of,
    remark_on_head,
    text_of,
)
from custodes.operations.record.evidence.statements import Statements
from custodes.operations.requests.command import Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import CHANGES, READS, Properties, Reveals

MAX_MONTHS = 36
"""The newest months that are listed; an older invoice is got by its month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAccountStatement(Command):
    """The statement about the caller's account, over all time or a period in ms since the epoch.

    It leaves a new head of the account map in the ledger, so that it covers what was a second ago.
    """

    operation: ClassVar[str] = "CreateAccountStatement"
    properties: ClassVar[Properties] = CHANGES
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInvoices(Command):
    """Which months were billed to the account."""

    operation: ClassVar[str] = "ListInvoices"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class GetInvoice(Command):
    """The account's invoice for a month like ``2026-03``."""

    operation: ClassVar[str] = "GetInvoice"
    properties: ClassVar[Properties] = READS
    month: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetErasureCertificate(Command):
    """The certificate that a face of the account was erased."""

    operation: ClassVar[str] = "GetErasureCertificate"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=False)
    face_id: str


@dataclass(frozen=True, slots=True)
class BilledMonth:
    """One invoice: its month, how many uses, and the sum, exact, in units of ``currency``."""

    month: str
    uses: int
    sum: str
    currency: str


class OwnEvidence:
    """Handles these operations."""

    def __init__(
        self,
        statements: Statements | None = None,
        close_heads: Callable[[], object] = lambda: None,
        publish: Callable[[], object] = lambda: None,
    ) -> None:
        """Read ``statements``; make new heads by ``close_heads``, have all entries so far published by ``publish``.

        Without statements every request is refused.
        """
        self._read = statements
        self._close_heads = close_heads
        self._publish = publish

    @property
    def _statements(self) -> Statements:
        if self._read is None:
            raise NotSupportedError("This server was put together without a ledger.")
        return self._read

    def statement(self, permit: Permit, command: CreateAccountStatement) -> StatementMade:
        """The statement about the caller's account."""
        statements = self._statements
        question = Question(account_name(permit.context.caller.account_id), command.from_ms, command.to_ms)
        remark = remark_on_head(self._close_heads)
        return StatementMade(text_of(lambda: statements.create(question)), remark)

    def invoices(self, permit: Permit, _: ListInvoices) -> Sequence[BilledMonth]:
        """The account's, newest first."""
        account, bills = permit.context.caller.account_id, self._statements.bills
        runs = made(lambda: [bills.run(month)[0] for month in bills.months()[:MAX_MONTHS]])
        return [_billed(run.bills[account]) for run in runs if account in run.bills]

    def invoice(self, permit: Permit, command: GetInvoice) -> EvidenceFile:
        """The account's invoice. Raises NotFoundError."""
        month, account = month_of(command.month), permit.context.caller.account_id
        found = made(lambda: self._statements.invoices(month, account))
        if account not in found:
            raise NotFoundError(f"there is no invoice for {month}")
        return EvidenceFile(found[account].decode())

    def certificate(self, permit: Permit, command: GetErasureCertificate) -> EvidenceFile:
        """The certificate of a face of the account. Raises NotFoundError, the same for a face of another account."""
        statements, face = self._statements, command.face_id
        if made(lambda: statements.erasures.get(face)).account != permit.context.caller.account_id:
            raise NotFoundError(f"there is no record that face {face} was erased")
        made(self._publish)
        return EvidenceFile(text_of(lambda: statements.erasure_certificate(face)))


def _billed(bill: Mapping[str, object]) -> BilledMonth:
    return BilledMonth(str(bill["month"]), int(str(bill["uses"])), str(bill["sum"]), str(bill["currency"]))
