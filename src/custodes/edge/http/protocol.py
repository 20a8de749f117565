"""HTTP/1.1 on the wire: uvicorn's own protocol, with limits on the head of a request.

In: bytes of one connection. Out: what uvicorn makes of them. uvicorn limits neither how long nor how large a request's
head may grow, so one client could hold a connection for ever, or fill the memory, before the application hears of it.
Bodies are limited in ``body``, waiting between requests by uvicorn.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class _State(Enum):
    BETWEEN = auto()
    HEAD = auto()
    BODY = auto()


class GuardedProtocol(HttpToolsProtocol):
    """Closes connections whose next head is too slow or too large.

    A head that comes in one piece is bounded by what the system hands over at once; the limit is for the rest.
    """

    head_timeout_s: ClassVar[float] = 20.0
    head_bytes: ClassVar[int] = 64 * 1024

    _state = _State.BETWEEN
    _received = 0
    _messages = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the first head."""
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then see whether a head is still open."""
        before = (self._state, self._messages)
        super().data_received(data)
        if self._state is _State.HEAD:
            self._received += len(data)
            self._arm()
        elif self._state is _State.BETWEEN and before == (self._state, self._messages):
            # Blank lines ahead of a head: they ended uvicorn's wait between requests, so ours begins.
            self._arm()
        if self._received > self.head_bytes and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._state = _State.HEAD
        self._received = 0

    def on_headers_complete(self) -> None:
        """The head is complete; its body has other limits."""
        self._state = _State.BODY
        self._received = 0
        self._disarm()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._state = _State.BETWEEN
        self._messages += 1
        super().on_message_complete()

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_timeout_s, self._too_slow)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            # The request before is still being answered; its client may read that first.
            self._arm()
        elif not self.transport.is_closing():
            self.transport.close()
