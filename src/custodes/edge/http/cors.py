"""Browsers and the API: programs on web pages may call it, as AWS lets them; the signature is what protects it.

In: an ASGI application and the origins whose pages may call it. Out: an application that answers the browser's question
before the request (preflight) and names the origin on answers. It allows no cookies, and knows nothing of signatures.

Source: WHATWG, Fetch Standard, section 3.2 (CORS protocol).
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ANY = "*"
_METHODS = "POST"
_MAX_AGE_S = "7200"
_EXPOSED = "date,x-amzn-errortype,x-amzn-requestid,x-custodes-ledger-index,x-custodes-receipt,x-custodes-receipt-body"
# A preflight's list of headers is echoed: no more of it than any SDK sends.
_MAX_HEADERS_LENGTH = 2048


class CrossOrigin:
    """The application ``inner`` for pages of ``origins``; with ``*`` among them, of any."""

    def __init__(self, inner: ASGIApp, origins: Sequence[str]) -> None:
        """Let pages of ``origins`` call ``inner``; none when empty."""
        self._inner = inner
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass the request on and name the origin on its answer."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or not self._allows(origin):
            await self._inner(scope, receive, send)
            return
        allowed = _ANY if _ANY in self._origins else origin
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(headers, allowed)(scope, receive, send)
            return

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer["access-control-allow-origin"] = allowed
                answer["access-control-expose-headers"] = _EXPOSED
                answer.add_vary_header("origin")
            await send(message)

        await self._inner(scope, receive, send_with_origin)

    def _allows(self, origin: str) -> bool:
        return _ANY in self._origins or origin in self._origins


def _preflight(headers: Headers, allowed: str) -> Response:
    asked = headers.get("access-control-request-headers", "")
    answer = {
        "access-control-allow-origin": allowed,
        "access-control-allow-methods": _METHODS,
        "access-control-max-age": _MAX_AGE_S,
        "vary": "origin",
    }
    if 0 < len(asked) <= _MAX_HEADERS_LENGTH:
        answer["access-control-allow-headers"] = asked
    return Response(b"", 200, answer)
