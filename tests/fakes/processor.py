"""A processor of the tests' own that gives attestation reports of the form of AMD SEV-SNP, and its certificates.

No report of a real processor is at hand: form and signatures follow AMD's documents, keys and roots are made here.
"""

from __future__ import annotations

import shutil
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

CHIP, TCB = bytes(range(64)), bytes([4, 0, 0, 0, 0, 0, 22, 213])
MEASUREMENT = bytes([7]) * 48
_OID = "1.3.6.1.4.1.3704.1."
_PSS = padding.PSS(padding.MGF1(SHA384()), SHA384.digest_size)


def issued(name: str, key: Any, by: tuple[str, Any], days: int = 3650, **chip: bytes) -> x509.Certificate:
    """The certificate of ``key``; with ``chip`` and ``tcb`` that of a processor's."""
    now = datetime.now(UTC)
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, by[0]))
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days))
    made = made.add_extension(x509.BasicConstraints(ca=not chip, path_length=None), critical=True)
    if chip:
        for place, oid in ((0, "3.1"), (1, "3.2"), (6, "3.3"), (7, "3.8")):
            number = chip["tcb"][place]
            encoded = b"\x02\x02\x00" + bytes([number]) if number > 127 else b"\x02\x01" + bytes([number])
            made = made.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(_OID + oid), encoded), False)
        own = x509.UnrecognizedExtension(x509.ObjectIdentifier(f"{_OID}4"), chip["chip"])
        made = made.add_extension(own, False)
    return made.sign(by[1], SHA384(), rsa_padding=_PSS)


class Maker:
    """Whoever makes processors: a root, an issuer below it, both of RSASSA-PSS as AMD's are."""

    def __init__(self) -> None:
        self.root_key, self.issuer_key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
        self.root = issued("ARK", self.root_key, ("ARK", self.root_key))
        self.issuer = issued("SEV", self.issuer_key, ("ARK", self.root_key))


@dataclass
class Processor:
    """One processor, which reports on a machine."""

    maker: Maker
    chip: bytes = CHIP
    tcb: bytes = TCB
    measurement: bytes = MEASUREMENT
    policy: int = 0x30000
    flags: int = 0
    algorithm: int = 1
    days: int = 3650
    certified: bytes = b""
    """Versions of its firmware in its certificate, where they are others."""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP384R1()))

    @property
    def certificate(self) -> x509.Certificate:
        signer = ("SEV", self.maker.issuer_key)
        return issued("VCEK", self.key, signer, self.days, chip=self.chip, tcb=self.certified or self.tcb)

    def chain(self) -> bytes:
        return b"".join(one.public_bytes(Encoding.PEM) for one in (self.certificate, self.maker.issuer))

    def roots(self) -> bytes:
        return self.maker.root.public_bytes(Encoding.PEM)

    def report(self, data: bytes) -> bytes:
        """The report over ``data``, 1,184 bytes."""
        front = struct.pack(
            "<IIQ16s16sIIQQII64s48s", 2, 0, self.policy, b"", b"", 0, self.algorithm, 0, 0, self.flags, 0, data,
            self.measurement,
        )  # fmt: skip
        body = bytearray(0x2A0)
        body[: len(front)] = front
        body[0x180:0x188], body[0x1A0:0x1E0] = self.tcb, self.chip
        numbers = decode_dss_signature(self.key.sign(bytes(body), ec.ECDSA(SHA384())))
        return bytes(body) + b"".join(one.to_bytes(72, "little") for one in numbers) + bytes(368)


class Configfs(type(Path())):  # type: ignore[misc]
    """A folder that behaves as Linux's does: a new folder in it has files, and one gives the report."""

    processor: Processor
    provider = "sev_guest"

    def mkdir(self, *arguments: Any, **options: Any) -> None:
        super().mkdir(*arguments, **options)
        (self / "provider").write_text(f"{self.provider}\n")

    def write_bytes(self, data: bytes) -> int:
        if self.name == "inblob":
            (self.parent / "outblob").write_bytes(self.processor.report(data))
        return int(super().write_bytes(data))

    def rmdir(self) -> None:
        shutil.rmtree(self)
