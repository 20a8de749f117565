"""Private bodies of entries: canonical JSON, a salted commitment to it, and its encryption under a key of its own.

In: a mapping, the store's master key, 16 random bytes. Out: body bytes, commitment, sealed bytes, and back. The salt is
both the blinding of the commitment and the key share of the encryption: whoever destroys it destroys the body and the
chance to link the public entry to anything, while the tree stays as it is. Storage is ``ports.BodyStore``'s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from custodes.ledger.tlog.commitment import BodyError, check_opening

MAX_BODY_BYTES = 16384
_NONCE = bytes(12)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)


def canonical(body: Mapping[str, object]) -> bytes:
    """RFC 8785 bytes of ``body``: objects with ASCII names, arrays, strings, integers up to 2^53-1, booleans, null.

    Raises:
        BodyError: another value (floats have no place in evidence), or more than 16,384 bytes.
    """
    _check_value(body, 0)
    try:
        data = encode(body)
    except UnicodeEncodeError as error:
        raise BodyError("a body cannot hold lone surrogates") from error
    if len(data) > MAX_BODY_BYTES:
        raise BodyError(f"a body has at most {MAX_BODY_BYTES} bytes")
    return data


def encode(body: Mapping[str, object]) -> bytes:
    """The bytes of a body, or of some members of one, that ``canonical`` accepted."""
    return _ENCODER.encode(body).encode()


def _check_value(value: object, depth: int) -> None:
    if isinstance(value, str | bool) or value is None:
        return
    if isinstance(value, int) and abs(value) < 1 << 53:
        return
    if depth > 8:
        raise BodyError("a body is nested too deeply")
    if isinstance(value, Mapping):
        for name, member in value.items():
            # ASCII names sort the same by code points as by UTF-16 units, which RFC 8785 asks for.
            if not isinstance(name, str) or not name.isascii():
                raise BodyError("names in a body are ASCII strings")
            if type(member) is not str:
                _check_value(member, depth + 1)
    elif isinstance(value, list | tuple):
        for member in value:
            _check_value(member, depth + 1)
    else:
        raise BodyError(f"a body cannot hold a {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class SealedBody:
    """An encrypted body and the salt without which nobody can open it."""

    salt: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


def _key(master: bytes, salt: bytes) -> AESGCM:
    return AESGCM(blake2b(salt, digest_size=32, key=master, person=b"custodes-body-1").digest())


def seal(body: bytes, salt: bytes, commitment: bytes, master: bytes) -> SealedBody:
    """Encrypt ``body``: AES-256-GCM under BLAKE2b(master, salt), bound to its commitment.

    The nonce is constant because each key seals one body only: salts are random and never used twice.
    """
    return SealedBody(salt, _key(master, salt).encrypt(_NONCE, body, commitment))


def unseal(sealed: SealedBody, commitment: bytes, master: bytes) -> bytes:
    """The body, checked against its commitment.

    Raises:
        BodyError: another key, another entry, or changed bytes.
    """
    try:
        body = _key(master, sealed.salt).decrypt(_NONCE, sealed.sealed, commitment)
    except (InvalidTag, ValueError) as error:
        raise BodyError("the body cannot be decrypted") from error
    check_opening(commitment, sealed.salt, body)
    return body
