"""The spelling of all files we hand out: canonical JSON with a checksum, and a parser that takes nothing else.

In: JSON values, or bytes. Out: bytes, or values with every member accounted for. Refused: floats, names given twice or
not ASCII, spaces, another order, another base64, anything behind the end. ``digest`` finds damage; it proves nothing.
Source: RFC 8785 (JSON Canonicalization Scheme), the part of it that needs no floating-point numbers.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn, cast

from custodes.ledger.tlog.entry import EntryError, from_b64url

MAX_BYTES = 256 << 20
_MAX_INT = (1 << 53) - 1
_MAX_DEPTH = 12


class StatementError(ValueError):
    """The bytes are no file of ours in canonical form; the message says why."""


def unwrap(name: str, data: bytes) -> object:
    """The value that the file holds under ``name``, its checksum compared.

    Raises:
        StatementError: the bytes have another form, or the checksum does not fit.
    """
    outer = Members(parse_canonical(data))
    digest, inner = outer.binary("digest"), outer.take(name)
    outer.end()
    if not hmac.compare_digest(digest, sha256(canonical(inner)).digest()):
        raise StatementError("the file is damaged: its checksum does not fit")
    return inner


def canonical(value: object) -> bytes:
    """The one spelling (RFC 8785) of a value made of objects with ASCII names, lists, strings, integers, null."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise StatementError("a text holds half a character") from error


def parse_canonical(data: bytes) -> object:
    """Read a value in its canonical spelling.

    Raises:
        StatementError: too long, no JSON, or another spelling.
    """
    if len(data) > MAX_BYTES:
        raise StatementError("the file is too long")
    try:
        value = json.loads(data.decode(), parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise StatementError("the file is not JSON of the kind that statements are made of") from error
    _check(value, 0)
    if canonical(value) != data:  # also finds names given twice, spaces, and anything behind the end
        raise StatementError("the file is not in canonical form")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"no such numbers here: {text[:20]}")


def _check(value: object, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise StatementError("the file is nested too deeply")
    if isinstance(value, dict):
        for name, member in value.items():
            if not name.isascii():
                raise StatementError("a name in the file is not ASCII")
            _check(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check(member, depth + 1)
    elif isinstance(value, int) and abs(value) > _MAX_INT:
        raise StatementError("a number in the file is too large")


class Members:
    """A JSON object whose members are taken one by one; none may be left or missing."""

    def __init__(self, value: object) -> None:
        """Take the members of ``value``. Raises StatementError when it is no object, as all methods do."""
        if not isinstance(value, dict):
            raise StatementError("an object is missing")
        self._members = dict(cast(dict[str, object], value))

    def take(self, name: str) -> object:
        """Any value."""
        if name not in self._members:
            raise StatementError(f"{name!r} is missing")
        return self._members.pop(name)

    def text(self, name: str) -> str:
        """A string."""
        value = self.take(name)
        if not isinstance(value, str):
            raise StatementError(f"{name!r} is no text")
        return value

    def binary(self, name: str) -> bytes:
        """Bytes in base64url."""
        try:
            return from_b64url(self.text(name))
        except EntryError as error:
            raise StatementError(f"{name!r}: {error}") from error

    def is_null(self, name: str) -> bool:
        """Take a member if it is null; whether it was."""
        if name in self._members and self._members[name] is None:
            del self._members[name]
            return True
        return False

    def time(self, name: str) -> int | None:
        """An integer of 0 or more, or null."""
        return None if self.is_null(name) else self.index(name)

    def hashes(self, name: str) -> tuple[bytes, ...]:
        """Hashes of 32 bytes, written as one."""
        packed = self.binary(name)
        if len(packed) % 32:
            raise StatementError(f"{name!r} is not a row of hashes")
        return tuple(packed[at : at + 32] for at in range(0, len(packed), 32))

    def placed(self, name: str) -> PlacedEntry:
        """An entry and its index."""
        return PlacedEntry.read(self.take(name))

    def index(self, name: str) -> int:
        """An integer of 0 or more."""
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise StatementError(f"{name!r} is no count")
        return value

    def items(self, name: str) -> list[object]:
        """A list."""
        value = self.take(name)
        if not isinstance(value, list):
            raise StatementError(f"{name!r} is no list")
        return value

    def some(self, name: str) -> list[object]:
        """A list that is there only when it has something in it."""
        rows = self.items(name) if self.has(name) else None
        if rows == []:
            raise StatementError(f"{name!r} is empty")
        return rows or []

    def has(self, name: str) -> bool:
        """Whether a member is there and not yet taken."""
        return name in self._members

    def end(self) -> None:
        """Nothing may be left."""
        if self._members:
            raise StatementError(f"{min(self._members)!r} has no place here")


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """An entry of the log and where it stands."""

    index: int
    envelope: bytes

    @classmethod
    def read(cls, value: object) -> PlacedEntry:
        """Read ``{"e": envelope, "i": index}``. Raises StatementError."""
        members = Members(value)
        placed = cls(members.index("i"), canonical(members.take("e")))
        members.end()
        return placed


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry's index with what opens its commitment: to the body, or in a decision to the excerpt."""

    index: int
    salt: bytes
    text: bytes

    @classmethod
    def read(cls, value: object) -> Opened:
        """Read ``{"b": body, "i": index, "s": salt}``. Raises StatementError."""
        members = Members(value)
        body = members.take("b")
        if not isinstance(body, dict):
            raise StatementError("a body is no object")
        opened = cls(members.index("i"), members.binary("s"), canonical(body))
        members.end()
        return opened
