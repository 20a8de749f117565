"""Commands of the operator that make reports for others: moratoria, regulators, time stamps, the invoices of a month.

In: commands. Out: the text of files that anybody can check offline. They read the ledger and the rules, and write
nothing but the head of a map that a report needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from custodes.ledger.tlog.trust import TrustError, TrustPolicy
from custodes.ledger.verifier.moratorium.report import MoratoriumQuestion
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMoratorium(AdminCommand):
    """The report on what a sector was allowed and refused; times in ms, ``rule`` is the id of one that is told of."""

    operation: ClassVar[str] = "statement moratorium"
    properties: ClassVar[Properties] = CHANGES
    sector: str
    rule: str
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StampStatement(AdminCommand):
    """The time stamps of outside authorities that bracket the period of a statement, whose text is given."""

    operation: ClassVar[str] = "statement stamps"
    properties: ClassVar[Properties] = READS
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOnAccount(AdminCommand):
    """The report for regulators on an account; ``declared`` goes along with it and proves nothing."""

    operation: ClassVar[str] = "report ai-act"
    properties: ClassVar[Properties] = CHANGES
    account: str
    declared: Mapping[str, object]
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeInvoices(AdminCommand):
    """All invoices of a month that was billed."""

    operation: ClassVar[str] = "billing invoices"
    properties: ClassVar[Properties] = READS
    month: str


@dataclass(frozen=True, slots=True)
class InvoicesMade:
    """Files by account."""

    files: Mapping[str, str]


class PolicyInForce(Protocol):
    """The provider's rules, as reports show them."""

    def face_comparisons(self) -> tuple[str, ...]:
        """Operations that a moratorium is about, by the rules in force."""
        ...

    def members(self, digest: str) -> Mapping[str, object] | None:
        """A set of rules by its digest; None where it is not at hand."""
        ...


def report_handlers(
    statements: Statements, duties: Housekeeping, rules: Callable[[], PolicyInForce], trust: Callable[[], TrustPolicy]
) -> AdminHandlers:
    """What carries these commands out. All raise CustodesError, whose message says why."""

    def moratorium(command: ReportMoratorium) -> StatementMade:
        known = rules()
        remark = remark_on_head(duties.close_heads)
        question = MoratoriumQuestion(
            command.sector, known.face_comparisons(), command.rule, command.from_ms, command.to_ms
        )
        return StatementMade(text_of(lambda: statements.moratorium(question, known.members)), remark)

    def on_account(command: ReportOnAccount) -> StatementMade:
        remark = remark_on_head(duties.close_heads)
        period = command.from_ms, command.to_ms

        def make() -> bytes:
            try:
                return statements.regulation(command.account, period, trust(), command.declared)
            except TrustError as error:
                raise ValueError(f"the trust policy in the data directory: {error}") from error

        return StatementMade(text_of(make), remark)

    def stamps(command: StampStatement) -> EvidenceFile:
        return EvidenceFile(text_of(lambda: statements.stamps(command.statement.encode())))

    def invoices(command: MakeInvoices) -> InvoicesMade:
        found = made(lambda: statements.invoices(month_of(command.month)))
        return InvoicesMade({account: content.decode() for account, content in found.items()})

    return {
        ReportMoratorium: moratorium,
        ReportOnAccount: on_account,
        StampStatement: stamps,
        MakeInvoices: invoices,
    }
