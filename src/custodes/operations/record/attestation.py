"""A processor's word on the machine that a start of the server ran on, kept beside the ledger for whoever asks.

In: the ``boot`` entry of this start, the log's key, a machine that gives reports. Out: a file about it, in the form of
FORMAT.md. It checks nothing: verifiers do, with certificates and roots of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from custodes.ledger.prover.files import wrap
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.verifier.attestation.check import report_data
from custodes.ledger.verifier.canonical_json import PlacedEntry

Keep = Callable[[int, bytes], None]
"""Keeps the file about the start that is entry so and so. Raises OSError."""


class Machine(Protocol):
    """A confidential virtual machine whose processor reports on it."""

    def report(self, data: bytes) -> bytes:
        """The report of AMD SEV-SNP over 64 bytes that we choose. Raises UnavailableError."""
        ...


def attest(started: PlacedEntry, key: str, machine: Machine, keep: Keep) -> None:
    """Have ``machine`` reported on at the start that is the entry ``started``; ``key`` is the log's.

    Raises:
        UnavailableError: it gives no report.
        OSError: the file cannot be kept.
    """
    report = machine.report(report_data(key, started.envelope))
    members = {"entry": started.envelope.decode(), "index": started.index, "key": key, "report": b64url(report), "v": 1}
    keep(started.index, wrap("attestation", members))
