"""The operator's half of the VRF: the secret key, outputs and proofs. ``verifier.vrf`` has the other half.

Not constant-time: Python integers leak timing. Proofs are made by a batch job of the operator, not on behalf of a
stranger who could time them; whoever serves them on demand should use a library with constant-time arithmetic.
Source: RFC 9381 (ECVRF-EDWARDS25519-SHA512-TAI), RFC 8032 section 5.1.5.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from custodes.ledger.verifier.vrf.edwards25519 import ORDER, PointError, decode, encode, multiply, multiply_base
from custodes.ledger.verifier.vrf.vrf import (
    CHALLENGE_BYTES,
    KEY_BYTES,
    VrfError,
    challenge,
    gamma_to_hash,
    hash_to_curve,
)


@dataclass(frozen=True, slots=True)
class SecretKey:
    """Expanded secret key, RFC 8032 section 5.1.5. Holds secrets: never print or log it.

    Attributes:
        scalar: the secret scalar x.
        prefix: 32 bytes from which nonces are derived.
        public: the public key Y, 32 bytes.
        first: the first key of the log, whose places this one places; None where this is the first.
    """

    scalar: int
    prefix: bytes
    public: bytes
    first: SecretKey | None = None

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
    return gamma_to_hash(multiply(key.scalar, hash_to_curve(key.public, alpha)))


def prove(key: SecretKey, alpha: bytes) -> bytes:
    """The proof for ``alpha``, 80 bytes: Gamma, c, s. Source: RFC 9381 section 5.1."""
    h = hash_to_curve(key.public, alpha)
    h_string = encode(h)
    gamma = multiply(key.scalar, h)
    # Nonce as in RFC 9381 section 5.4.2.2: from the secret prefix and the point, so no randomness can go wrong.
    nonce = int.from_bytes(hashlib.sha512(key.prefix + h_string).digest(), "little") % ORDER
    c = challenge(key.public, h_string, encode(gamma), encode(multiply_base(nonce)), encode(multiply(nonce, h)))
    s = (nonce + c * key.scalar) % ORDER
    return encode(gamma) + c.to_bytes(CHALLENGE_BYTES, "little") + s.to_bytes(32, "little")


def proven(proof: bytes) -> bytes:
    """The output that a proof of one's own stands for; nothing is verified. Raises VrfError where it is none."""
    try:
        return gamma_to_hash(decode(proof[:32]))
    except PointError as error:
        raise VrfError("the VRF proof holds no curve point") from error
