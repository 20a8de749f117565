"""Requests passed on to another server as they came, and its answers as they come.

In: ASGI requests, the URL of a server. Out: its answers; ``ServiceUnavailable`` with ``Retry-After``, which AWS clients
try again, where it cannot be reached. Heads are passed on as they are, so that signatures hold. It keeps no
connections and retries nothing: whether a request was carried out is not known here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit

import httptools
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from custodes.edge.aws.errors import NOT_READY, ApiError, body
from custodes.edge.aws.eventstream.event_stream import MAX_MESSAGE_BYTES
from custodes.edge.aws.model import CONTENT_TYPE
from custodes.edge.http.exchange import Exchange
from custodes.edge.http.socket_forwarding import TRY_AGAIN, forward_socket

FORWARDED = b"x-custodes-forwarded"
"""On requests that were passed on once; they are not passed on again."""
_CONNECT_S, _ANSWER_S = 3.0, 120.0
_CHUNK = 65_536
# Of one connection, RFC 9110 7.6.1; the server in front writes its own date and id.
_HOPS = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
_OWN = frozenset({b"date"})


class _Head:
    """What httptools tells of an answer."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: list[bytes] = []
        self.begun = False
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.begun = True

    def on_body(self, data: bytes) -> None:
        self.chunks.append(data)

    def on_message_complete(self) -> None:
        self.complete = True


async def forward(scope: Scope, receive: Receive, send: Send, url: str) -> None:
    """Have the server at ``url`` answer the request, or talk over the WebSocket."""
    if scope["type"] != "http":
        await forward_socket(scope, receive, send, url, mark=FORWARDED, message_bytes=MAX_MESSAGE_BYTES)
        return
    try:
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await _connected(url)
    except (OSError, TimeoutError, ValueError):
        await unavailable(scope, receive, send, "The server that does this cannot be reached now.")
        return
    try:
        await _exchange(scope, receive, send, reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def unavailable(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
    """Ask the client to try again in a second."""
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": TRY_AGAIN})
        return
    refusal = ApiError(NOT_READY, reason, 503)
    exchange = Exchange.of(scope)
    exchange.code = refusal.code
    headers = {"x-amzn-errortype": refusal.code, "retry-after": "1", "connection": "close"}
    response = Response(body(refusal, exchange.request_id), refusal.status, headers, media_type=CONTENT_TYPE)
    await response(scope, receive, send)


async def _connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    return await asyncio.open_connection(parts.hostname, parts.port or (443 if secure else 80), ssl=secure)


async def _exchange(
    scope: Scope, receive: Receive, send: Send, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = _Head()
    parser = httptools.HttpResponseParser(head)
    chunked = _write_head(scope, writer)
    sending = asyncio.ensure_future(_write_body(receive, writer, chunked=chunked))
    try:
        await _read_head(head, parser, reader)
        if not head.begun:
            await unavailable(scope, receive, send, "The server that does this did not answer.")
            return
        headers = [(name, value) for name, value in head.headers if name not in _HOPS and name not in _OWN]
        await send({"type": "http.response.start", "status": parser.get_status_code(), "headers": headers})
        async for chunk in _rest(head, parser, reader):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await sending


async def _read_head(head: _Head, parser: httptools.HttpResponseParser, reader: asyncio.StreamReader) -> None:
    """Read until the head of the answer is there, or it is clear that none comes."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            while not head.begun and (data := await reader.read(_CHUNK)):
                parser.feed_data(data)
    except (OSError, TimeoutError, httptools.HttpParserError):
        head.begun = False


async def _rest(
    head: _Head, parser: httptools.HttpResponseParser, reader: asyncio.StreamReader
) -> AsyncIterator[bytes]:
    """The body as it comes. Raises OSError where it is cut short, which cuts the client off, too."""
    while True:
        chunks, head.chunks = head.chunks, []
        for chunk in chunks:
            yield chunk
        if head.complete:
            return
        data = await reader.read(_CHUNK)
        if not data:
            if any(name in (b"content-length", b"transfer-encoding") for name, _ in head.headers):
                raise ConnectionResetError("the answer was cut short")
            return
        parser.feed_data(data)


def _write_head(scope: Scope, writer: asyncio.StreamWriter) -> bool:
    """Write the head of the request; whether its body is told in chunks."""
    target = scope.get("raw_path", scope["path"].encode()).partition(b"?")[0]
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    lines = [scope["method"].encode() + b" " + target + b" HTTP/1.1"]
    chunked = False
    for name, value in scope["headers"]:
        chunked = chunked or name == b"transfer-encoding"
        if name not in _HOPS and name not in (b"expect", FORWARDED):
            lines.append(name + b": " + value)
    lines += [FORWARDED + b": 1", b"connection: close"]
    if chunked:
        lines.append(b"transfer-encoding: chunked")
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
    return chunked


async def _write_body(receive: Receive, writer: asyncio.StreamWriter, *, chunked: bool) -> None:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            writer.close()  # the client is gone
            return
        data = message.get("body", b"")
        if data:
            writer.write(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)
            await writer.drain()
        if not message.get("more_body", False):
            break
    if chunked:
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    while (await receive())["type"] != "http.disconnect":
        pass
    writer.close()
