"""C2SP signed notes: a text that people can read, and Ed25519 signatures under it.

In: text and signers, or the bytes of a note and the keys one trusts. Out: the bytes of a note, or its verified text. It
does not know what the text says (see ``checkpoint``) nor where keys come from (see ``keys``). A signature by a key that
the reader knows must verify, or the whole note is refused; signatures by unknown keys are ignored.
Source: c2sp.org/signed-note v1.0.0.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# Limits of ours; the specification asks to accept at least 16 signatures.
MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 64
MAX_NAME_CHARS = 256

ALG_ED25519 = 0x01
KEY_ID_BYTES = 4
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIG_PREFIX = "\N{EM DASH} "


class NoteError(Exception):
    """A note or key is malformed, or a signature does not hold; the message says what is wrong."""


class Verifier(Protocol):
    """Checks one key's signatures."""

    @property
    def name(self) -> str:
        """Name of the key."""
        ...

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        ...

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether ``signature`` (without key id) is this key's over the note's ``text``."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """One line under a note; ``value`` comes behind the key id."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """The line as it stands in the note, with its newline."""
        return f"{_SIG_PREFIX}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note, nothing verified yet. ``text`` ends with a newline."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The bytes of the note."""
        return (self.text + "\n" + "".join(signature.line() for signature in self.signatures)).encode()


def check_name(name: str) -> str:
    """Return ``name`` if a key may be called so.

    Raises:
        NoteError: it is empty, too long, or has spaces, plus signs or control characters.
    """
    bad = not name or len(name) > MAX_NAME_CHARS or "+" in name
    if bad or any(char.isspace() or ord(char) < 0x20 for char in name):
        raise NoteError("a key name must not be empty or hold spaces or plus signs")
    return name


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """The first four bytes of SHA-256(name, newline, algorithm, public key)."""
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A named Ed25519 public key; ``str()`` gives the usual ``name+id+key`` text."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return key_id(self.name, ALG_ED25519, self.public)

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is this key's over ``text``."""
        return holds(self.public, signature, text)

    def __str__(self) -> str:
        """The key as it stands in trust files."""
        return spell_key(self.name, ALG_ED25519, self.public)

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read ``name+id+key``.

        Raises:
            NoteError: the text is malformed, its id does not fit, or the key is not Ed25519.
        """
        return cls(*parse_key(text.strip(), ALG_ED25519))


def holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether ``signature`` is that of an Ed25519 key over ``message``."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def spell_key(name: str, algorithm: int, public: bytes) -> str:
    """A key as it stands in trust files: ``name+id+key``."""
    packed = base64.b64encode(bytes([algorithm]) + public).decode()
    return f"{name}+{key_id(name, algorithm, public).hex()}+{packed}"


def parse_key(text: str, algorithm: int) -> tuple[str, bytes]:
    """Name and public key (32 bytes) of ``name+id+key``.

    Raises:
        NoteError: the text is malformed, its id does not fit, or the key is of another kind.
    """
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise NoteError("a verifier key has three parts joined by plus signs")
    name, packed = check_name(parts[0]), decode_base64(parts[2])
    if len(packed) != 33 or packed[0] != algorithm:
        raise NoteError(f"the verifier key is not an Ed25519 key of type {algorithm}")
    if not hmac.compare_digest(key_id(name, algorithm, packed[1:]).hex(), parts[1]):
        raise NoteError("the verifier key's id does not fit its name and key")
    return name, packed[1:]


def decode_base64(text: str) -> bytes:
    """Standard base64 with padding, in its one canonical spelling.

    Raises:
        NoteError: it is not.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("malformed base64") from error
    if base64.b64encode(data).decode() != text:
        raise NoteError("base64 is not in canonical form")
    return data


def check_text(text: str) -> None:
    """Raise NoteError unless ``text`` can be a note's."""
    if not text.endswith("\n"):
        raise NoteError("a note's text ends with a newline")
    if _CONTROL.search(text):
        raise NoteError("a note has no control characters but newlines")


def parse_note(data: bytes) -> Note:
    """Take a note apart without verifying it.

    Raises:
        NoteError: it is not a note.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise NoteError("the note is too long")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise NoteError("the note is not UTF-8") from error
    at = whole.rfind("\n\n")
    if at < 0:
        raise NoteError("the note has no signatures")
    text, block = whole[: at + 1], whole[at + 2 :]
    check_text(text)
    if not block.endswith("\n"):
        raise NoteError("the note does not end with a newline")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError("the note has too many signatures")
    return Note(text, tuple(_parse_line(line) for line in lines))


def _parse_line(line: str) -> Signature:
    name, _, packed = line.removeprefix(_SIG_PREFIX).partition(" ")
    if not line.startswith(_SIG_PREFIX):
        raise NoteError("a line under the note is not a signature")
    value = decode_base64(packed)
    if len(value) <= KEY_ID_BYTES:
        raise NoteError("a signature is too short")
    return Signature(check_name(name), value[:KEY_ID_BYTES], value[KEY_ID_BYTES:])


def open_note(data: bytes, keys: Sequence[Verifier], *, need: int = 1) -> tuple[Note, tuple[Verifier, ...]]:
    """Verify a note: every signature by one of ``keys`` must hold, and at least ``need`` different keys signed.

    Returns:
        the note and the keys that signed it.

    Raises:
        NoteError: malformed, a known key's signature fails, or too few known keys signed.
    """
    note = parse_note(data)
    text = note.text.encode()
    signed: list[Verifier] = []
    for signature in note.signatures:
        for key in keys:
            if key.name == signature.name and hmac.compare_digest(key.key_id, signature.key_id):
                if key in signed:
                    raise NoteError(f"{key.name} signed twice")
                if not key.verify(text, signature.value):
                    raise NoteError(f"the signature of {key.name} does not hold")
                signed.append(key)
    if len(signed) < need:
        raise NoteError(f"{len(signed)} of the keys that are trusted signed this note, {need} are needed")
    return note, tuple(signed)
