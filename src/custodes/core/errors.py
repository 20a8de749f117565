"""The small tree of domain errors. No protocol words in it: the edge maps each class to its AWS code in one table.

Raised by every room; caught only at the outer borders. The message is shown to the client, so it never holds secrets,
image content, vectors or anything about another account.
"""

from __future__ import annotations


class CustodesError(Exception):
    """Root of all expected errors. ``message`` is safe to show to the caller."""

    def __init__(self, message: str) -> None:
        """Keep ``message`` for the caller."""
        super().__init__(message)
        self.message = message


class InvalidParameterError(CustodesError):
    """A well-formed request that breaks a rule (limits, combinations, no face where one is needed)."""


class PolicyDocumentError(InvalidParameterError):
    """A policy document that came with a request holds something that is not understood."""


class ImageFormatError(CustodesError):
    """The bytes are not a picture that we decode (wrong format, empty, truncated, corrupt)."""


class ImageTooLargeError(CustodesError):
    """The picture exceeds the limit on bytes or pixels."""


class VideoFormatError(CustodesError):
    """The bytes are not a video that we decode (wrong format or codec, truncated, damaged, beyond a limit)."""


class VideoTooLargeError(CustodesError):
    """The video exceeds the limit on bytes or on duration."""


class ObjectStoreError(CustodesError):
    """An S3Object could not be read: bucket, key, version or permission."""


class NotFoundError(CustodesError):
    """A named thing (collection, user, ARN) does not exist for this account."""


class SessionNotFoundError(NotFoundError):
    """A session of face liveness does not exist for this account, or not any more, or was used."""


class AlreadyExistsError(CustodesError):
    """A collection of this id exists."""


class InUseError(CustodesError):
    """The thing is at work, or its name is taken, so that it cannot be changed or made now."""


class ConflictError(CustodesError):
    """A user exists already, or another update of the same user is running."""


class IdempotencyError(CustodesError):
    """A ClientRequestToken was used before with other inputs."""


class PaginationTokenError(CustodesError):
    """A NextToken is malformed, expired or belongs to another request."""


class QuotaError(CustodesError):
    """A lasting limit (faces per collection, faces per user, tags per resource)."""


class OpenJobsError(QuotaError):
    """An account has as many open jobs as it may have; one of them has to end first."""


class LimitError(QuotaError):
    """An account has as many things of a kind as it may have at a time."""


class NotUsableError(CustodesError):
    """Something is there, but cannot be used in the state that it is in."""


class PolicyRevisionError(CustodesError):
    """A policy document has another revision than the one that was named."""


class ManifestError(CustodesError):
    """A list of pictures is empty, too long, or not one."""


class HumanLoopError(CustodesError):
    """A review by people was asked for, and there is nobody to do it."""


class DeniedError(CustodesError):
    """The gate refuses; the message carries the public reason and the rule id."""


class ThrottledError(CustodesError):
    """Too many requests for now."""


class RateExceededError(ThrottledError):
    """More requests of one operation than an account may send; the next ones are answered again soon."""


class NotSupportedError(CustodesError):
    """An operation or option of the API that this server does not have; said plainly, never an invented answer."""


class UnavailableError(CustodesError):
    """We cannot do it now and it is our fault (store not writable, model missing)."""


class NotReadyError(UnavailableError):
    """We can do it soon: what it needs is being read into memory. ``retry_after_s`` says when to ask again."""

    def __init__(self, message: str, retry_after_s: int = 2) -> None:
        """Keep both for the caller."""
        super().__init__(message)
        self.retry_after_s = retry_after_s
