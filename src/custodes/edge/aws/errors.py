"""Errors on the wire: which AWS code, status and body each error has.

In: an exception of the core tree or an AWS code. Out: ``ApiError`` and its JSON body. It does not catch anything;
the border in ``app`` does.

Source: behaviour specification, sections 0.1 (body, status) and 4.1 (codes of refused signatures).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import orjson

from custodes.core import errors as core
from custodes.core.ids import RequestId

INTERNAL = "InternalServerError"
INVALID_PARAMETER = "InvalidParameterException"
UNKNOWN_OPERATION = "UnknownOperationException"
SERIALIZATION = "SerializationException"
VALIDATION = "ValidationException"
REQUEST_TIMEOUT = "RequestTimeoutException"
THROTTLED = "ThrottlingException"
IMAGE_TOO_LARGE = "ImageTooLargeException"
NOT_READY = "ServiceUnavailable"

CODES: Mapping[type[core.CustodesError], str] = MappingProxyType(
    {
        core.InvalidParameterError: INVALID_PARAMETER,
        core.PolicyDocumentError: "MalformedPolicyDocumentException",
        core.ImageFormatError: "InvalidImageFormatException",
        core.ImageTooLargeError: IMAGE_TOO_LARGE,
        core.VideoFormatError: INVALID_PARAMETER,
        core.VideoTooLargeError: "VideoTooLargeException",
        core.ObjectStoreError: "InvalidS3ObjectException",
        core.NotFoundError: "ResourceNotFoundException",
        core.SessionNotFoundError: "SessionNotFoundException",
        core.AlreadyExistsError: "ResourceAlreadyExistsException",
        core.ConflictError: "ConflictException",
        core.IdempotencyError: "IdempotentParameterMismatchException",
        core.PaginationTokenError: "InvalidPaginationTokenException",
        core.QuotaError: "ServiceQuotaExceededException",
        core.OpenJobsError: "LimitExceededException",
        core.LimitError: "LimitExceededException",
        core.InUseError: "ResourceInUseException",
        core.NotUsableError: "ResourceNotReadyException",
        core.PolicyRevisionError: "InvalidPolicyRevisionIdException",
        core.ManifestError: "InvalidManifestException",
        core.HumanLoopError: "HumanLoopQuotaExceededException",
        core.DeniedError: "AccessDeniedException",
        core.ThrottledError: THROTTLED,
        core.RateExceededError: "ProvisionedThroughputExceededException",
        # Every operation declares InvalidParameterException and no client retries it. AccessDenied would send people
        # looking for a missing permission, InternalServerError would be retried.
        core.NotSupportedError: INVALID_PARAMETER,
        core.UnavailableError: INTERNAL,
        # A code that all AWS clients know and try again.
        core.NotReadyError: NOT_READY,
    }
)
"""The one table from core error class to AWS code. A subclass that is not listed has its nearest base's code."""

# Not every refusal is modelled; these have their own status, all other codes have 400.
_STATUS: Mapping[str, int] = MappingProxyType({INTERNAL: 500, NOT_READY: 503, REQUEST_TIMEOUT: 408})


class ApiError(Exception):
    """An answer that is an error: AWS ``code``, HTTP ``status`` and a ``message`` that is safe to show."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        """Keep the three; ``status`` follows from ``code`` when not given."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = _STATUS.get(code, 400) if status is None else status


def api_error(error: core.CustodesError) -> ApiError:
    """The wire form of a domain error. An error class without a code is a defect, answered as such."""
    for kind in type(error).__mro__:
        if kind in CODES:
            return ApiError(CODES[kind], error.message)
    return ApiError(INTERNAL, "Internal server error")


def body(error: ApiError, request_id: RequestId) -> bytes:
    """JSON body of ``error``. Clients read ``__type``, ``Code`` or the header, so all agree."""
    return orjson.dumps(
        {"__type": error.code, "Code": error.code, "Logref": request_id, "Message": error.message},
    )
