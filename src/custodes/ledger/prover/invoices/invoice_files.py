"""Bills of past months in a folder.

In: an invoice run and the index of its entry. Out: invoices with proofs at any later time. The nonces in
the bills are random, so a bill cannot be made again: these files are the originals.
"""

from __future__ import annotations

import json
from pathlib import Path

from custodes.durable import write_durably
from custodes.ledger.prover.files import encode_file
from custodes.ledger.prover.invoices.invoice_run import BillingRun, invoice
from custodes.ledger.prover.maps.tree import SumTree
from custodes.ledger.prover.ports import LogReader
from custodes.ledger.verifier.canonical_json import canonical
from custodes.ledger.verifier.invoices.invoice import bill_key
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.maps.proof import Value


class BillingStore:
    """Bills of months that are in the log."""

    def __init__(self, folder: Path) -> None:
        """Keep files in ``folder``, which must exist."""
        self._folder = folder

    def save(self, run: BillingRun, entry: int) -> None:
        """Keep the bills of a run that is entry ``entry``.

        Raises:
            OSError: it could not be written.
        """
        self._write(self._path(run.month), run, entry)
        self._draft_path(run.month).unlink(missing_ok=True)

    def draft(self, run: BillingRun) -> None:
        """Keep the bills of a run that is about to be put into the log, so that they outlive whatever comes between.

        Raises:
            OSError: it could not be written.
        """
        self._write(self._draft_path(run.month), run, None)

    def drafted(self, month: Month) -> BillingRun | None:
        """The run of ``draft`` that was not saved since."""
        path = self._draft_path(month)
        return self._read(path, month)[0] if path.exists() else None

    def has(self, month: Month) -> bool:
        """Whether a run of a month was saved."""
        return self._path(month).exists()

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
        return [Month.parse(path.stem) for path in sorted(self._folder.glob("*.json"), reverse=True)]

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
        try:
            run, entry = self._read(self._path(month), month)
        except FileNotFoundError:
            raise LookupError(f"{month} was not billed yet") from None
        assert entry is not None  # only drafts have none
        return run, entry

    def _read(self, path: Path, month: Month) -> tuple[BillingRun, int | None]:
        value = json.loads(path.read_bytes())
        tree = SumTree()
        for bill in value["bills"].values():
            tree.put(bill_key(bill), Value(bill["uses"], bill["total"], bill_key(bill)))
        return BillingRun(month, value["bills"], tree, value["fields"]), value["entry"]

    def _write(self, path: Path, run: BillingRun, entry: int | None) -> None:
        write_durably(path, canonical({"bills": dict(run.bills), "entry": entry, "fields": dict(run.fields)}))

    def _draft_path(self, month: Month) -> Path:
        return self._folder / f"{month}.draft"

    def _path(self, month: Month) -> Path:
        return self._folder / f"{month}.json"
