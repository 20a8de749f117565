"""``python -m custodes.ledger verify FILE --trust trust.policy``: check a statement or certificate offline.

In: paths. Out: the verdict in words on standard output, and an exit status: 0 for PRESENT and ABSENT, 2 for
UNDETERMINED, 1 for INVALID. It opens the files named and nothing else; it has no network.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from custodes.ledger.tlog.tiles import LedgerCorruptError, read_entries
from custodes.ledger.tlog.trust import TrustError, TrustPolicy, parse_policy
from custodes.ledger.verifier.canonical_json import MAX_BYTES
from custodes.ledger.verifier.erasure import LIMITS, verify_certificate
from custodes.ledger.verifier.invoices.invoice import verify_invoice
from custodes.ledger.verifier.moratorium.check import LIMITS as MORATORIUM_LIMITS
from custodes.ledger.verifier.moratorium.check import verify_moratorium
from custodes.ledger.verifier.party import party_json, render_party, verify_party
from custodes.ledger.verifier.report import as_json, clean, render
from custodes.ledger.verifier.verdict import verify

STATUS = {"PRESENT": 0, "ABSENT": 0, "UNDETERMINED": 2, "INVALID": 1}


class _Folder:
    """Public files of a log in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, path: str) -> bytes | None:
        file = self._root / path
        return file.read_bytes() if file.is_file() else None

    def entries(self, size: int) -> Iterator[tuple[int, bytes]]:
        return read_entries(self, size)


def check(path: Path, trust: Path, ledger: Path | None = None) -> tuple[str, str, dict[str, object]]:
    """Word, text and JSON of the verdict on the file at ``path``.

    Args:
        path: a statement, a certificate of erasure, or an invoice.
        trust: the trust policy.
        ledger: folder with the public files of the log, if at hand; the totals are checked as well then.
    """
    try:
        policy = parse_policy(trust.read_bytes())
    except (OSError, TrustError) as error:
        return _plain("UNDETERMINED", [f"your trust policy cannot be used: {error}"])
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return _plain("UNDETERMINED", [f"the file cannot be read: {error.strerror}"])
    try:
        return _judge(data, policy, ledger)
    except (OSError, LedgerCorruptError) as error:
        return _plain("UNDETERMINED", [f"the public files of the log cannot be read: {error}"])


def _judge(data: bytes, policy: TrustPolicy, ledger: Path | None) -> tuple[str, str, dict[str, object]]:
    # Canonical JSON sorts names, so what a file is stands behind its checksum at a fixed place.
    kind = data[56:70]
    if kind.startswith(b'"erasure"'):
        erasure = verify_certificate(data, policy)
        return _plain(erasure.word, list(erasure.reasons), list(LIMITS))
    if kind.startswith(b'"invoice"'):
        invoice = verify_invoice(data, policy)
        return _plain(invoice.word, list(invoice.reasons), list(invoice.limits))
    entries = None if ledger is None else _Folder(ledger).entries
    if kind.startswith(b'"party"'):
        party = verify_party(data, policy, entries)
        return party.word, render_party(party), party_json(party)
    if kind.startswith(b'"moratorium"'):
        report = verify_moratorium(data, policy)
        word, text, value = _plain(report.word, list(report.reasons), list(MORATORIUM_LIMITS))
        return word, text, value | dict(report.numbers)
    verdict = verify(data, policy, entries, time.time_ns() // 1_000_000)
    return verdict.word, render(verdict), as_json(verdict)


def _plain(word: str, reasons: list[str], limits: list[str] | None = None) -> tuple[str, str, dict[str, object]]:
    lines = [word, "", *(f"  - {clean(reason)}" for reason in reasons)]
    if limits and STATUS[word] == 0:
        lines += ["", "What this does not show", *(f"  - {limit}" for limit in limits)]
    return word, "\n".join(lines) + "\n", {"verdict": word, "reasons": reasons, "does_not_show": limits or []}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (by default those of the process); the exit status."""
    parser = argparse.ArgumentParser(prog="custodes.ledger", description="Check what the operator of a log states.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("verify", help="check a statement, a certificate of erasure or an invoice")
    command.add_argument("file", type=Path)
    command.add_argument("--trust", type=Path, required=True, help="whom you trust: a C2SP tlog-policy file")
    command.add_argument("--ledger", type=Path, help="folder with the log's public files, to check the totals as well")
    command.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    word, text, value = check(options.file, options.trust, options.ledger)
    sys.stdout.write(json.dumps(value) + "\n" if options.json else text)
    return STATUS[word]


if __name__ == "__main__":
    sys.exit(main())
