"""Handlers' answers to JSON bytes, by the operation's output shape.

In: a mapping in AWS member names. Out: JSON. Members that are None are left out, empty lists stay, floats are
widened from float32 as the service does, timestamps (seconds since the epoch, or datetimes with a zone) become
numbers, bytes become base64. Anything that the model does not know is a defect of a handler and raises.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from ctypes import c_float
from datetime import datetime
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any

import orjson
import pybase64

from custodes.edge.aws.model import Operation, Shape, ShapeKind


class OutputError(RuntimeError):
    """A handler answered something that the operation's output cannot hold: a defect in this program."""


def serialize(output: Mapping[str, Any], operation: Operation) -> bytes:
    """JSON of ``output``.

    Raises:
        OutputError: an unknown member, a wrong type, a value outside its enumeration, NaN or infinity.
    """
    return orjson.dumps(_structure(output, operation.output, operation.name))


def _value(value: Any, shape: Shape, path: str) -> Any:
    return _WRITERS[shape.kind](value, shape, path)


def _expect(true: bool, path: str, expected: str) -> None:
    # The value itself may be a picture or a vector and stays out of the message.
    if not true:
        raise OutputError(f"{path} must be {expected}")


def _structure(value: Any, shape: Shape, path: str) -> dict[str, Any]:
    _expect(isinstance(value, Mapping), path, "a mapping")
    unknown = [name for name in value if name not in shape.members]
    _expect(not unknown, path, f"without the unknown members {unknown}")
    return {
        name: _value(item, shape.members[name], f"{path}.{name}") for name, item in value.items() if item is not None
    }


def _list(value: Any, shape: Shape, path: str) -> list[Any]:
    _expect(isinstance(value, Sequence) and not isinstance(value, str | bytes), path, "a list")
    assert shape.item is not None
    item = shape.item
    return [_value(each, item, path) for each in value]


def _map(value: Any, shape: Shape, path: str) -> dict[str, Any]:
    _expect(isinstance(value, Mapping) and all(isinstance(key, str) for key in value), path, "a mapping of strings")
    assert shape.item is not None
    item = shape.item
    return {key: _value(each, item, path) for key, each in value.items() if each is not None}


def _string(value: Any, shape: Shape, path: str) -> str:
    _expect(isinstance(value, str), path, "a string")
    text = str(value)
    _expect(not shape.enum or text in shape.enum, path, f"one of {shape.enum}")
    return text


def _integer(value: Any, _: Shape, path: str) -> int:
    _expect(isinstance(value, Integral) and not isinstance(value, bool), path, "an integer")
    return int(value)


def _float(value: Any, _: Shape, path: str) -> float:
    _expect(isinstance(value, Real) and not isinstance(value, bool), path, "a number")
    narrowed = c_float(value).value
    _expect(math.isfinite(narrowed), path, "finite")
    return narrowed


def _timestamp(value: Any, _: Shape, path: str) -> float:
    if isinstance(value, datetime):
        _expect(value.tzinfo is not None, path, "a datetime with a zone")
        return value.timestamp()
    _expect(isinstance(value, Real) and not isinstance(value, bool), path, "seconds since the epoch")
    _expect(math.isfinite(value), path, "finite")
    return float(value)


def _boolean(value: Any, _: Shape, path: str) -> bool:
    _expect(isinstance(value, bool), path, "a boolean")
    return bool(value)


def _blob(value: Any, _: Shape, path: str) -> str:
    _expect(isinstance(value, bytes | bytearray | memoryview), path, "bytes")
    return pybase64.b64encode(value).decode("ascii")


_WRITERS: Mapping[ShapeKind, Callable[[Any, Shape, str], Any]] = MappingProxyType(
    {
        ShapeKind.STRUCTURE: _structure,
        ShapeKind.LIST: _list,
        ShapeKind.MAP: _map,
        ShapeKind.STRING: _string,
        ShapeKind.INTEGER: _integer,
        ShapeKind.LONG: _integer,
        ShapeKind.FLOAT: _float,
        ShapeKind.BOOLEAN: _boolean,
        ShapeKind.TIMESTAMP: _timestamp,
        ShapeKind.BLOB: _blob,
    }
)
