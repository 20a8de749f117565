"""Statements, invoices and certificates about the caller's account, between members of our own model and commands."""

from __future__ import annotations

from collections.abc import Sequence

from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.operations.record.evidence.evidence_files import EvidenceFile, StatementMade
from custodes.operations.record.evidence.own_evidence import (
    BilledMonth,
    CreateAccountStatement,
    GetErasureCertificate,
    GetInvoice,
    ListInvoices,
    OwnEvidence,
)
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, evidence: OwnEvidence) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {
        "CreateAccountStatement": gated(gate, statement_command, evidence.statement, statement_output),
        "GetErasureCertificate": gated(gate, certificate_command, evidence.certificate, file_output),
        "GetInvoice": gated(gate, invoice_command, evidence.invoice, file_output),
        "ListInvoices": gated(gate, invoices_command, evidence.invoices, invoices_output),
    }


def statement_command(params: Params) -> CreateAccountStatement:
    """Parameters of CreateAccountStatement."""
    return CreateAccountStatement(from_ms=params.get("FromMillis"), to_ms=params.get("ToMillis"))


def certificate_command(params: Params) -> GetErasureCertificate:
    """Parameters of GetErasureCertificate."""
    return GetErasureCertificate(face_id=params["FaceId"])


def invoice_command(params: Params) -> GetInvoice:
    """Parameters of GetInvoice."""
    return GetInvoice(month=params["Month"])


def invoices_command(_: Params) -> ListInvoices:
    """Parameters of ListInvoices: none."""
    return ListInvoices()


def file_output(found: EvidenceFile) -> Output:
    """A file of evidence as an output."""
    return {"File": found.file}


def statement_output(found: StatementMade) -> Output:
    """Output of CreateAccountStatement."""
    return {"File": found.file} | ({} if found.remark is None else {"Remark": found.remark})


def invoices_output(found: Sequence[BilledMonth]) -> Output:
    """Output of ListInvoices."""
    return {
        "Invoices": [{"Month": one.month, "Uses": one.uses, "Sum": one.sum, "Currency": one.currency} for one in found]
    }
