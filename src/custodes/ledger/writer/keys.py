"""Keys of the log: the Ed25519 key in its file, the text of the public key, and the statement that replaces a key.

In: a path, a name. Out: a signer; verifier key texts. Private keys are in the format of Go's note package
(``PRIVATE+KEY+name+id+base64``), in files that only their owner may read, and never appear in messages.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custodes.durable import create_durably
from custodes.ledger.tlog.note import ALG_ED25519, NoteError, VerifierKey, check_name, decode_base64, key_id

_PREFIX = "PRIVATE+KEY+"
_SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A named Ed25519 key that signs notes. Its seed is not shown by ``repr``."""

    name: str
    seed: bytes = field(repr=False)
    key_id: bytes
    """Four bytes that tell keys of one name apart."""
    _key: Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> SigningKey:
        """The key of a 32-byte seed.

        Raises:
            NoteError: the name cannot be a key's or the seed has another length.
        """
        if len(seed) != _SEED_BYTES:
            raise NoteError("an Ed25519 seed has 32 bytes")
        key = Ed25519PrivateKey.from_private_bytes(seed)
        public = key.public_key().public_bytes_raw()
        return cls(check_name(name), seed, key_id(name, ALG_ED25519, public), key)

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self._key.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """64-byte signature over ``text``."""
        return self._key.sign(text)

    def encode(self) -> str:
        """The private key as text; for the key file only."""
        packed = base64.b64encode(bytes([ALG_ED25519]) + self.seed).decode()
        return f"{_PREFIX}{self.name}+{self.key_id.hex()}+{packed}"

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """Read the text of a private key.

        Raises:
            NoteError: it is malformed; the message does not repeat it.
        """
        stripped = text.strip()
        parts = stripped.removeprefix(_PREFIX).split("+", 2)
        if not stripped.startswith(_PREFIX) or len(parts) != 3:
            raise NoteError("the private key file is malformed")
        packed = decode_base64(parts[2])
        if len(packed) != 1 + _SEED_BYTES or packed[0] != ALG_ED25519:
            raise NoteError("the private key is not an Ed25519 key")
        key = cls.from_seed(parts[0], packed[1:])
        if not hmac.compare_digest(key.key_id.hex(), parts[1]):
            raise NoteError("the private key's id does not fit its name and key")
        return key


def read_secret(path: Path) -> bytes:
    """Bytes of a secret file.

    Raises:
        NoteError: others than its owner may read it.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise NoteError(f"{path.name} may be read by others than its owner; set its mode to 0600")
        return file.read()


def write_secret(path: Path, data: bytes) -> None:
    """Write a new secret file of mode 0600, durable when this returns.

    Raises:
        FileExistsError: there is one already; a secret is never overwritten.
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    create_durably(path, data)


def load_or_create_key(path: Path, name: str) -> SigningKey:
    """The signing key in ``path``; made there when the file is missing.

    Raises:
        NoteError: the file is malformed, readable by others, or holds a key of another name.
        OSError: it cannot be read or written.
    """
    if not path.exists():
        key = SigningKey.from_seed(name, secrets.token_bytes(_SEED_BYTES))
        write_secret(path, key.encode().encode() + b"\n")
        return key
    key = SigningKey.parse(read_secret(path).decode())
    if key.name != name:
        raise NoteError(f"the key file holds the key of {key.name!r}, not of {name!r}")
    return key


def load_or_create_secret(path: Path, length: int = 32) -> bytes:
    """A random secret in ``path`` (hex); made there when the file is missing.

    Raises:
        NoteError: the file is malformed or readable by others.
        OSError: it cannot be read or written.
    """
    if not path.exists():
        secret = secrets.token_bytes(length)
        write_secret(path, secret.hex().encode() + b"\n")
        return secret
    try:
        secret = bytes.fromhex(read_secret(path).decode().strip())
    except ValueError as error:
        raise NoteError(f"{path.name} is not a secret in hex") from error
    if len(secret) != length:
        raise NoteError(f"{path.name} has another length than {length} bytes")
    return secret


def _rotation_text(old: VerifierKey, new: VerifierKey) -> bytes:
    return f"custodes key rotation v1\n{old}\n{new}\n".encode()


def rotation_fields(old: SigningKey, new: SigningKey) -> dict[str, str]:
    """Public fields of the ``key`` entry by which ``old`` hands over to ``new`` (same name, same log).

    Raises:
        NoteError: the keys have different names or are the same key.
    """
    if old.name != new.name or old.seed == new.seed:
        raise NoteError("a key is replaced by another key of the same name")
    signature = old.sign(_rotation_text(old.verifier, new.verifier))
    return {"o": _unpadded(old.verifier.public), "s": _unpadded(signature), "y": _unpadded(new.verifier.public)}


def check_rotation(trusted: VerifierKey, fields: Mapping[str, object]) -> VerifierKey:
    """The key that ``trusted`` handed over to in an entry with ``fields``.

    Raises:
        NoteError: the entry is not signed by the trusted key.
    """
    old, signature, public = (_from_unpadded(fields.get(name)) for name in ("o", "s", "y"))
    new = VerifierKey(trusted.name, public)
    if not hmac.compare_digest(old, trusted.public) or not trusted.verify(_rotation_text(trusted, new), signature):
        raise NoteError("the change of key is not signed by the key that is trusted")
    return new


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_unpadded(text: object) -> bytes:
    if not isinstance(text, str):
        raise NoteError("a field of the change of key is missing")
    standard = text.replace("-", "+").replace("_", "/")
    return decode_base64(standard + "=" * (-len(standard) % 4))


__all__ = [
    "SigningKey",
    "check_rotation",
    "key_id",
    "load_or_create_key",
    "load_or_create_secret",
    "read_secret",
    "rotation_fields",
    "write_secret",
]
