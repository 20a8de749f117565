"""JSON bytes to parameters, by the operation's input shape.

In: the request body and a ``Shape``. Out: a dict in AWS member names with str, int, float, bool, bytes, list and
dict. Unknown members and nulls are dropped, as AWS does. Checks types only; constraints are the business of
``validate``, except a blob's length, which is decided from the length of its text before anything is allocated. The
walk follows the shape and not the input, so no input makes it deep. Pictures are nearly all of a request: their text is
decoded where it stands in the body, and only what is around it is read as JSON.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import orjson
import pybase64

from custodes.edge.aws.errors import IMAGE_TOO_LARGE, INVALID_PARAMETER, SERIALIZATION, VALIDATION, ApiError
from custodes.edge.aws.model import Operation, Shape, ShapeKind, first_blob

_LONG_TEXT = 16 * 1024
"""Shorter texts cost less to read as JSON than to look for."""
_MARKS_SEEN = 64
"""Quotation marks of a body among which long texts are looked for; what stands around pictures has fewer."""
_STAND_IN = secrets.token_hex(16)
"""Stands for a long text while the rest is read; nobody else knows it, so no request can name it."""


def parse(raw: bytes, operation: Operation) -> dict[str, Any]:
    """Read the body of a request for ``operation``; an empty body is an empty object.

    Raises:
        ApiError: SerializationException for malformed JSON or a wrong type; ImageTooLargeException (or
            InvalidParameterException where an operation does not declare it) for a blob over its limit.
    """
    if not raw:
        return {}
    try:
        apart = _apart(raw, operation.input)
        if apart is not None:
            with suppress(ApiError):  # which is told of the body as a whole
                return _structure(apart, operation.input, "")
        return _structure(_json(raw), operation.input, "")
    except _BlobTooLongError as error:
        raise too_long(operation, error.path, error.limit) from None


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        # The decoder's message may quote the body, so it is not passed on.
        raise ApiError(SERIALIZATION, "Could not parse request body into json") from None


def _apart(raw: bytes, shape: Shape) -> Any:
    """``raw`` as JSON with long texts that are blobs as views of it; None where it has to be read as a whole.

    A long text goes from one quotation mark to the next, without a backslash. Where the first mark begins no text but
    ends one, or is itself escaped, neither the body nor what is left of it has a text there.
    """
    if len(raw) < _LONG_TEXT or first_blob(shape) is None:
        return None
    texts: list[memoryview] = []
    pieces: list[bytes] = []
    done = 0
    for start, end in _long_texts(raw):
        pieces += [raw[done:start], f"{_STAND_IN}{len(texts)}".encode()]
        texts.append(memoryview(raw)[start:end])
        done = end
    try:
        value = orjson.loads(b"".join([*pieces, raw[done:]])) if texts else None
    except orjson.JSONDecodeError:
        return None
    named = {f"{_STAND_IN}{number}": text for number, text in enumerate(texts)}
    return value if _put(value, shape, named) == len(texts) else None


def _long_texts(raw: bytes) -> Iterator[tuple[int, int]]:
    """Where long texts begin and end, as far as the first marks of ``raw`` show."""
    mark = raw.find(b'"')
    for _ in range(_MARKS_SEEN):
        following = raw.find(b'"', mark + 1)
        if mark < 0 or following < 0:
            return
        if following - mark > _LONG_TEXT and raw.find(b"\\", mark, following) < 0:
            yield mark + 1, following
        mark = following


def _put(value: Any, shape: Shape, texts: Mapping[str, memoryview]) -> int:
    """Put ``texts`` into blobs of ``value`` that stand for them, along ``shape``; how many were put."""
    if not isinstance(value, dict):
        return 0
    put = 0
    for name, member in shape.members.items():
        inner = value.get(name)
        if member.kind is ShapeKind.BLOB and isinstance(inner, str) and inner in texts:
            value[name] = texts[inner]
            put += 1
        elif member.kind is ShapeKind.STRUCTURE:
            put += _put(inner, member, texts)
    return put


def too_long(operation: Operation, path: str, limit: int) -> ApiError:
    """What bytes of more than ``limit`` at ``path`` are refused as: programs look for the member and the number.

    Source: answers of the service to large pictures, ValidationException although the model does not declare it.
    """
    if IMAGE_TOO_LARGE not in operation.errors:
        return ApiError(INVALID_PARAMETER, f"The value at '{path}' is longer than {limit} bytes")
    names = ".".join(name[:1].lower() + name[1:] for name in path.split("."))
    constraint = f"Member must have length less than or equal to {limit}"
    detected = f"Value at '{names}' failed to satisfy constraint: {constraint}"
    return ApiError(VALIDATION, f"1 validation error detected: {detected}")


class _BlobTooLongError(Exception):
    """The text of a blob is too long for what it may decode to."""

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(path)
        self.path = path
        self.limit = limit


def _value(value: Any, shape: Shape, path: str) -> Any:
    return _READERS[shape.kind](value, shape, path)


def _mismatch(path: str, expected: str) -> ApiError:
    return ApiError(SERIALIZATION, f"The value at '{path or 'body'}' must be {expected}")


def _structure(value: Any, shape: Shape, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mismatch(path, "an object")
    dot = f"{path}." if path else ""
    return {
        name: _value(value[name], member, dot + name)
        for name, member in shape.members.items()
        if value.get(name) is not None
    }


def _list(value: Any, shape: Shape, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise _mismatch(path, "a list")
    assert shape.item is not None
    item = shape.item
    return [_value(each, item, f"{path}.{at}") for at, each in enumerate(value, start=1)]


def _map(value: Any, shape: Shape, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mismatch(path, "an object")
    assert shape.item is not None
    item = shape.item
    return {key: _value(each, item, f"{path}.value") for key, each in value.items() if each is not None}


def _string(value: Any, _: Shape, path: str) -> str:
    if not isinstance(value, str):
        raise _mismatch(path, "a string")
    return value


def _integer(value: Any, shape: Shape, path: str) -> int:
    bits = 63 if shape.kind is ShapeKind.LONG else 31
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise _mismatch(path, "an integer")
    if not -(2**bits) <= value < 2**bits:
        raise _mismatch(path, f"an integer of {bits + 1} bits")
    return int(value)


def _float(value: Any, _: Shape, path: str) -> float:
    # The decoder yields no infinity and no NaN from numbers, and texts such as "NaN" are not numbers here.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch(path, "a number")
    return float(value)


def _boolean(value: Any, _: Shape, path: str) -> bool:
    if not isinstance(value, bool):
        raise _mismatch(path, "true or false")
    return value


def _blob(value: Any, shape: Shape, path: str) -> bytes:
    text: str | memoryview
    if isinstance(value, memoryview):
        text, padding = value, bytes(value[-2:]).count(b"=")
    elif isinstance(value, str):
        # As MIME and many command-line tools write it: in lines.
        text = "".join(value.split()) if "\n" in value else value
        padding = text.count("=", -2)
    else:
        raise _mismatch(path, "a base64 string")
    limit = shape.maximum
    if limit is not None and len(text) // 4 * 3 - padding > limit:
        raise _BlobTooLongError(path, int(limit))
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        # binascii.Error; ValueError also for letters outside ASCII.
        raise _mismatch(path, "a base64 string") from None


_READERS: Mapping[ShapeKind, Callable[[Any, Shape, str], Any]] = MappingProxyType(
    {
        ShapeKind.STRUCTURE: _structure,
        ShapeKind.LIST: _list,
        ShapeKind.MAP: _map,
        ShapeKind.STRING: _string,
        ShapeKind.INTEGER: _integer,
        ShapeKind.LONG: _integer,
        ShapeKind.FLOAT: _float,
        ShapeKind.BOOLEAN: _boolean,
        ShapeKind.TIMESTAMP: _float,
        ShapeKind.BLOB: _blob,
    }
)
