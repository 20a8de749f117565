"""A certificate of one's own for HTTPS on this machine, where no authority gives one.

In: a folder, names, the time. Out: two PEM files: a certificate that signs itself, and its private key, which only this
user can read. Clients have to be told to trust the certificate; browsers ask. It serves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from custodes.core.errors import UnavailableError
from custodes.durable import write_durably

CHAIN, KEY = "cert.pem", "key.pem"
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where the certificate and its key are."""

    chain: Path
    key: Path


def write_certificate(folder: Path, names: Sequence[str], days: int, now_ms: int) -> CertificateFiles:
    """Write a new certificate for ``names`` (hosts and addresses) into ``folder``, good for ``days`` from ``now_ms``.

    Raises:
        UnavailableError: the folder cannot be written.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )
    files = CertificateFiles(folder / CHAIN, folder / KEY)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(files.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
        write_durably(files.chain, made.public_bytes(Encoding.PEM), 0o644)
    except OSError as error:
        raise UnavailableError(f"{folder} cannot be written: {error.strerror}") from error
    return files


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
