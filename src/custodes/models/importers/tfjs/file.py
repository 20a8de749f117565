"""TensorFlow.js graph models as files: ``model.json`` and its weight shards to nodes and arrays.

In: the bytes of the JSON and of the shards it names. Out: nodes in order of computation with decoded attributes, and
the weights as float32, int32 or bool, dequantised. It gives operators no meaning; see tfjs_graph.py.

Source: the formats written by tensorflowjs_converter (``weightsManifest`` with ``quantization``: float16, or uint8 and
uint16 with value = code * scale + min).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.graph import Array

_JSON_LIMIT = 16 << 20
_DTYPES = {"float32": "<f4", "int32": "<i4", "bool": "|b1", "uint8": "|u1"}
_CODES = {"float16": "<f2", "uint8": "|u1", "uint16": "<u2"}


@dataclass(frozen=True, slots=True)
class TfNode:
    """One node: ``inputs`` are tensor names (``node`` or ``node:1``), control inputs left out."""

    name: str
    operator: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class TfGraph:
    """Nodes in order of computation, and the value of every Const node by name."""

    nodes: tuple[TfNode, ...]
    weights: Mapping[str, Array]

    def node(self, name: str) -> TfNode:
        """The node called ``name``.

        Raises:
            ImportFailedError: there is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise ImportFailedError(f"tfjs model has no node {name!r}")


def shard_names(model_json: bytes) -> tuple[str, ...]:
    """The weight files that the model needs, in order."""
    groups = _object(model_json).get("weightsManifest", [])
    return tuple(str(path) for group in groups for path in group.get("paths", []))


def read_tfjs(model_json: bytes, shards: Mapping[str, bytes]) -> TfGraph:
    """Parse a graph model.

    Raises:
        ImportFailedError: not a graph model, a shard is missing or too short, or an unknown weight type.
    """
    document = _object(model_json)
    try:
        raw_nodes = document["modelTopology"]["node"]
        nodes = [_node(raw) for raw in raw_nodes]
        weights: dict[str, Array] = {}
        for group in document["weightsManifest"]:
            weights.update(read_weights(group["weights"], b"".join(_shard(shards, path) for path in group["paths"])))
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ImportFailedError(f"tfjs model.json: not a graph model ({error})") from error
    return TfGraph(_ordered(nodes), weights)


def _object(model_json: bytes) -> dict[str, Any]:
    if len(model_json) > _JSON_LIMIT:
        raise ImportFailedError("tfjs model.json is too large")
    try:
        document = json.loads(model_json)
    except (ValueError, RecursionError) as error:
        raise ImportFailedError("tfjs model.json is not JSON") from error
    if not isinstance(document, dict):
        raise ImportFailedError("tfjs model.json is not an object")
    return document


def _shard(shards: Mapping[str, bytes], path: str) -> bytes:
    if path not in shards:
        raise ImportFailedError(f"tfjs weights {path!r} are missing")
    return shards[path]


def _node(raw: Mapping[str, Any]) -> TfNode:
    inputs = tuple(name.removesuffix(":0") for name in raw.get("input", []) if not name.startswith("^"))
    attributes = {key: _attribute(value) for key, value in (raw.get("attr") or {}).items()}
    return TfNode(str(raw["name"]), str(raw["op"]), inputs, attributes)


def _attribute(raw: Mapping[str, Any]) -> Any:
    """A decoded attribute: text, int, float, bool, type name, list, or shape (tuple)."""
    if "list" in raw:
        return [_scalar(kind, item) for kind, items in raw["list"].items() for item in items or []]
    if "shape" in raw:
        return tuple(int(dim.get("size", -1)) for dim in raw["shape"].get("dim", []))
    for kind, value in raw.items():
        return _scalar(kind, value)
    return None


def _scalar(kind: str, value: Any) -> Any:
    if kind == "s":
        return base64.b64decode(value, validate=True).decode("latin-1")
    if kind == "i":
        return int(value)
    return float(value) if kind == "f" else value


def read_weights(entries: Sequence[Mapping[str, Any]], data: bytes) -> dict[str, Array]:
    """Weights by name from one group of a manifest and its joined shards, dequantised.

    Raises:
        ImportFailedError: an unknown type, or more or fewer bytes than the manifest says.
        KeyError, TypeError: not a manifest.
    """
    weights = {}
    at = 0
    for entry in entries:
        shape = tuple(int(size) for size in entry["shape"])
        quantization = entry.get("quantization") or {}
        stored = _CODES.get(quantization["dtype"]) if quantization else _DTYPES.get(entry["dtype"])
        if stored is None or entry["dtype"] not in _DTYPES or min(shape, default=0) < 0:
            raise ImportFailedError(f"tfjs weight {entry['name']!r}: type {entry['dtype']!r} is not supported")
        count = math.prod(shape)
        size = count * np.dtype(stored).itemsize
        if at + size > len(data):
            raise ImportFailedError(f"tfjs weights end before {entry['name']!r}")
        codes = np.frombuffer(data, stored, count, at).reshape(shape)
        at += size
        weights[str(entry["name"])] = _dequantise(codes, entry["dtype"], quantization)
    if at != len(data):
        raise ImportFailedError("tfjs weights hold more than the manifest says")
    return weights


def _dequantise(codes: Array, dtype: str, quantization: Mapping[str, Any]) -> Array:
    target = np.dtype(_DTYPES[dtype]).newbyteorder("=")
    if "scale" in quantization:
        # tfjs computes in double and stores float32; integers are rounded.
        values = codes.astype(np.float64) * float(quantization["scale"]) + float(quantization["min"])
        codes = np.round(values) if dtype == "int32" else values
    return codes.astype(target)


def _ordered(nodes: Sequence[TfNode]) -> tuple[TfNode, ...]:
    """Nodes sorted so that inputs come first. Cycles (loops of control flow) are refused."""
    by_name = {node.name: node for node in nodes}
    done: dict[str, TfNode] = {}
    open_names: set[str] = set()
    for start in nodes:
        stack = [start]
        while stack:
            node = stack[-1]
            if node.name in done:
                stack.pop()
                continue
            open_names.add(node.name)
            waiting = [name for name in (i.split(":")[0] for i in node.inputs) if name not in done]
            for name in waiting:
                if name not in by_name or name in open_names:
                    raise ImportFailedError(f"tfjs node {node.name!r}: input {name!r} is missing or part of a loop")
            if waiting:
                stack.extend(by_name[name] for name in waiting)
            else:
                done[node.name] = node
                open_names.discard(node.name)
                stack.pop()
    return tuple(done.values())
