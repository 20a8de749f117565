"""Time stamps by authorities that have nothing to do with the operator (RFC 3161), checked offline.

In: a token, the bytes that were stamped, root certificates that the reader pins. Out: the time that the authority says,
and which root stands behind it; or StampError. Revocation cannot be asked offline: what is checked is that the
certificates were valid at the time of the stamp.

Source: RFC 3161 (token, TSTInfo), RFC 5652 (signed data), RFC 5816 (certificate in the signed attributes), RFC 4056
(RSA-PSS), RFC 8419 (Ed25519).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import new as new_hash

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from custodes.ledger.verifier.canonical_json import StatementError
from custodes.ledger.verifier.timestamps.der import OCTETS, OID, SET, DerError, Element, read

MAX_TOKEN_BYTES = 12_000
_SIGNED_DATA, _TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_CERTIFICATE_V2, _CERTIFICATE_V1 = "1.2.840.113549.1.9.16.2.47", "1.2.840.113549.1.9.16.2.12"
_STAMPING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")
_HASHES = {
    "2.16.840.1.101.3.4.2.1": ("sha256", hashes.SHA256()),
    "2.16.840.1.101.3.4.2.2": ("sha384", hashes.SHA384()),
    "2.16.840.1.101.3.4.2.3": ("sha512", hashes.SHA512()),
}
_SIGNATURES: Mapping[str, tuple[str, hashes.HashAlgorithm | None]] = {
    "1.2.840.113549.1.1.1": ("rsa", None),
    "1.2.840.113549.1.1.11": ("rsa", hashes.SHA256()),
    "1.2.840.113549.1.1.12": ("rsa", hashes.SHA384()),
    "1.2.840.113549.1.1.13": ("rsa", hashes.SHA512()),
    "1.2.840.113549.1.1.10": ("pss", None),
    "1.2.840.10045.4.3.2": ("ecdsa", hashes.SHA256()),
    "1.2.840.10045.4.3.3": ("ecdsa", hashes.SHA384()),
    "1.2.840.10045.4.3.4": ("ecdsa", hashes.SHA512()),
    "1.3.101.112": ("ed25519", None),
}
"""Kind of a signature by the name of its algorithm, and its hash; without one that of the message digest counts."""
_MGF1 = "1.2.840.113549.1.1.8"
# The tags [0], [1] and [2], constructed.
_FIRST, _SECOND, _THIRD = 0xA0, 0xA1, 0xA2
_MAX_SALT = 64
_MAX_CHAIN = 5


class StampError(StatementError):
    """The token is no time stamp of these bytes by an authority behind a pinned root; the message says why."""


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What a token says: the time, and the name of the pinned root behind it."""

    at: datetime
    root: str


def read_roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Root certificates in PEM.

    Raises:
        StampError: there is none, or one is malformed.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise StampError("the file of root certificates is malformed") from error


def verify_stamp(token: bytes, stamped: bytes, roots: Sequence[x509.Certificate]) -> TimeStamp:
    """Check a token over ``stamped``.

    Raises:
        StampError: see there.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise StampError("the token is too long")
    try:
        return _verify(token, stamped, roots)
    except StampError:
        raise
    except (KeyError, IndexError, ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise StampError(f"the token is malformed: {error}") from error


def claimed_time(token: bytes) -> datetime:
    """The time that a token says, with nothing checked. Raises StampError when it says none."""
    try:
        content = read(token).items()[1].items(_FIRST)[0].items()[2].items()[1].items(_FIRST)[0]
        return read(content.expect(OCTETS)).items()[4].time()
    except (IndexError, DerError) as error:
        raise StampError("the token is malformed") from error


def _verify(token: bytes, stamped: bytes, roots: Sequence[x509.Certificate]) -> TimeStamp:
    kind, wrapped = read(token).items()
    if kind.oid() != _SIGNED_DATA:
        raise StampError("the token is no signed data")
    (signed,) = wrapped.items(_FIRST)
    parts = signed.items()
    content_type, content = parts[2].items()
    info = content.items(_FIRST)[0].expect(OCTETS)
    if content_type.oid() != _TST_INFO:
        raise StampError("the signed data are no time stamp")
    at = _stamped_at(info, stamped)
    given = [
        x509.load_der_x509_certificate(one.encoded)
        for part in parts[3:-1]
        if part.tag == _FIRST
        for one in part.items(_FIRST)
    ]
    (signer,) = parts[-1].items(SET)
    return TimeStamp(at, _trusted(_signed_by(signer.items(), info, [*given, *roots]), given, roots, at))


def _stamped_at(info: bytes, stamped: bytes) -> datetime:
    """The time of a TSTInfo whose imprint is that of ``stamped``."""
    version, _policy, imprint, _serial, time, *_ = read(info).items()
    algorithm, digest = imprint.items()
    if version.integer() != 1 or not hmac.compare_digest(digest.expect(OCTETS), _digest(algorithm, stamped)):
        raise StampError("the token stamps something else")
    return time.time()


def _digest(algorithm: Element, data: bytes) -> bytes:
    return new_hash(_hash(algorithm)[0], data).digest()


def _hash(algorithm: Element) -> tuple[str, hashes.HashAlgorithm]:
    found = _HASHES.get(algorithm.items()[0].oid())
    if found is None:
        raise StampError("the token uses a hash that is not known here")
    return found


def _signed_by(signer: Sequence[Element], info: bytes, known: Iterable[x509.Certificate]) -> x509.Certificate:
    """The certificate whose key signed ``info``, by the signed attributes."""
    _version, _sid, algorithm, attributes, signature_algorithm, signature = signer[:6]
    values = {}
    for attribute in attributes.items(_FIRST):
        name, value = attribute.items()
        (values[name.oid()],) = value.items(SET)
    if values[_CONTENT_TYPE].oid() != _TST_INFO:
        raise StampError("the signature is over something else than a time stamp")
    if not hmac.compare_digest(values[_DIGEST].expect(OCTETS), _digest(algorithm, info)):
        raise StampError("the signature is over another time stamp")
    # What is signed is the set itself, not the member [0] that it stands in.
    message = b"\x31" + attributes.encoded[1:]
    for certificate in known:
        if _is_named(certificate, values):
            _check_signature(certificate, signature.expect(OCTETS), message, (signature_algorithm, algorithm))
            return certificate
    raise StampError("the certificate of the authority is not in the token")


def _is_named(certificate: x509.Certificate, values: dict[str, Element]) -> bool:
    """Whether the signed attributes name this certificate, by its hash."""
    version = _CERTIFICATE_V2 if _CERTIFICATE_V2 in values else _CERTIFICATE_V1
    if version not in values:
        raise StampError("the token does not say which certificate signed it")
    named = values[version].items()[0].items()[0].items()
    algorithm: hashes.HashAlgorithm = hashes.SHA256() if version == _CERTIFICATE_V2 else hashes.SHA1()  # noqa: S303
    if named[0].tag != OCTETS:
        if named[0].tag == OID or version == _CERTIFICATE_V1:
            raise StampError("the token names its certificate in a way that is not known here")
        algorithm = _hash(named[0])[1]
    digest = next(one for one in named if one.tag == OCTETS).content
    return hmac.compare_digest(certificate.fingerprint(algorithm), digest)


def _check_signature(
    certificate: x509.Certificate, signature: bytes, message: bytes, algorithms: tuple[Element, Element]
) -> None:
    """Check a signature by its own algorithm and, where that says no hash, the one of the message digest."""
    key, named = certificate.public_key(), algorithms[0].items()
    kind, own = _SIGNATURES.get(named[0].oid(), ("", None))
    algorithm = own or _hash(algorithms[1])[1]
    try:
        if kind == "rsa" and isinstance(key, rsa.RSAPublicKey):
            _check_use(certificate, None)
            key.verify(signature, message, padding.PKCS1v15(), algorithm)
        elif kind == "pss" and isinstance(key, rsa.RSAPublicKey):
            algorithm, salt = _pss(named[1])
            _check_use(certificate, (algorithm, salt))
            key.verify(signature, message, padding.PSS(padding.MGF1(algorithm), salt), algorithm)
        elif kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(algorithm))
        elif kind == "ed25519" and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            raise StampError("the authority has a key or a signature of a kind that is not known here")
    except InvalidSignature as error:
        raise StampError("the signature of the authority does not hold") from error


def _pss(parameters: Element) -> tuple[hashes.HashAlgorithm, int]:
    """Hash and length of the salt; the mask is made with the same hash, and nothing is left to defaults."""
    digest, mask, salt = parameters.items()
    (algorithm,), (mask_algorithm,), (length,) = digest.items(_FIRST), mask.items(_SECOND), salt.items(_THIRD)
    name, own = mask_algorithm.items()
    found = _hash(algorithm)
    if name.oid() != _MGF1 or _hash(own) != found or length.integer() > _MAX_SALT:
        raise StampError("the signature has parameters of a kind that is not known here")
    return found[1], length.integer()


def _check_use(certificate: x509.Certificate, used: tuple[hashes.HashAlgorithm, int] | None) -> None:
    """Whether an RSA key may sign so: with PSS parameters, or None for PKCS 1.5.

    A key that its certificate names one for RSASSA-PSS signs by that only, and where the certificate says parameters,
    by its hash and with a salt that is no shorter (RFC 4055, sections 1.2 and 3.3).
    """
    parts = read(certificate.tbs_certificate_bytes).items()
    name, *parameters = parts[6 if parts[0].tag == _FIRST else 5].items()[0].items()
    if _SIGNATURES.get(name.oid(), ("",))[0] != "pss":
        return
    allowed = _pss(parameters[0]) if parameters else used
    if used is None or allowed is None or used[0].name != allowed[0].name or used[1] < allowed[1]:
        raise StampError("the authority's key is not one for such signatures")


def _trusted(
    signer: x509.Certificate, given: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> str:
    """Name of the pinned root to which ``signer`` leads; every certificate on the way was valid at ``at``."""
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound as error:
        raise StampError("the certificate is not one for time stamps") from error
    if not usage.critical or list(usage.value) != [_STAMPING]:
        raise StampError("the certificate is not one for time stamps only")
    certificate = signer
    for _ in range(_MAX_CHAIN):
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise StampError("a certificate was not valid at the time of the stamp")
        if certificate in roots:
            return certificate.subject.rfc4514_string()
        issuer = next((one for one in [*roots, *given] if one != certificate and _issued(one, certificate)), None)
        if issuer is None:
            break
        certificate = issuer
    raise StampError("no certificate that you pinned stands behind the authority")


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(issuer)
        name, *parameters = read(certificate.public_bytes(Encoding.DER)).items()[1].items()
        kind = _SIGNATURES.get(name.oid(), ("",))[0]
        if kind in ("rsa", "pss"):
            _check_use(issuer, _pss(parameters[0]) if kind == "pss" else None)
    except (x509.ExtensionNotFound, StampError, ValueError, TypeError, IndexError, InvalidSignature):
        return False
    return kind != ""
