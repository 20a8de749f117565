"""The body of a request, read under limits.

In: an ASGI ``receive``. Out: bytes and their SHA-256. Three limits hold before memory is spent: on one body, on all
bodies held at a time, and on the time a body may take. What is refused is read away and dropped, so that the client
sends to its end and reads the answer instead of a broken connection.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress

from starlette.types import Receive

from custodes.edge.aws.errors import REQUEST_TIMEOUT, THROTTLED, ApiError


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete; nobody is there to answer."""


class BodyTooLongError(Exception):
    """The body is longer than its operation may bring."""


class Buffer:
    """How many bytes of bodies may be held at a time, by all requests together. Used on the event loop only."""

    def __init__(self, limit: int) -> None:
        """Allow ``limit`` bytes."""
        self._free = limit

    def take(self, size: int) -> bool:
        """Take ``size`` bytes if they are free."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give_back(self, size: int) -> None:
        """Return what was taken."""
        self._free += size


class Body:
    """One request's body. Call ``read`` at most once, ``drop`` always."""

    def __init__(self, receive: Receive, declared: int | None, buffer: Buffer, timeout_s: float) -> None:
        """Read from ``receive``; ``declared`` is the Content-Length, if any."""
        self._receive = receive
        self._declared = declared
        self._buffer = buffer
        self._timeout_s = timeout_s
        self._held = 0
        self.complete = False

    async def read(self, limit: int) -> tuple[bytes, str]:
        """The whole body of at most ``limit`` bytes and its SHA-256 in hex.

        Raises:
            BodyTooLongError: it is longer, by its declaration or by what came.
            ApiError: RequestTimeoutException or, with too many bodies held, ThrottlingException.
            ClientGoneError: the connection closed.
        """
        if self._declared is not None and self._declared > limit:
            raise BodyTooLongError
        digest = hashlib.sha256()
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                while not self.complete:
                    chunk = await self._next()
                    if self._held + len(chunk) > limit:
                        raise BodyTooLongError
                    if not self._buffer.take(len(chunk)):
                        raise ApiError(THROTTLED, "Slow down; too much is being sent at the same time.")
                    self._held += len(chunk)
                    digest.update(chunk)
                    chunks.append(chunk)
        except TimeoutError:
            raise ApiError(REQUEST_TIMEOUT, "The request body was not received in time.") from None
        return b"".join(chunks), digest.hexdigest()

    async def drop(self, limit: int) -> None:
        """Read away what is left, at most ``limit`` bytes, for at most as long as a body may take.

        ``complete`` tells whether the end was reached.

        Raises:
            ClientGoneError: the connection closed.
        """
        if self._declared is not None and self._declared > limit:
            return
        dropped = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                while not self.complete and dropped <= limit:
                    dropped += len(await self._next())

    def release(self) -> None:
        """Say that the body is no longer held."""
        self._buffer.give_back(self._held)
        self._held = 0

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        self.complete = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk
