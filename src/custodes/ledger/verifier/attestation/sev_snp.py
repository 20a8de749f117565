"""Attestation reports of AMD SEV-SNP: what a processor says of the virtual machine that asked it.

In: a report of 1,184 bytes, the certificate of the processor's key, certificates of its issuers. Out: what it says, or
ReportError. It knows no log, and asks no network for certificates.
Source: AMD 56860, SEV Secure Nested Paging Firmware ABI, ATTESTATION_REPORT; AMD 57230, VCEK certificate.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

REPORT_BYTES = 1184
_SIGNED_BYTES = 0x2A0
_NUMBER_BYTES = 72
_FRONT = struct.Struct("<IIQ16s16sIIQQII64s48s")
_ECDSA_P384_SHA384 = 1
_DEBUG = 1 << 19
_CHIP_KEY = 0
_EXTENSION = "1.3.6.1.4.1.3704.1."
_CHIP_ID = x509.ObjectIdentifier(f"{_EXTENSION}4")
# Where a version stands among the eight bytes of a TCB: of boot loader, secure operating system, SNP, microcode.
_TCB = ((0, f"{_EXTENSION}3.1"), (1, f"{_EXTENSION}3.2"), (6, f"{_EXTENSION}3.3"), (7, f"{_EXTENSION}3.8"))


class ReportError(ValueError):
    """It is no report, or not one of that processor; the message says why."""


@dataclass(frozen=True, slots=True)
class MachineReport:
    """What a report says.

    Attributes:
        data: 64 bytes that the machine chose.
        measurement: 48 bytes over what the machine was started from.
        chip: 64 bytes that name the processor.
        tcb: versions of the processor's firmware, 8 bytes.
        privilege: level in the machine that asked, 0 the highest.
        debug: the machine's host may look into it.
    """

    data: bytes
    measurement: bytes
    chip: bytes
    tcb: bytes
    privilege: int
    debug: bool


def read_report(report: bytes) -> MachineReport:
    """What ``report`` says; its signature is not looked at.

    Raises:
        ReportError: it has another form.
    """
    if len(report) != REPORT_BYTES:
        raise ReportError(f"a report has {REPORT_BYTES} bytes, not {len(report)}")
    version, _, policy, _, _, privilege, algorithm, _, _, flags, _, data, measurement = _FRONT.unpack_from(report)
    if version < 2 or algorithm != _ECDSA_P384_SHA384:
        raise ReportError("the report is of a version, or signed in a way, that is not read")
    if flags >> 2 & 7 != _CHIP_KEY:
        raise ReportError("the report is not signed by a key of the processor alone (VCEK)")
    return MachineReport(data, measurement, report[0x1A0:0x1E0], report[0x180:0x188], privilege, bool(policy & _DEBUG))


def check_signature(
    report: bytes, chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> None:
    """That the processor of ``chain``'s first certificate made ``report``, and that one of ``roots`` leads to it.

    Args:
        report: the report.
        chain: the certificate of the processor's key, then of each issuer, without or with the root.
        roots: what the reader pins.
        at: when all of them have to be valid.

    Raises:
        ReportError: it does not, or a certificate is not what it should be.
    """
    try:
        _check_chain(chain, roots, at)
        _check_processor(read_report(report), chain[0])
        key = chain[0].public_key()
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP384R1):
            raise ReportError("the processor's key is none of P-384")
        places = (_SIGNED_BYTES, _SIGNED_BYTES + _NUMBER_BYTES)
        r, s = (int.from_bytes(report[at_ : at_ + _NUMBER_BYTES], "little") for at_ in places)
        key.verify(encode_dss_signature(r, s), report[:_SIGNED_BYTES], ECDSA(SHA384()))
    except InvalidSignature as error:
        raise ReportError("a signature does not hold") from error
    except (x509.ExtensionNotFound, UnsupportedAlgorithm, TypeError, ValueError) as error:
        raise ReportError(f"the certificates cannot be used: {error}") from error


def _check_chain(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime) -> None:
    if not chain:
        raise ReportError("there is no certificate of the processor")
    way = list(chain) if chain[-1] in roots else [*chain, *(root for root in roots if root.subject == chain[-1].issuer)]
    if way[-1] not in roots:
        raise ReportError("no pinned root leads to the processor's certificate")
    for certificate in way:
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise ReportError(f"the certificate of {certificate.subject.rfc4514_string()} was not valid then")
    for certificate, issuer in pairwise(way):
        if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise ReportError(f"{issuer.subject.rfc4514_string()} issues no certificates")
        certificate.verify_directly_issued_by(issuer)


def _check_processor(found: MachineReport, certificate: x509.Certificate) -> None:
    """The certificate is of this very processor at these very versions of its firmware."""
    if _extension(certificate, _CHIP_ID) != found.chip:
        raise ReportError("the certificate is of another processor")
    for place, name in _TCB:
        encoded = _extension(certificate, x509.ObjectIdentifier(name))
        if encoded[:1] != b"\x02" or int.from_bytes(encoded[2:], "big") != found.tcb[place]:
            raise ReportError("the certificate is of other versions of the processor's firmware")


def _extension(certificate: x509.Certificate, name: x509.ObjectIdentifier) -> bytes:
    value = certificate.extensions.get_extension_for_oid(name).value
    if not isinstance(value, x509.UnrecognizedExtension):
        raise ReportError("an extension of the processor's certificate has another form")
    return value.value
