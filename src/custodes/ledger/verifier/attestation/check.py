"""Which machine a start of a server ran on, as far as a processor says it: the verdict on a file about that.

In: the file, the trust policy, the public log, certificates, and what the machine should be. Out: a verdict. The log's
``boot`` entry says which program started; the report says from what the machine was started that presented this very
entry and the log's key. That the program of the entry is the one in the image is said by whoever builds the image.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha512

from cryptography.x509 import Certificate

from custodes.ledger.tlog.entry import EntryError, decode
from custodes.ledger.tlog.merkle import ProofError, leaf_hash
from custodes.ledger.tlog.trust import TrustError, TrustPolicy, open_trusted
from custodes.ledger.verifier.attestation.sev_snp import MachineReport, ReportError, check_signature, read_report
from custodes.ledger.verifier.canonical_json import Members, StatementError, unwrap
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.public_log import read_log
from custodes.ledger.verifier.texts import moment

LIMITS = (
    "That the image of this measurement holds the program that the entry names: build it, or ask who did.",
    "What ran before this start or after it, and what ran on another machine.",
    "That the processor's maker, whose root you pin, made no mistake and no second key.",
)


@dataclass(frozen=True, slots=True)
class Attested:
    """What the reader has beside the file.

    Attributes:
        checkpoint: signed state of the log.
        entries: index and bytes of its public entries, from 0 on.
        chain: certificate of the processor's key, then of its issuers.
        roots: certificates that the reader pins.
        measurement: what the machine should have been started from; None to be told only.
    """

    checkpoint: bytes
    entries: Iterable[tuple[int, bytes]]
    chain: Sequence[Certificate]
    roots: Sequence[Certificate]
    measurement: bytes | None = None


@dataclass(frozen=True, slots=True)
class AttestationVerdict:
    """``word`` is PRESENT, UNDETERMINED or INVALID."""

    word: str
    reasons: tuple[str, ...]


def report_data(key: str, envelope: bytes) -> bytes:
    """The 64 bytes that a machine has its processor sign: over the log's verifier key and the ``boot`` entry."""
    return sha512(b"custodes attestation v1\n" + key.encode() + b"\n" + envelope + b"\n").digest()


def verify_attestation(data: bytes, policy: TrustPolicy, given: Attested) -> AttestationVerdict:
    """The verdict on the file ``data``."""
    try:
        found, index, t, doubts = _check(data, policy, given)
    except (StatementError, ReportError, TrustError, ProofError, MapError, EntryError) as error:
        return AttestationVerdict("INVALID", (str(error),))
    said = (
        f"entry {index}, a start of the server at {moment(t)}, was presented to a processor by a machine that it names",
        f"the machine was started from {found.measurement.hex()}",
        f"its host may not look into it; it asked at level {found.privilege} of privilege, 0 being the highest",
        f"the processor is {found.chip.hex()}",
        f"versions of its firmware: {found.tcb.hex()}",
    )
    return AttestationVerdict("UNDETERMINED" if doubts else "PRESENT", (*doubts, *said))


def _check(data: bytes, policy: TrustPolicy, given: Attested) -> tuple[MachineReport, int, int, list[str]]:
    file = Members(unwrap("attestation", data))
    if file.index("v") != 1:
        raise StatementError("the file is of a version that is not read")
    envelope, index, key = file.text("entry").encode(), file.index("index"), file.text("key")
    report = file.binary("report")
    file.end()
    trusted = open_trusted(given.checkpoint, policy)
    if all(str(known) != key for known in policy.logs):
        raise TrustError("the report is about the key of another log than those of your trust policy")
    t = _start(envelope, index, read_log(given.entries, trusted.checkpoint))
    found = read_report(report)
    check_signature(report, given.chain, given.roots, datetime.fromtimestamp(t / 1000, UTC))
    if not hmac.compare_digest(found.data, report_data(key, envelope)):
        raise ReportError("the report is about another start, or another key")
    if found.debug:
        raise ReportError("the machine's host may look into it: the report says nothing of what runs there")
    if given.measurement is not None and given.measurement != found.measurement:
        raise ReportError(f"the machine was started from {found.measurement.hex()}, which is not what you expect")
    doubts = [] if trusted.quorum_met else ["the quorum of your trust policy did not confirm this state of the log"]
    if given.measurement is None:
        doubts.append("you did not say what the machine should be started from (--measurement)")
    return found, index, t, doubts


def _start(envelope: bytes, index: int, log: Iterator[tuple[int, object, bytes]]) -> int:
    """Time of the ``boot`` entry, once the whole log was read."""
    entry = decode(envelope)
    leaves = {at: leaf for at, _, leaf in log if at == index}
    if entry.kind != "boot" or leaves.get(index) != leaf_hash(envelope):
        raise ProofError("the start that the report is about is not in the log")
    return entry.t
