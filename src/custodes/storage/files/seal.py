"""Templates at rest: vectors sealed under keys that can be destroyed one by one.

In: keys, names and vectors. Out: bytes for the database, and back. Three levels of AES-256-GCM: the master key wraps
one key per collection, that wraps one data key per vector, that seals the vector. Whoever deletes a wrapped data key
has made its ciphertext unreadable for good, in every copy that was taken without the key. Every level binds the names
of what it holds, so bytes moved to another face, collection or account do not open. It does no I/O.

Layout: wrapped key = nonce (12) | ciphertext (32) | tag (16); sealed vector = ciphertext (4 D, float32 little endian) |
tag (16). Source: NIST SP 800-38D (GCM).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from custodes.core.errors import UnavailableError
from custodes.gallery.ports import FloatArray

Randomness = Callable[[int], bytes]
"""Gives that many unpredictable bytes, like ``os.urandom``."""

KEY_BYTES = 32
_NONCE_BYTES = 12
_ONLY_NONCE = bytes(_NONCE_BYTES)
"""A data key seals exactly one vector and is drawn anew for the next, so its nonce never repeats under it."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A vector or a small picture at rest: its wrapped data key and its ciphertext."""

    wrapped_key: bytes
    sealed: bytes


class DamagedError(UnavailableError):
    """Sealed bytes that do not open: damaged, altered, moved, or of another key."""


class KeyBox:
    """Wraps keys and seals vectors under one key of the level above."""

    def __init__(self, key: bytes, randomness: Randomness) -> None:
        """Use ``key`` (32 bytes)."""
        self._cipher = AESGCM(key)
        self._randomness = randomness

    def wrap(self, key: bytes, names: bytes) -> bytes:
        """``key`` readable only with this box's key, under ``names``."""
        nonce = self._randomness(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, names)

    def unwrap(self, wrapped: bytes, names: bytes) -> bytes:
        """Inverse of ``wrap``. Raises DamagedError."""
        try:
            return self._cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], names)
        except (InvalidTag, ValueError) as error:
            raise DamagedError("a stored key cannot be opened: damaged, altered, or of another master key") from error

    def seal(self, vector: FloatArray, names: bytes) -> Sealed:
        """Seal ``vector`` (D,) under a fresh data key."""
        return self.seal_bytes(np.ascontiguousarray(vector, "<f4").tobytes(), names)

    def seal_bytes(self, plain: bytes, names: bytes) -> Sealed:
        """The same for a small picture."""
        data_key = self._randomness(KEY_BYTES)
        return Sealed(self.wrap(data_key, names), AESGCM(data_key).encrypt(_ONLY_NONCE, plain, names))

    def open(self, wrapped_key: bytes, sealed: bytes, names: bytes) -> bytes:
        """What was sealed; of a vector its float32 little endian bytes. Raises DamagedError."""
        data_key = self.unwrap(wrapped_key, names)
        try:
            return AESGCM(data_key).decrypt(_ONLY_NONCE, sealed, names)
        except (InvalidTag, ValueError) as error:
            raise DamagedError("a stored vector cannot be opened: damaged or altered") from error


def names_of(kind: str, *names: str) -> bytes:
    """What a seal is bound to: the names, each with its length in front, so that no two lists look the same."""
    parts = [name.encode() for name in (kind, *names)]
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])
