"""Weights in a file of PyTorch's first format (before zip), without PyTorch and without unpickling.

In: the bytes of a file that ``torch.save`` wrote from a state dictionary. Out: arrays by name, float32. The pickle
inside is read by a machine of our own that knows a few operations on plain values and the one call that describes a
tensor; it imports nothing and calls nothing, so a hostile file can only be refused.

Source: ``_legacy_save`` in torch/serialization.py: magic number, protocol, system information, dictionary with
persistent ids of storages, list of storage keys, then per storage its length (8 bytes) and its values.
"""

from __future__ import annotations

import io
import math
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.lib.stride_tricks import as_strided

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.graph import Array

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_TYPES = {"torch FloatStorage": "<f4", "torch LongStorage": "<i8"}
_LIMIT = 1 << 28
"""Values of one storage."""


@dataclass(frozen=True, slots=True)
class _Global:
    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    kind: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_MARK = object()


@dataclass(slots=True)
class _Machine:
    """Stack and memo of one pickle."""

    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self, stream: io.BytesIO) -> Any:
        """The value that the next pickle of ``stream`` builds from plain values."""
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "STOP":
                return self.stack.pop()
            self._step(opcode.name, argument)
        return _refuse("a pickle without an end")

    def _step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _PLAIN:
            stack.append(_PLAIN[name](argument))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        elif name in _MARKED:
            self._marked(name)
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            stack[-1][key] = value
        elif name == "APPEND":
            item = stack.pop()
            stack[-1].append(item)
        elif name == "BUILD":
            stack.pop()  # attributes of the dictionary: versions of modules, which we do not need
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(_call(function, arguments))
        elif name != "PROTO":
            _refuse(f"operation {name}")

    def _marked(self, name: str) -> None:
        at = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        items = self.stack[at + 1 :]
        del self.stack[at:]
        if name == "TUPLE":
            self.stack.append(tuple(items))
        elif name == "APPENDS":
            self.stack[-1].extend(items)
        else:
            self.stack[-1].update(zip(items[::2], items[1::2], strict=True))


_MARKED = frozenset({"TUPLE", "APPENDS", "SETITEMS"})
_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"), lambda value: value),
    "NONE": lambda _: None,
    "NEWFALSE": lambda _: False,
    "NEWTRUE": lambda _: True,
    "EMPTY_TUPLE": lambda _: (),
    "EMPTY_DICT": lambda _: {},
    "EMPTY_LIST": lambda _: [],
    "MARK": lambda _: _MARK,
    "GLOBAL": lambda value: _Global(str(value)),
}


def read_torch(data: bytes) -> dict[str, Array]:
    """All tensors of a state dictionary by name.

    Raises:
        ImportFailedError: another format, an unexpected value, or an end too early.
    """
    stream = io.BytesIO(data)
    try:
        if (_Machine().run(stream), _Machine().run(stream)) != (_MAGIC, _PROTOCOL):
            _refuse("another format")
        _Machine().run(stream)
        tensors = _Machine().run(stream)
        keys = _Machine().run(stream)
        storages = {key: _values(stream, key, tensors) for key in keys}
        return {name: _array(tensor, storages) for name, tensor in tensors.items()}
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise ImportFailedError("torch file: not a state dictionary of the first format") from error


def _refuse(why: str) -> NoReturn:
    raise ImportFailedError(f"torch file: {why} was not expected")


def _call(function: Any, arguments: tuple[Any, ...]) -> Any:
    """The two calls that a state dictionary needs, as plain values."""
    if function == _Global("collections OrderedDict"):
        return {}
    if function == _Global("torch._utils _rebuild_tensor_v2"):
        storage, offset, shape, strides = arguments[:4]
        if not isinstance(storage, _Storage) or len(shape) != len(strides) or min((offset, *shape, *strides)) < 0:
            _refuse("such a tensor")
        return _Tensor(storage, int(offset), tuple(shape), tuple(strides))
    return _refuse(f"a call of {function!r}")


def _storage(facts: tuple[Any, ...]) -> _Storage:
    tag, kind, key, _, count = facts[:5]
    if tag != "storage" or not isinstance(kind, _Global) or kind.name not in _TYPES or not 0 <= count <= _LIMIT:
        _refuse("such a storage")
    return _Storage(_TYPES[kind.name], str(key), int(count))


def _values(stream: io.BytesIO, key: str, tensors: Mapping[str, _Tensor]) -> Array:
    storage = next(tensor.storage for tensor in tensors.values() if tensor.storage.key == key)
    count = int.from_bytes(stream.read(8), "little")
    data = stream.read(count * np.dtype(storage.kind).itemsize) if count == storage.count else b""
    return np.frombuffer(data, storage.kind, storage.count)


def _array(tensor: _Tensor, storages: Mapping[str, Array]) -> Array:
    """The tensor's values in its own order of axes, whichever order they are stored in."""
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    if 0 in tensor.shape or math.prod(tensor.shape) > _LIMIT or tensor.offset + last >= tensor.storage.count:
        _refuse("a tensor beyond its storage")
    flat = storages[tensor.storage.key][tensor.offset :]
    strides = [stride * flat.itemsize for stride in tensor.strides]
    return np.ascontiguousarray(as_strided(flat, tensor.shape, strides, writeable=False), np.float32)
