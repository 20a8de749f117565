"""AWS's Query protocol: parameters of a form in, XML out, both by the service model.

In: a form's bytes and an operation. Out: parameters as the JSON parser gives them, or an answer's or error's XML. It
knows what the shapes of STS need: structures, lists (``Name.member.1``), texts, numbers, booleans, times.

Source: Smithy, "AWS Query protocol".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from custodes.core.ids import RequestId
from custodes.edge.aws.canonical import SignedRequest
from custodes.edge.aws.errors import INVALID_PARAMETER, UNKNOWN_OPERATION, ApiError
from custodes.edge.aws.model import Operation, Service, Shape, ShapeKind

CONTENT_TYPE = "text/xml"
FORM = "application/x-www-form-urlencoded"
METHOD_NOT_ALLOWED, INTERNAL_STATUS = 405, 500
_MAX_FIELDS = 1000
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_INDEX = re.compile(r"[1-9][0-9]{0,3}")
# XML 1.0 has no way to write these at all.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

Fields = Mapping[str, str]
Codes = Mapping[str, tuple[str, int]]
"""What a service calls errors that the JSON API has other names for, and their HTTP status."""

_HEAD = Shape("Unit", ShapeKind.STRUCTURE, {}, (), None, None, None, None, None, ())


class QueryWire:
    """The Query protocol of one service."""

    content_type = CONTENT_TYPE

    def __init__(self, service: Service, version: str, codes: Codes, max_body_bytes: int) -> None:
        """Speak for ``version`` of ``service``."""
        self._service = service
        self._version = version
        self._codes = codes
        self._head = Operation("Unknown", _HEAD, _HEAD, frozenset(), max_body_bytes)

    def announced(self, request: SignedRequest) -> Operation:  # noqa: ARG002 - the port's signature
        """Nothing but the length: the name is in the body."""
        return self._head

    def operation(self, announced: Operation, raw: bytes) -> Operation:  # noqa: ARG002 - the port's signature
        """The operation that the form names."""
        fields = read_form(raw)
        operation = self._service.operations.get(fields.get("Action", ""))
        if operation is None or fields.get("Version") != self._version:
            raise ApiError(UNKNOWN_OPERATION, f"There is no such action in version {self._version} of this service.")
        return operation

    def parameters(self, raw: bytes, operation: Operation) -> dict[str, Any]:
        """Parameters of a form; fields that the operation does not have are ignored, as AWS does."""
        found = _read(read_form(raw), "", operation.input)
        return found if isinstance(found, dict) else {}

    def answer(self, output: Mapping[str, Any], operation: Operation, request_id: RequestId) -> bytes:
        """XML of an answer."""
        result = _write(f"{operation.name}Result", output, operation.output)
        meta = f"<ResponseMetadata><RequestId>{_text(request_id)}</RequestId></ResponseMetadata>"
        name = f"{operation.name}Response"
        return f'<{name} xmlns="{self._service.namespace}">{result}{meta}</{name}>'.encode()

    def failure(self, error: ApiError, request_id: RequestId) -> tuple[bytes, ApiError]:
        """XML of an error."""
        code, status = self._codes.get(error.code, (error.code, error.status))
        value = ApiError(code, error.message, error.status if error.status == METHOD_NOT_ALLOWED else status)
        side = "Receiver" if value.status >= INTERNAL_STATUS else "Sender"
        what = f"<Type>{side}</Type><Code>{_text(code)}</Code><Message>{_text(error.message)}</Message>"
        xml = (
            f'<ErrorResponse xmlns="{self._service.namespace}"><Error>{what}</Error>'
            f"<RequestId>{_text(request_id)}</RequestId></ErrorResponse>"
        )
        return xml.encode(), value


def read_form(raw: bytes) -> dict[str, str]:
    """Fields of a form; a name that stands twice makes it invalid. Raises ApiError."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise ApiError(INVALID_PARAMETER, "The request body is not a form.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ApiError(INVALID_PARAMETER, "A parameter stands twice in the request.")
    return fields


def _read(fields: Fields, name: str, shape: Shape) -> Any:
    """The value at ``name``, or None when there is none."""
    match shape.kind:
        case ShapeKind.STRUCTURE:
            dot = f"{name}." if name else ""
            read = {member: _read(fields, dot + member, inner) for member, inner in shape.members.items()}
            present = {member: value for member, value in read.items() if value is not None}
            return present or None
        case ShapeKind.LIST:
            return _read_list(fields, name, shape)
        case _:
            text = fields.get(name)
            return None if text is None else _scalar(text, name, shape.kind)


def _read_list(fields: Fields, name: str, shape: Shape) -> list[Any] | None:
    assert shape.item is not None
    start = f"{name}.member."
    numbers = {field[len(start) :].partition(".")[0] for field in fields if field.startswith(start)}
    if not all(_INDEX.fullmatch(number) for number in numbers):
        raise ApiError(INVALID_PARAMETER, f"Members of {name} are numbered from 1.")
    if not numbers:
        return [] if fields.get(name) == "" else None
    read = [_read(fields, f"{start}{number}", shape.item) for number in sorted(numbers, key=int)]
    # A structure of which nothing is there is an empty one, which validation then judges.
    return [{} if value is None else value for value in read]


def _scalar(text: str, name: str, kind: ShapeKind) -> Any:
    if kind in (ShapeKind.INTEGER, ShapeKind.LONG):
        if not _INTEGER.fullmatch(text):
            raise ApiError(INVALID_PARAMETER, f"{name} is a whole number.")
        return int(text)
    if kind is ShapeKind.BOOLEAN:
        if text not in ("true", "false"):
            raise ApiError(INVALID_PARAMETER, f"{name} is true or false.")
        return text == "true"
    if kind is ShapeKind.STRING:
        return text
    raise ApiError(INVALID_PARAMETER, f"{name} cannot be given here.")


def _write(name: str, value: Any, shape: Shape) -> str:
    return f"<{name}>{_content(value, shape)}</{name}>"


def _content(value: Any, shape: Shape) -> str:
    match shape.kind:
        case ShapeKind.STRUCTURE:
            assert isinstance(value, Mapping)
            return "".join(
                _write(member, item, shape.members[member]) for member, item in value.items() if item is not None
            )
        case ShapeKind.LIST:
            assert isinstance(value, Sequence) and shape.item is not None
            return "".join(_write("member", item, shape.item) for item in value)
        case ShapeKind.TIMESTAMP:
            # Seconds since the epoch.
            return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case ShapeKind.BOOLEAN:
            return "true" if value else "false"
        case _:
            return _text(str(value))


def _text(value: str) -> str:
    return escape(_UNWRITABLE.sub("?", value))
