"""The operator's half of the VRF: the secret key, outputs and proofs. ``verifier.vrf`` has the other half.

In: a seed, and names (bytes). Out: outputs of 64 bytes and proofs of 80, for which ``verifier.vrf`` holds.
Whatever touches the secret scalar or a nonce runs in libsodium, in constant time: a tenant who asks for statements can
time them. Hashing a name to the curve stays in plain Python; its time depends on the name and the public key only.
ADR 0020 says why these two and no other part of the ledger stand on different code.
Source: RFC 9381 (ECVRF-EDWARDS25519-SHA512-TAI), RFC 8032 section 5.1.5.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
)

from custodes.ledger.verifier.vrf.edwards25519 import PointError, decode, encode
from custodes.ledger.verifier.vrf.vrf import (
    CHALLENGE_BYTES,
    KEY_BYTES,
    SUITE,
    VrfError,
    challenge,
    gamma_to_hash,
    hash_to_curve,
)


@dataclass(frozen=True, slots=True)
class SecretKey:
    """Expanded secret key, RFC 8032 section 5.1.5. Holds secrets: never print or log it.

    Attributes:
        scalar: the secret scalar x, 32 bytes, lowest first.
        prefix: 32 bytes from which nonces are derived.
        public: the public key Y, 32 bytes.
        first: the first key of the log, whose places this one places; None where this is the first.
    """

    scalar: bytes
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
    scalar = bytes([digest[0] & 248, *digest[1:31], digest[31] & 63 | 64])
    return SecretKey(scalar, digest[32:], crypto_scalarmult_ed25519_base_noclamp(scalar))


def output(key: SecretKey, alpha: bytes) -> bytes:
    """The 64 bytes that belong to ``alpha``, without the proof; about half the work of ``prove``."""
    h_string = encode(hash_to_curve(key.public, alpha))
    times_cofactor = crypto_scalarmult_ed25519_noclamp(key.scalar, h_string)
    for _ in range(3):
        times_cofactor = crypto_core_ed25519_add(times_cofactor, times_cofactor)
    return hashlib.sha512(SUITE + b"\x03" + times_cofactor + b"\x00").digest()  # RFC 9381 section 5.2


def prove(key: SecretKey, alpha: bytes) -> bytes:
    """The proof for ``alpha``, 80 bytes: Gamma, c, s. Source: RFC 9381 section 5.1."""
    h_string = encode(hash_to_curve(key.public, alpha))
    gamma = crypto_scalarmult_ed25519_noclamp(key.scalar, h_string)
    # Nonce as in RFC 9381 section 5.4.2.2: from the secret prefix and the point, so no randomness can go wrong.
    nonce = crypto_core_ed25519_scalar_reduce(hashlib.sha512(key.prefix + h_string).digest())
    u = crypto_scalarmult_ed25519_base_noclamp(nonce)
    v = crypto_scalarmult_ed25519_noclamp(nonce, h_string)
    c = challenge(key.public, h_string, gamma, u, v).to_bytes(CHALLENGE_BYTES, "little")
    c_x = crypto_core_ed25519_scalar_mul(c + bytes(KEY_BYTES - CHALLENGE_BYTES), key.scalar)
    return gamma + c + crypto_core_ed25519_scalar_add(nonce, c_x)


def proven(proof: bytes) -> bytes:
    """The output that a proof of one's own stands for; nothing is verified. Raises VrfError where it is none."""
    try:
        return gamma_to_hash(decode(proof[:32]))
    except PointError as error:
        raise VrfError("the VRF proof holds no curve point") from error
