"""Bills of past months, as they are kept.

In: an invoice run and the index of its entry. Out: invoices with proofs at any later time. The nonces in
the bills are random, so a bill cannot be made again: what is kept are the originals.
"""

from __future__ import annotations

import json

from custodes.ledger.prover.files import encode_file
from custodes.ledger.prover.invoices.invoice_run import BillingRun, invoice
from custodes.ledger.prover.maps.tree import SumTree
from custodes.ledger.prover.ports import Documents, LogReader
from custodes.ledger.verifier.canonical_json import canonical
from custodes.ledger.verifier.invoices.invoice import bill_key
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.maps.proof import Value

_BILLED = ".json"


class BillingStore:
    """Bills of months that are in the log."""

    def __init__(self, documents: Documents) -> None:
        """Keep them in ``documents``, which have nothing else."""
        self._documents = documents

    def save(self, run: BillingRun, entry: int) -> None:
        """Keep the bills of a run that is entry ``entry``.

        Raises:
            OSError: it could not be written.
        """
        self._write(_name(run.month), run, entry)
        self._documents.remove(_draft_name(run.month))

    def draft(self, run: BillingRun) -> None:
        """Keep the bills of a run that is about to be put into the log, so that they outlive whatever comes between.

        Raises:
            OSError: it could not be written.
        """
        self._write(_draft_name(run.month), run, None)

    def drafted(self, month: Month) -> BillingRun | None:
        """The run of ``draft`` that was not saved since."""
        found = self._read(_draft_name(month), month)
        return None if found is None else found[0]

    def has(self, month: Month) -> bool:
        """Whether a run of a month was saved."""
        return self._documents.size(_name(month)) > 0

    def entry(self, month: Month) -> int:
        """Index of the ``bil`` entry of a month.

        Raises:
            LookupError: the month was not billed.
        """
        return self._load(month)[1]

    def run(self, month: Month) -> tuple[BillingRun, int]:
        """The bills of a month with the index of their entry.

        Raises:
            LookupError: the month was not billed.
        """
        return self._load(month)

    def months(self) -> list[Month]:
        """The months of which a run was saved, newest first."""
        names = sorted(self._documents.names(""), reverse=True)
        return [Month.parse(name.removesuffix(_BILLED)) for name in names if name.endswith(_BILLED)]

    def invoices(self, month: Month, log: LogReader, head: int, account: str | None = None) -> dict[str, bytes]:
        """The invoice files of a month, by account; ``head`` is one of the account map behind its entry.

        With ``account`` only that one's, if it has one.

        Raises:
            LookupError: the month was not billed.
            ProofError: its entry is not in the log's checkpoint.
        """
        run, entry = self._load(month)
        billed = [one for one in run.bills if account in (None, one)]
        return {one: encode_file(invoice(one, run, (entry, head), log)) for one in billed}

    def _load(self, month: Month) -> tuple[BillingRun, int]:
        found = self._read(_name(month), month)
        if found is None:
            raise LookupError(f"{month} was not billed yet")
        run, entry = found
        assert entry is not None  # only drafts have none
        return run, entry

    def _read(self, name: str, month: Month) -> tuple[BillingRun, int | None] | None:
        kept = self._documents.get(name)
        if kept is None:
            return None
        value = json.loads(kept)
        tree = SumTree()
        for bill in value["bills"].values():
            tree.put(bill_key(bill), Value(bill["uses"], bill["total"], bill_key(bill)))
        return BillingRun(month, value["bills"], tree, value["fields"]), value["entry"]

    def _write(self, name: str, run: BillingRun, entry: int | None) -> None:
        said = canonical({"bills": dict(run.bills), "entry": entry, "fields": dict(run.fields)})
        self._documents.put(name, said)


def _draft_name(month: Month) -> str:
    return f"{month}.draft"


def _name(month: Month) -> str:
    return f"{month}{_BILLED}"
