"""JSON bytes to parameters, by the operation's input shape.

In: the request body and a ``Shape``. Out: a dict in AWS member names with str, int, float, bool, bytes, list and
dict. Unknown members and nulls are dropped, as AWS does. Checks types only; constraints are the business of
``validate``, except a blob's length, which is decided from the length of its text before anything is allocated. The
walk follows the shape and not the input, so no input makes it deep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import orjson
import pybase64

from custodes.edge.aws.errors import IMAGE_TOO_LARGE, INVALID_PARAMETER, SERIALIZATION, VALIDATION, ApiError
from custodes.edge.aws.model import Operation, Shape, ShapeKind


def parse(raw: bytes, operation: Operation) -> dict[str, Any]:
    """Read the body of a request for ``operation``; an empty body is an empty object.

    Raises:
        ApiError: SerializationException for malformed JSON or a wrong type; ImageTooLargeException (or
            InvalidParameterException where an operation does not declare it) for a blob over its limit.
    """
    if not raw:
        return {}
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        # The decoder's message may quote the body, so it is not passed on.
        raise ApiError(SERIALIZATION, "Could not parse request body into json") from None
    try:
        return _structure(value, operation.input, "")
    except _BlobTooLongError as error:
        raise too_long(operation, error.path, error.limit) from None


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
    if not isinstance(value, str):
        raise _mismatch(path, "a base64 string")
    # As MIME and many command-line tools write it: in lines.
    text = "".join(value.split()) if "\n" in value else value
    limit = shape.maximum
    if limit is not None and len(text) // 4 * 3 - text.count("=", -2) > limit:
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
