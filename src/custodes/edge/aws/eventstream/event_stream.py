"""Messages of AWS event streams: bytes to headers and payload, and back.

In: one message as bytes, or its headers and payload. Out: the other. A message that is too long, cut short, followed by
anything, damaged, or that has a header twice or of an unknown type is refused; nothing is guessed. It knows no events
and no signatures.

Layout: total length, length of headers, CRC-32 of both; headers; payload; CRC-32 of all before. Numbers are big endian.
Source: AWS, "Event stream encoding" (Amazon Transcribe Developer Guide); ``smithy.api`` event streams.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_HEADERS_BYTES = 128 * 1024
"""Source: AWS, "Event stream encoding"."""
_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_LEAST_BYTES = _PRELUDE.size + _CRC.size
_TRUE, _FALSE, _INT8, _INT16, _INT32, _INT64, _BYTES, _TEXT, _TIME, _UUID = range(10)
_NUMBERS = {_INT8: struct.Struct(">b"), _INT16: struct.Struct(">h"), _INT32: struct.Struct(">i")}
_LONG = struct.Struct(">q")
_LENGTH = struct.Struct(">H")
_UUID_BYTES = 16


class EventStreamError(ValueError):
    """Bytes that are no message."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A header's moment, ms since the epoch."""

    ts_ms: int


HeaderValue = bool | int | bytes | str | Timestamp


@dataclass(frozen=True, slots=True)
class EventMessage:
    """One message: headers in order, and its payload."""

    headers: Mapping[str, HeaderValue]
    payload: bytes = b""


def encode(message: EventMessage) -> bytes:
    """The bytes of ``message``.

    Raises:
        EventStreamError: a name or value that has no place in a message.
    """
    headers = encode_headers(message.headers)
    total = _LEAST_BYTES + len(headers) + len(message.payload)
    if len(headers) > MAX_HEADERS_BYTES or total > MAX_MESSAGE_BYTES:
        raise EventStreamError("the message is too long")
    lengths = struct.pack(">II", total, len(headers))
    body = lengths + _CRC.pack(crc32(lengths)) + headers + message.payload
    return body + _CRC.pack(crc32(body))


def encode_headers(headers: Mapping[str, HeaderValue]) -> bytes:
    """The bytes of ``headers`` alone, as signatures cover them. Raises EventStreamError."""
    parts: list[bytes] = []
    for name, value in headers.items():
        encoded = name.encode()
        if not 0 < len(encoded) < 256:
            raise EventStreamError("a header's name has 1 to 255 bytes")
        parts += [bytes([len(encoded)]), encoded, _encoded(value)]
    return b"".join(parts)


def decode(data: bytes) -> EventMessage:
    """The one message that ``data`` is. Raises EventStreamError."""
    if not _LEAST_BYTES <= len(data) <= MAX_MESSAGE_BYTES:
        raise EventStreamError("the message's length is out of range")
    total, headers_length, prelude_crc = _PRELUDE.unpack_from(data)
    if crc32(data[: _PRELUDE.size - _CRC.size]) != prelude_crc:
        raise EventStreamError("the message's lengths are damaged")
    if total != len(data) or headers_length > min(MAX_HEADERS_BYTES, total - _LEAST_BYTES):
        raise EventStreamError("the message's lengths do not fit it")
    end = len(data) - _CRC.size
    if crc32(data[:end]) != _CRC.unpack_from(data, end)[0]:
        raise EventStreamError("the message is damaged")
    split = _PRELUDE.size + headers_length
    return EventMessage(_headers(data[_PRELUDE.size : split]), data[split:end])


def _encoded(value: HeaderValue) -> bytes:
    if isinstance(value, bool):
        return bytes([_TRUE if value else _FALSE])
    try:
        if isinstance(value, int):
            return bytes([_INT32]) + _NUMBERS[_INT32].pack(value)
        if isinstance(value, Timestamp):
            return bytes([_TIME]) + _LONG.pack(value.ts_ms)
        if isinstance(value, str):
            text = value.encode()
            return bytes([_TEXT]) + _LENGTH.pack(len(text)) + text
        return bytes([_BYTES]) + _LENGTH.pack(len(value)) + value
    except struct.error as error:
        raise EventStreamError("a header's value is out of range") from error


def _headers(data: bytes) -> dict[str, HeaderValue]:
    found: dict[str, HeaderValue] = {}
    reader = _Reader(data)
    while not reader.done:
        try:
            name = reader.take(reader.byte()).decode()
        except UnicodeDecodeError as error:
            raise EventStreamError("a header's name is not text") from error
        if not name or name in found:
            raise EventStreamError("a header has no name, or the name of another")
        found[name] = _value(reader)
    return found


def _value(reader: _Reader) -> HeaderValue:
    kind = reader.byte()
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE
    if kind in _NUMBERS:
        form = _NUMBERS[kind]
        return int(form.unpack(reader.take(form.size))[0])
    if kind in (_INT64, _TIME):
        number = int(_LONG.unpack(reader.take(_LONG.size))[0])
        return Timestamp(number) if kind == _TIME else number
    if kind in (_BYTES, _TEXT):
        raw = reader.take(int(_LENGTH.unpack(reader.take(_LENGTH.size))[0]))
        try:
            return raw if kind == _BYTES else raw.decode()
        except UnicodeDecodeError as error:
            raise EventStreamError("a header's value is not text") from error
    if kind == _UUID:
        return reader.take(_UUID_BYTES)
    raise EventStreamError("a header of an unknown type")


class _Reader:
    """Takes bytes from the front, never more than there are."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._data)

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) != count:
            raise EventStreamError("a header is cut short")
        self._at += count
        return piece

    def byte(self) -> int:
        return self.take(1)[0]
