"""WebSockets passed on to another server message by message, both ways, until one side closes.

In: an ASGI connection that nobody accepted yet, the URL of a server. Out: what that server says, its close included; a
close with 1013, try again later, where it cannot be reached. Heads are passed on as they are, so that presigned URLs
hold. What messages mean is not known here.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

TRY_AGAIN, GONE = 1013, 1001
_CONNECT_S = 3.0
_SENDABLE = range(1000, 5000)
_NOT_SENT = frozenset({1005, 1006, 1015})
"""Codes that say how a connection ended and never stand in a close. Source: RFC 6455 7.4.1."""
_OWN = (b"host", b"connection", b"upgrade", b"content-length", b"transfer-encoding")


async def forward_socket(
    scope: Scope, receive: Receive, send: Send, url: str, *, mark: bytes, message_bytes: int
) -> None:
    """Have the server at ``url`` talk to the client.

    Args:
        scope: of the connection; its first message, ``websocket.connect``, was not received yet.
        receive: ASGI.
        send: ASGI.
        url: of the server.
        mark: header that says that this was passed on.
        message_bytes: longest message that is taken from it.
    """
    await receive()
    try:
        connection = await _connected(scope, url, mark, message_bytes)
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI, ValueError):
        await send({"type": "websocket.close", "code": TRY_AGAIN})
        return
    async with connection:
        await send({"type": "websocket.accept", "subprotocol": connection.subprotocol})
        answering = asyncio.ensure_future(_answer(connection, send))
        asking = asyncio.ensure_future(_ask(receive, connection))
        try:
            await asyncio.wait((answering, asking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answering, asking):
                task.cancel()
            for task in (answering, asking):
                with suppress(asyncio.CancelledError, ConnectionClosed, OSError):
                    await task


async def _connected(scope: Scope, url: str, mark: bytes, message_bytes: int) -> ClientConnection:
    parts, headers = urlsplit(url), list(scope["headers"])
    host = dict(headers).get(b"host", b"").decode("latin-1")
    secure = parts.scheme == "https"
    target = scope.get("raw_path", scope["path"].encode()).partition(b"?")[0].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    kept = [(name, value) for name, value in headers if name not in _OWN and not name.startswith(b"sec-websocket-")]
    named = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in [*kept, (mark, b"1")]]
    transport: dict[str, Any] = {"host": parts.hostname, "port": parts.port or (443 if secure else 80)}
    if secure:
        transport |= {"ssl": ssl.create_default_context(), "server_hostname": parts.hostname}
    return await connect(
        f"{'wss' if secure else 'ws'}://{host}{target}{'?' if query else ''}{query}",
        additional_headers=named,
        user_agent_header=None,
        subprotocols=[Subprotocol(name) for name in scope.get("subprotocols", ())] or None,
        compression=None,
        proxy=None,
        open_timeout=_CONNECT_S,
        ping_interval=None,
        max_size=message_bytes,
        **transport,
    )


async def _answer(connection: ClientConnection, send: Send) -> None:
    """Pass on what the server says, to its close."""
    with suppress(ConnectionClosed):
        while True:
            message = await connection.recv()
            kind = "text" if isinstance(message, str) else "bytes"
            await send({"type": "websocket.send", kind: message})
    code = connection.close_code
    if code is None or code in _NOT_SENT or code not in _SENDABLE:
        code = GONE
    await send({"type": "websocket.close", "code": code, "reason": connection.close_reason or ""})


async def _ask(receive: Receive, connection: ClientConnection) -> None:
    """Pass on what the client says, until it is gone."""
    while (message := await receive())["type"] == "websocket.receive":
        data = message.get("bytes")
        await connection.send(message["text"] if data is None else data)
    await connection.close()
