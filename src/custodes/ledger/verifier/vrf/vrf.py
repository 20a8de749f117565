"""A verifiable random function: names become places in a map that nobody can guess and the operator cannot choose.

In: a secret key and a name (bytes), or a public key, a name and a proof. Out: 64 bytes that only the key holder can
compute, exactly one value per key and name, and a proof of 80 bytes that it is that value.
This is ECVRF-EDWARDS25519-SHA512-TAI, suite 0x03 of RFC 9381, in plain Python on ``edwards25519``.

Not constant-time: Python integers leak timing. Proofs are made by a batch job of the operator, not on behalf of a
stranger who could time them; whoever serves them on demand should use a library with constant-time arithmetic.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from custodes.ledger.verifier.vrf.edwards25519 import (
    BASE,
    ORDER,
    Point,
    PointError,
    add,
    decode,
    double,
    encode,
    multiply,
    multiply_base,
    multiply_two,
    negate,
)

SUITE = b"\x03"
PROOF_BYTES = 80
KEY_BYTES = 32
_CHALLENGE_BYTES = 16


class VrfError(ValueError):
    """The proof, or the public key, is not one."""


@dataclass(frozen=True, slots=True)
class SecretKey:
    """Expanded secret key, RFC 8032 section 5.1.5. Holds secrets: never print or log it.

    Attributes:
        scalar: the secret scalar x.
        prefix: 32 bytes from which nonces are derived.
        public: the public key Y, 32 bytes.
    """

    scalar: int
    prefix: bytes
    public: bytes

    def __repr__(self) -> str:
        """Name the key by its public half only."""
        return f"SecretKey(public={self.public.hex()})"


def secret_key(seed: bytes) -> SecretKey:
    """The key pair that belongs to a seed of 32 random bytes.

    Raises:
        VrfError: for a seed of another length.
    """
    if len(seed) != KEY_BYTES:
        raise VrfError("a VRF seed has 32 bytes")
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    return SecretKey(scalar, digest[32:], encode(multiply_base(scalar)))


def output(key: SecretKey, alpha: bytes) -> bytes:
    """The 64 bytes that belong to ``alpha``, without the proof; about half the work of ``prove``."""
    return _gamma_to_hash(multiply(key.scalar, _hash_to_curve(key.public, alpha)))


def prove(key: SecretKey, alpha: bytes) -> bytes:
    """The proof for ``alpha``, 80 bytes: Gamma, c, s. Source: RFC 9381 section 5.1."""
    h = _hash_to_curve(key.public, alpha)
    h_string = encode(h)
    gamma = multiply(key.scalar, h)
    # Nonce as in RFC 9381 section 5.4.2.2: from the secret prefix and the point, so no randomness can go wrong.
    nonce = int.from_bytes(hashlib.sha512(key.prefix + h_string).digest(), "little") % ORDER
    c = _challenge(key.public, h_string, encode(gamma), encode(multiply_base(nonce)), encode(multiply(nonce, h)))
    s = (nonce + c * key.scalar) % ORDER
    return encode(gamma) + c.to_bytes(_CHALLENGE_BYTES, "little") + s.to_bytes(32, "little")


def verify(public: bytes, alpha: bytes, proof: bytes) -> bytes:
    """The 64 bytes that belong to ``alpha`` under ``public``. Source: RFC 9381 section 5.3, with validate_key.

    Raises:
        VrfError: the proof does not hold. There is at most one value for which any proof holds.
    """
    if len(proof) != PROOF_BYTES or len(public) != KEY_BYTES:
        raise VrfError("a VRF proof has 80 bytes and its key 32")
    y = _public_point(public)
    try:
        gamma = decode(proof[:32])
    except PointError as error:
        raise VrfError("the VRF proof holds no curve point") from error
    c = int.from_bytes(proof[32:48], "little")
    s = int.from_bytes(proof[48:], "little")
    if s >= ORDER:  # section 5.4.4: without this a second encoding of the same proof would pass
        raise VrfError("the VRF proof is not in canonical form")
    h = _hash_to_curve(public, alpha)
    u = add(multiply_base(s), multiply(c, negate(y)))
    v = multiply_two(s, h, c, negate(gamma))
    if c != _challenge(public, encode(h), proof[:32], encode(u), encode(v)):
        raise VrfError("the VRF proof does not belong to this key and name")
    return _gamma_to_hash(gamma)


@lru_cache(maxsize=64)
def _public_point(public: bytes) -> Point:
    try:
        y = decode(public)
    except PointError as error:
        raise VrfError("the VRF key is not a curve point") from error
    # Section 5.4.5, ECVRF_validate_key: a key of small order would let its holder prove several values.
    if encode(_times_cofactor(y)) == encode(_times_cofactor(multiply(ORDER, BASE))):
        raise VrfError("the VRF key has small order")
    return y


def _hash_to_curve(salt: bytes, alpha: bytes) -> Point:
    """Try and increment, RFC 9381 section 5.4.1.1; each try succeeds with probability one half."""
    for counter in range(256):
        digest = hashlib.sha512(SUITE + b"\x01" + salt + alpha + bytes([counter, 0])).digest()
        try:
            return _times_cofactor(decode(digest[:32]))
        except PointError:
            continue
    raise VrfError("no curve point for this name")  # probability 2**-256


def _challenge(*points: bytes) -> int:
    """RFC 9381 section 5.4.3; the points in the order Y, H, Gamma, U, V."""
    digest = hashlib.sha512(SUITE + b"\x02" + b"".join(points) + b"\x00").digest()
    return int.from_bytes(digest[:_CHALLENGE_BYTES], "little")


def _gamma_to_hash(gamma: Point) -> bytes:
    return hashlib.sha512(SUITE + b"\x03" + encode(_times_cofactor(gamma)) + b"\x00").digest()


def _times_cofactor(point: Point) -> Point:
    return double(double(double(point)))
