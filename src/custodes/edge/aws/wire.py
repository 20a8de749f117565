"""What differs between the protocols of AWS that are spoken here: where the operation's name is, and what bytes mean.

In: a request's head or body. Out: operations, parameters, answers' and errors' bytes. ``JsonWire`` is AWS JSON 1.1,
which Rekognition speaks; ``query.QueryWire`` is what STS speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from custodes.core.ids import RequestId
from custodes.edge.aws.canonical import SignedRequest
from custodes.edge.aws.errors import UNKNOWN_OPERATION, ApiError, body
from custodes.edge.aws.model import CONTENT_TYPE, Operation, Service
from custodes.edge.aws.parse import parse
from custodes.edge.aws.serialize import serialize
from custodes.operations.requests.context import Context
from custodes.operations.requests.receipts import Released


class Wire(Protocol):
    """One protocol of one service."""

    @property
    def content_type(self) -> str:
        """Of answers."""
        ...

    def announced(self, request: SignedRequest) -> Operation:
        """What the head tells of the operation: at least how long the body may be. Raises ApiError."""
        ...

    def operation(self, announced: Operation, raw: bytes) -> Operation:
        """The operation, now that the body is there. Raises ApiError."""
        ...

    def parameters(self, raw: bytes, operation: Operation) -> dict[str, Any]:
        """Parameters of a request, unchecked but of the kinds that the model wants. Raises ApiError."""
        ...

    def answer(self, output: Mapping[str, Any], operation: Operation, request_id: RequestId) -> bytes:
        """Body of an answer."""
        ...

    def failure(self, error: ApiError, request_id: RequestId) -> tuple[bytes, ApiError]:
        """Body of an error's answer, and the error as this protocol names it."""
        ...


class JsonWire:
    """AWS JSON 1.1."""

    content_type = CONTENT_TYPE

    def __init__(self, service: Service) -> None:
        """Speak for ``service``."""
        self._service = service

    def announced(self, request: SignedRequest) -> Operation:
        """The operation of the X-Amz-Target header, or of ours the one at this path."""
        path = request.path.decode("ascii", "replace")
        named = self._service.operation_of(request.headers.get("x-amz-target", ""))
        operation = named if path == "/" else self._service.own.get(path)
        if operation is None:
            raise ApiError(UNKNOWN_OPERATION, "The X-Amz-Target header names no operation of this service.")
        return operation

    def operation(self, announced: Operation, raw: bytes) -> Operation:  # noqa: ARG002 - the port's signature
        """The same."""
        return announced

    def parameters(self, raw: bytes, operation: Operation) -> dict[str, Any]:
        """See ``parse``."""
        return parse(raw, operation)

    def answer(self, output: Mapping[str, Any], operation: Operation, request_id: RequestId) -> bytes:  # noqa: ARG002
        """See ``serialize``."""
        return serialize(output, operation)

    def failure(self, error: ApiError, request_id: RequestId) -> tuple[bytes, ApiError]:
        """See ``errors.body``."""
        return body(error, request_id), error


Handler: TypeAlias = Callable[[Context, Mapping[str, Any]], Released[Mapping[str, Any]]]
"""Answers one operation: (context, parsed and validated parameters) to output, both in AWS member names.

Raises errors of ``custodes.core.errors``, with their receipts. Called from worker threads, many at a time.
"""
