"""One of several servers: what it answers itself, and what it passes on to the one that does it for all.

In: requests. Out: answers of this server's own application, of the one with the duties where that is here, or of the
server that has them. What is answered here is what every server knows how to: the ledger's public files, health, and
operations on faces and pictures, with the networks that it has. Before an operation is answered, everything is followed
that others changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from custodes.core.errors import UnavailableError
from custodes.core.ids import RequestId
from custodes.edge.aws.query import FORM
from custodes.edge.http.exchange import Exchange
from custodes.edge.http.forwarding import FORWARDED, forward, unavailable

OPERATIONS = frozenset(
    {
        "AssociateFaces",
        "CompareFaces",
        "CreateCollection",
        "DescribeCollection",
        "DetectFaces",
        "DetectLabels",
        "DetectProtectiveEquipment",
        "DetectText",
        "DisassociateFaces",
        "GetCelebrityInfo",
        "IndexFaces",
        "ListCollections",
        "ListFaces",
        "ListFacesToReembed",
        "ListUsers",
        "RecognizeCelebrities",
        "ReembedFaces",
        "SearchFaces",
        "SearchFacesByImage",
        "SearchUsers",
        "SearchUsersByImage",
        "SwitchFaceModel",
    }
)
"""What every server does, beside all of STS. What erases has an order among all servers, and jobs, streams, models and
liveness have workers: one server does them."""
_OWN_PATHS = ("/healthz", "/metrics")
_LEDGER = "/ledger"
SHARD_PATH = "/nodes/shard"
_ANSWERING, _MOST_QUESTION_BYTES = 16, 65_536
_REEMBEDDING = "/custodes/v1/reembedding/"
"""Of our own operations those that are about the networks of the server that is asked."""


@dataclass(frozen=True, slots=True)
class NodeParts:
    """What a server among several is made of.

    Attributes:
        here: the application that follows.
        duties: the application with the duties where they are here now, else None.
        keeper: URL of the server that has them, None where nobody has; asks the database.
        follow: brings what is in memory up to what others changed; asks the database. Raises UnavailableError.
        request_ids: gives a new id for each request that is not passed to an application here.
    """

    here: ASGIApp
    duties: Callable[[], ASGIApp | None]
    keeper: Callable[[], str | None]
    follow: Callable[[], None]
    request_ids: Callable[[], RequestId]
    shard: Callable[[bytes], bytes] | None = None
    """The sealed answer to another server's sealed question about the collections that all share."""


class NodeApp:
    """The ASGI application of such a server."""

    def __init__(self, parts: NodeParts, operations: Set[str] = OPERATIONS) -> None:
        """Answer ``operations`` here."""
        self._parts = parts
        self._operations = operations
        self._threads = ThreadPoolExecutor(4, "following")
        self._answering = ThreadPoolExecutor(_ANSWERING, "answering")
        self._following = asyncio.Lock()
        self._next: asyncio.Future[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._parts.here(scope, receive, send)
            return
        if scope["path"] == SHARD_PATH and self._parts.shard is not None:
            await self._shard(self._parts.shard, scope, receive, send)
        elif _is_own(scope):
            await self._parts.here(scope, receive, send)
        elif _is_here(scope, self._operations):
            await self._here(scope, receive, send)
        else:
            await self._elsewhere(scope, receive, send)

    async def _shard(self, answer: Callable[[bytes], bytes], scope: Scope, receive: Receive, send: Send) -> None:
        """Another server asks. Whoever has not the key that servers share can make no question that opens."""
        asked = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            asked += message.get("body", b"")
            if len(asked) > _MOST_QUESTION_BYTES or not message.get("more_body", False):
                break
        try:
            if len(asked) > _MOST_QUESTION_BYTES:
                raise UnavailableError("too long for a question")
            told = await asyncio.get_running_loop().run_in_executor(self._answering, answer, asked)
        except UnavailableError:
            await Response(status_code=403, headers={"connection": "close"})(scope, receive, send)
            return
        await Response(told, media_type="application/octet-stream")(scope, receive, send)

    async def _here(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._followed()
        except UnavailableError:
            await self._refuse(scope, receive, send, "What other servers changed is not known now.")
            return
        await self._parts.here(scope, receive, send)

    async def _followed(self) -> None:
        """Return once a look was taken that began after this was called; many requests share one."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._look())
        await asyncio.shield(self._next)

    async def _look(self) -> None:
        async with self._following:
            self._next = None  # whoever comes from here on needs another one
            await asyncio.get_running_loop().run_in_executor(self._threads, self._parts.follow)

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        duties = self._parts.duties()
        if duties is not None:
            await duties(scope, receive, send)
            return
        try:
            url = await asyncio.get_running_loop().run_in_executor(self._threads, self._parts.keeper)
        except OSError:
            url = None
        passed = any(name == FORWARDED for name, _ in scope["headers"])
        if not url or passed:
            await self._refuse(scope, receive, send, "No server does this now; one is taking it up.")
            return
        self._identify(scope)
        await forward(scope, receive, send, url)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, reason: str) -> None:
        request_id = self._identify(scope)

        async def identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-amzn-requestid", request_id.encode())]
            await send(message)

        await unavailable(scope, receive, identified, reason)

    def _identify(self, scope: Scope) -> RequestId:
        exchange = Exchange(self._parts.request_ids())
        exchange.put(scope)
        return exchange.request_id


def _is_own(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["type"] == "http" and (path in _OWN_PATHS or path == _LEDGER or path.startswith(f"{_LEDGER}/"))


def _is_here(scope: Scope, operations: Set[str]) -> bool:
    if scope["type"] != "http":
        return False
    if scope["path"].startswith(_REEMBEDDING):
        return True
    if scope["path"] != "/":
        return False
    headers = dict(scope["headers"])
    target = headers.get(b"x-amz-target")
    if target is None:
        # Forms are of STS; anything else without a target is refused by whoever gets it.
        kind: bytes = headers.get(b"content-type", b"")
        return kind.lower().startswith(FORM.encode()) or scope["method"] != "POST"
    name: str = target.decode("latin-1").rpartition(".")[2]
    return name in operations
