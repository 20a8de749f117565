"""Time stamp tokens of RFC 3161 by keys of every kind; ``openssl ts`` makes them by RSA and ECDSA only.

Certificates of the kinds ``pss-key`` and ``pss-strict`` name their keys ones for RSASSA-PSS, of the latter with limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

from custodes.ledger.verifier.timestamps.der import read

SHA256, SHA512 = "608648016503040201", "608648016503040203"
OIDS = {"rsa": "2a864886f70d01010b", "pss": "2a864886f70d01010a", "ecdsa": "2a8648ce3d040302", "ed25519": "2b6570"}
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = (
        bytes([size])
        if size < 128
        else bytes([0x80 | -(-size.bit_length() // 8)]) + size.to_bytes(-(-size.bit_length() // 8), "big")
    )
    return bytes([tag]) + length + content


def seq(*parts: bytes) -> bytes:
    return der(0x30, *parts)


def oid(text: str) -> bytes:
    return der(6, bytes.fromhex(text))


def integer(value: int) -> bytes:
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


@dataclass(frozen=True)
class Authority:
    """A root, and a certificate for time stamps that it issued."""

    kind: str
    key: Any
    certificate: x509.Certificate
    root: x509.Certificate

    @property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.PEM)

    def token(self, stamped: bytes, at: datetime = AT, *, salt: int = 32, parameters: bytes | None = None) -> bytes:
        """A token over ``stamped``; ``parameters`` are other ones than those that the signature is made with."""
        imprint = seq(seq(oid(SHA256)), der(4, sha256(stamped).digest()))
        time = der(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())
        info = seq(integer(1), oid("2a0304"), imprint, integer(7), time)
        name, digest = (SHA512, sha512) if self.kind == "ed25519" else (SHA256, sha256)
        fingerprint = self.certificate.fingerprint(hashes.SHA256())
        attributes = [
            seq(oid("2a864886f70d010903"), der(0x31, oid("2a864886f70d0109100104"))),
            seq(oid("2a864886f70d010904"), der(0x31, der(4, digest(info).digest()))),
            seq(oid("2a864886f70d010910022f"), der(0x31, seq(seq(seq(der(4, fingerprint)))))),
        ]
        signature = self._sign(der(0x31, *attributes), salt)
        algorithm = seq(
            oid(OIDS["pss" if self._is_pss else self.kind]), *([parameters or _pss(salt)] if self._is_pss else [])
        )
        signer = seq(
            integer(1), seq(seq(), integer(1)), seq(oid(name)), der(0xA0, *attributes), algorithm, der(4, signature)
        )
        content = seq(oid("2a864886f70d0109100104"), der(0xA0, der(4, info)))
        given = der(0xA0, self.certificate.public_bytes(serialization.Encoding.DER))
        signed = seq(integer(3), der(0x31, seq(oid(name))), content, given, der(0x31, signer))
        return seq(oid("2a864886f70d010702"), der(0xA0, signed))

    @property
    def _is_pss(self) -> bool:
        return self.kind.startswith("pss")

    def _sign(self, message: bytes, salt: int) -> bytes:
        if self.kind == "rsa":
            return bytes(self.key.sign(message, padding.PKCS1v15(), hashes.SHA256()))
        if self._is_pss:
            mask = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
            return bytes(self.key.sign(message, mask, hashes.SHA256()))
        if self.kind == "ecdsa":
            return bytes(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return bytes(self.key.sign(message))


def _pss(salt: int, digest: str = SHA256, mask: str = SHA256) -> bytes:
    own, other = seq(oid(digest)), seq(oid("2a864886f70d010108"), seq(oid(mask)))
    return seq(der(0xA0, own), der(0xA1, other), der(0xA2, integer(salt)))


def authority(kind: str) -> Authority:
    """An authority with a key of a kind: rsa, pss, pss-key, pss-strict, ecdsa, ed25519; its root has such a one too."""
    made = {
        "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }.get(kind, lambda: rsa.generate_private_key(65537, 2048))
    root_key, key = made(), made()
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{kind} root")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{kind} stamps")])
    common = {"ca": x509.BasicConstraints(True, None)}
    root = _certificate(root_name, root_name, root_key.public_key(), root_key).add_extension(common["ca"], True)
    usage = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")])
    stamping = _certificate(root_name, name, key.public_key(), root_key).add_extension(usage, True)
    made_of = _renamed if kind in ("pss-key", "pss-strict") else _signed
    return Authority(kind, key, made_of(stamping, root_key, kind), made_of(root, root_key, kind))


def _renamed(builder: x509.CertificateBuilder, key: Any, kind: str) -> x509.Certificate:
    """A certificate whose key is named one for RSASSA-PSS, which the library does not write."""
    plain = _signed(builder, key, "pss")
    old = plain.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    bits = old[19:]  # behind the length of all and the name of the algorithm
    new = seq(seq(oid(OIDS["pss"]), *([_pss(32)] if kind == "pss-strict" else [])), bits)
    content = plain.tbs_certificate_bytes[4:].replace(old, new)
    body, named = seq(content), read(plain.public_bytes(serialization.Encoding.DER)).items()[1].encoded
    signature = key.sign(body, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    return x509.load_der_x509_certificate(seq(body, named, der(3, b"\0", signature)))


def _certificate(issuer: x509.Name, subject: x509.Name, public: Any, _key: Any) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(public)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(AT - timedelta(days=90)).not_valid_after(AT + timedelta(days=30))


def _signed(builder: x509.CertificateBuilder, key: Any, kind: str) -> x509.Certificate:
    if kind == "pss":
        mask = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return builder.sign(key, hashes.SHA256(), rsa_padding=mask)
    return builder.sign(key, None if kind == "ed25519" else hashes.SHA256())
