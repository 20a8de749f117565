"""The API's own model, read from botocore's data: the one place that knows botocore.

In: botocore's ``rekognition`` service model, and ``own_model.json`` in the same form for what only this server does.
Out: plain frozen ``Service``, ``Operation`` and ``Shape`` values that parsing, validation, serializing and the error
table walk. Nothing of the API is typed out a second time. It does not parse, check or answer anything itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

SERVICE = "rekognition"
CONTENT_TYPE = "application/x-amz-json-1.1"

# Room for everything of a request that is not a blob: names, 4,096 face ids of 36 letters, policies.
_BODY_BASE_BYTES = 1024 * 1024

# The service model marks these two as faults of the server. Throttling is the caller's to slow down and documented at
# 400. Source: behaviour specification, section 0.1.
_SERVER_FAULT_AT_400 = frozenset({"ThrottlingException"})


class ShapeKind(StrEnum):
    """What a shape is; values are botocore's type names."""

    STRUCTURE = "structure"
    LIST = "list"
    MAP = "map"
    STRING = "string"
    INTEGER = "integer"
    LONG = "long"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    BLOB = "blob"


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One type of the API with its constraints.

    Attributes:
        name: name in the model; for people, never compared.
        kind: what it is.
        members: of a structure, by wire name.
        required: wire names that a structure must have.
        item: element of a list or value of a map.
        key: key of a map.
        minimum: least value of a number, least length of a string (code points), blob (bytes), list or map.
        maximum: the same, greatest.
        pattern: Java regular expression that the whole string must match.
        enum: allowed strings in the model's order; empty when any is allowed.
    """

    name: str
    kind: ShapeKind
    members: Mapping[str, Shape]
    required: tuple[str, ...]
    item: Shape | None
    key: Shape | None
    minimum: float | None
    maximum: float | None
    pattern: str | None
    enum: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation: its shapes, the errors it declares and the largest body it may bring, in bytes."""

    name: str
    input: Shape
    output: Shape
    errors: frozenset[str]
    max_body_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """The whole API.

    Attributes:
        operations: by name.
        target_prefix: what stands before the dot in ``X-Amz-Target``; empty where the protocol has no such header.
        namespace: of the XML of answers, where the protocol has such.
        errors: HTTP status of every modelled error, by code.
        own: operations that only this server has, by the path of their requests.
    """

    operations: Mapping[str, Operation]
    target_prefix: str
    errors: Mapping[str, int]
    own: Mapping[str, Operation]
    namespace: str = ""

    @property
    def known(self) -> Mapping[str, Operation]:
        """All operations by name, ours among them."""
        return {**self.operations, **{operation.name: operation for operation in self.own.values()}}

    def operation_of(self, target: str) -> Operation | None:
        """The operation that an ``X-Amz-Target`` header names, or None."""
        prefix, _, name = target.partition(".")
        return self.operations.get(name) if prefix == self.target_prefix else None


@cache
def load_service(name: str = SERVICE) -> Service:
    """Read a service's model (about 0.2 s for Rekognition's, once a process: models are part of the program).

    Raises:
        ValueError: the model has a recursive shape, which none of our walks is made for.
    """
    data = Loader().load_service_model(name, "service-2")
    model = ServiceModel(data, name)
    shapes = _Compiler()
    own = _own(data["shapes"], shapes) if name == SERVICE else MappingProxyType({})
    operations = {each: _operation(model.operation_model(each), shapes) for each in model.operation_names}
    # botocore keeps ``fault`` to itself, so it is read from the data.
    faults = {each for each, shape in data["shapes"].items() if shape.get("fault")} - _SERVER_FAULT_AT_400
    errors = {shape.name: 500 if shape.name in faults else 400 for shape in model.error_shapes}
    value = model.metadata
    return Service(
        MappingProxyType(operations),
        str(value.get("targetPrefix", "")),
        MappingProxyType(errors),
        own,
        str(value.get("xmlNamespace", "")),
    )


def _own(shapes_of_service: Mapping[str, Any], shapes: _Compiler) -> Mapping[str, Operation]:
    """Operations of our own model by path. It is written like botocore's and may use the shapes of that."""
    data = json.loads(resources.files("custodes.edge.aws").joinpath("own_model.json").read_text("utf-8"))
    model = ServiceModel({**data, "shapes": {**shapes_of_service, **data["shapes"]}}, "custodes")
    models = [model.operation_model(name) for name in model.operation_names]
    return MappingProxyType({str(one.http["requestUri"]): _operation(one, shapes) for one in models})


def _operation(model: Any, shapes: _Compiler) -> Operation:
    given = shapes.compile(model.input_shape)
    return Operation(
        name=model.name,
        input=given,
        output=shapes.compile(model.output_shape),
        errors=frozenset(shape.name for shape in model.error_shapes),
        max_body_bytes=_BODY_BASE_BYTES + _blob_text_bytes(given),
    )


class _Compiler:
    """Turns botocore shapes into ours, each once. botocore gives shapes their names, and one name has one meaning."""

    def __init__(self) -> None:
        self._done: dict[str, Shape] = {}
        self._open: set[str] = set()

    def compile(self, shape: Any) -> Shape:
        if shape is None:
            return Shape("Unit", ShapeKind.STRUCTURE, {}, (), None, None, None, None, None, ())
        if shape.name in self._done:
            return self._done[shape.name]
        if shape.name in self._open:
            raise ValueError(f"recursive shape {shape.name}")
        self._open.add(shape.name)
        kind = ShapeKind(shape.type_name)
        facts = shape.metadata
        compiled = Shape(
            name=shape.name,
            kind=kind,
            members=MappingProxyType(
                {name: self.compile(member) for name, member in shape.members.items()}
                if kind is ShapeKind.STRUCTURE
                else {}
            ),
            required=tuple(shape.required_members) if kind is ShapeKind.STRUCTURE else (),
            item=self._item(shape, kind),
            key=self.compile(shape.key) if kind is ShapeKind.MAP else None,
            minimum=facts.get("min"),
            maximum=facts.get("max"),
            pattern=facts.get("pattern"),
            enum=tuple(facts.get("enum", ())),
        )
        self._open.discard(shape.name)
        self._done[shape.name] = compiled
        return compiled

    def _item(self, shape: Any, kind: ShapeKind) -> Shape | None:
        if kind is ShapeKind.LIST:
            return self.compile(shape.member)
        return self.compile(shape.value) if kind is ShapeKind.MAP else None


def first_blob(shape: Shape, path: str = "") -> tuple[str, int] | None:
    """Path and largest size in bytes of the first blob in ``shape``; None where there is none."""
    if shape.kind is ShapeKind.BLOB:
        return path, int(shape.maximum or 0)
    inner = ((name, member) for name, member in shape.members.items())
    found = (first_blob(member, f"{path}.{name}" if path else name) for name, member in inner)
    return next((each for each in found if each is not None), None)


def _blob_text_bytes(shape: Shape) -> int:
    """Length in bytes of all blobs of ``shape`` as base64 text, each at its largest."""
    if shape.kind is ShapeKind.BLOB:
        # Base64 writes three bytes as four letters.
        return (int(shape.maximum or 0) + 2) // 3 * 4
    return sum(_blob_text_bytes(member) for member in shape.members.values())
