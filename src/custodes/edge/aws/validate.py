"""Checks parsed parameters against the constraints of the model.

In: parameters as ``parse`` gives them. Out: nothing, or one error that lists what is wrong in AWS wording. Checks
required, lengths, ranges, patterns and enumerations; combinations of members are the handlers' business.

Source: behaviour specification, sections 0 and 0.1: InvalidParameterException, except the operations documented to
answer a too large MaxResults with ValidationException.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from custodes.edge.aws.errors import INVALID_PARAMETER, VALIDATION, ApiError
from custodes.edge.aws.model import Operation, Shape, ShapeKind
from custodes.edge.aws.pattern import compile_pattern

_MAX_RESULTS_OPERATIONS = frozenset(
    {
        "DescribeProjects",
        "DescribeProjectVersions",
        "ListDatasetEntries",
        "ListDatasetLabels",
        "ListProjectPolicies",
    }
)

# A client learns from a few; a list of 4,096 bad ids does not earn an answer of a megabyte.
_MAX_VIOLATIONS = 5
_MAX_ECHO_LENGTH = 128


def validate(params: Mapping[str, Any], operation: Operation) -> None:
    """Check ``params`` of ``operation``.

    Raises:
        ApiError: InvalidParameterException (ValidationException in the documented cases) naming the violations.
    """
    violations: list[str] = []
    for violation in _structure(params, operation.input, ""):
        violations.append(violation)
        if len(violations) == _MAX_VIOLATIONS:
            break
    if not violations:
        return
    count = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''} detected: "
    raise ApiError(_code(params, operation), count + "; ".join(violations))


def _code(params: Mapping[str, Any], operation: Operation) -> str:
    if operation.name not in _MAX_RESULTS_OPERATIONS:
        return INVALID_PARAMETER
    limit = operation.input.members["MaxResults"].maximum
    return VALIDATION if limit is not None and params.get("MaxResults", 0) > limit else INVALID_PARAMETER


def _value(value: Any, shape: Shape, path: str) -> Iterator[str]:
    match shape.kind:
        case ShapeKind.STRUCTURE:
            yield from _structure(value, shape, path)
        case ShapeKind.LIST:
            yield from _length(value, shape, path)
            assert shape.item is not None
            for at, item in enumerate(value, start=1):
                yield from _value(item, shape.item, f"{path}.{at}.member")
        case ShapeKind.MAP:
            yield from _length(value, shape, path)
            assert shape.item is not None and shape.key is not None
            for key, item in value.items():
                yield from _string(key, shape.key, f"{path}.key")
                yield from _value(item, shape.item, f"{path}.value")
        case ShapeKind.STRING:
            yield from _string(value, shape, path)
        case ShapeKind.BLOB:
            yield from _length(value, shape, path)
        case ShapeKind.INTEGER | ShapeKind.LONG | ShapeKind.FLOAT:
            yield from _range(value, shape, path)
        case _:
            pass


def _structure(value: Mapping[str, Any], shape: Shape, path: str) -> Iterator[str]:
    dot = f"{path}." if path else ""
    for name in shape.required:
        if name not in value:
            yield f"Value null at '{dot}{_lower(name)}' failed to satisfy constraint: Member must not be null"
    for name, item in value.items():
        yield from _value(item, shape.members[name], dot + _lower(name))


def _string(value: str, shape: Shape, path: str) -> Iterator[str]:
    too_long_or_short = tuple(_length(value, shape, path))
    yield from too_long_or_short
    if shape.enum and value not in shape.enum:
        yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    # A pattern meets only text of allowed length: matching costs time that grows with it.
    if not too_long_or_short and shape.pattern and not compile_pattern(shape.pattern).fullmatch(value):
        yield _failed(value, path, f"Member must satisfy regular expression pattern: {shape.pattern}")


def _length(value: Any, shape: Shape, path: str) -> Iterator[str]:
    size = len(value)
    if shape.minimum is not None and size < shape.minimum:
        yield _failed(value, path, f"Member must have length greater than or equal to {shape.minimum}")
    if shape.maximum is not None and size > shape.maximum:
        yield _failed(value, path, f"Member must have length less than or equal to {shape.maximum}")


def _range(value: float, shape: Shape, path: str) -> Iterator[str]:
    if shape.minimum is not None and value < shape.minimum:
        yield _failed(value, path, f"Member must have value greater than or equal to {shape.minimum}")
    if shape.maximum is not None and value > shape.maximum:
        yield _failed(value, path, f"Member must have value less than or equal to {shape.maximum}")


def _failed(value: Any, path: str, constraint: str) -> str:
    return f"Value {_echo(value)}at '{path}' failed to satisfy constraint: {constraint}"


def _echo(value: Any) -> str:
    """``value`` for the message: short texts and numbers only, never a blob or a list."""
    if isinstance(value, bool | int | float):
        return f"'{value}' "
    if isinstance(value, str) and len(value) <= _MAX_ECHO_LENGTH:
        return f"'{value}' "
    return ""


def _lower(name: str) -> str:
    """Member name as AWS writes it in messages: first letter small."""
    return name[:1].lower() + name[1:]
