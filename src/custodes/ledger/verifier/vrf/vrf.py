"""A verifiable random function: names become places in a map that nobody can guess and the operator cannot choose.

In: a public key, a name (bytes) and a proof of 80 bytes. Out: the 64 bytes that only the key holder could compute,
exactly one value per key and name; or VrfError. Proofs are made in ``prover.maps.vrf``.
This is ECVRF-EDWARDS25519-SHA512-TAI, suite 0x03 of RFC 9381, in plain Python on ``edwards25519``.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from custodes.ledger.verifier.vrf.edwards25519 import (
    BASE,
    NEUTRAL,
    ORDER,
    Point,
    PointError,
    combine,
    decode,
    double,
    encode,
    negate,
)

SUITE = b"\x03"
PROOF_BYTES = 80
KEY_BYTES = 32
CHALLENGE_BYTES = 16
# A challenge has half of a scalar's bits; halves of scalars, each with its own point, need half of the doublings.
_HALF = (1 << 128) - 1
_HIGH_BASE = combine((1 << 128, BASE))


class VrfError(ValueError):
    """The proof, or the public key, is not one."""


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
    h = hash_to_curve(public, alpha)
    u = combine((s & _HALF, BASE), (s >> 128, _HIGH_BASE), (c, negate(y)))
    v = combine((s, h), (c, negate(gamma)))
    if c != challenge(public, encode(h), proof[:32], encode(u), encode(v)):
        raise VrfError("the VRF proof does not belong to this key and name")
    return gamma_to_hash(gamma)


@lru_cache(maxsize=64)
def _public_point(public: bytes) -> Point:
    try:
        y = decode(public)
    except PointError as error:
        raise VrfError("the VRF key is not a curve point") from error
    # Section 5.4.5, ECVRF_validate_key: a key of small order would let its holder prove several values.
    if encode(_times_cofactor(y)) == encode(NEUTRAL):
        raise VrfError("the VRF key has small order")
    return y


def hash_to_curve(salt: bytes, alpha: bytes) -> Point:
    """Try and increment, RFC 9381 section 5.4.1.1; each try succeeds with probability one half."""
    for counter in range(256):
        digest = hashlib.sha512(SUITE + b"\x01" + salt + alpha + bytes([counter, 0])).digest()
        try:
            return _times_cofactor(decode(digest[:32]))
        except PointError:
            continue
    raise VrfError("no curve point for this name")  # probability 2**-256


def challenge(*points: bytes) -> int:
    """RFC 9381 section 5.4.3; the points in the order Y, H, Gamma, U, V."""
    digest = hashlib.sha512(SUITE + b"\x02" + b"".join(points) + b"\x00").digest()
    return int.from_bytes(digest[:CHALLENGE_BYTES], "little")


def gamma_to_hash(gamma: Point) -> bytes:
    """RFC 9381 section 5.2: the output that a proof's point stands for."""
    return hashlib.sha512(SUITE + b"\x03" + encode(_times_cofactor(gamma)) + b"\x00").digest()


def _times_cofactor(point: Point) -> Point:
    return double(double(double(point)))
