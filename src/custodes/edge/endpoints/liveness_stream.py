"""``GET /start-face-liveness-session-websocket``: the life of one liveness stream, top to bottom.

In: a WebSocket opened with a presigned URL. Out: a challenge, then, once the whole video came, word that its result is
there; or an exception as the stream's model has it, and the socket is closed. Limits hold before memory is taken: on a
message (the server's), on a video, on all videos together, on time, and on streams at a time.

Source: behaviour specification, section 3.11; captures of ui-react-liveness 3.6.8. The HTTP/2 form of the operation is
refused, saying so: no client of Amplify sends it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from custodes.core.box import Size
from custodes.core.clock import Clock
from custodes.core.errors import CustodesError, ThrottledError
from custodes.core.ids import AccountId
from custodes.edge.aws.canonical import SignedRequest, join_headers
from custodes.edge.aws.errors import VALIDATION, ApiError, api_error, body
from custodes.edge.aws.eventstream.chunk_signature import ChunkChain, ChunkRefusedError
from custodes.edge.aws.eventstream.event_stream import EventMessage, encode
from custodes.edge.aws.eventstream.liveness_events import (
    ClientTimes,
    VideoChunk,
    challenge_event,
    client_event,
    disconnection,
    exception,
    session_information,
)
from custodes.edge.endpoints.authentication import Authentication
from custodes.edge.http.body import Buffer
from custodes.edge.http.exchange import Exchange
from custodes.edge.http.workers import Workers
from custodes.operations.accounts.throttle import Throttle
from custodes.operations.liveness.commands import StartFaceLivenessSession
from custodes.operations.liveness.incoming import IncomingVideo
from custodes.operations.liveness.use_cases import BegunCheck, FaceLiveness
from custodes.operations.requests.context import Context, Origin
from custodes.operations.requests.gate import Gate
from custodes.operations.requests.receipts import receipt_of

PATH = "/start-face-liveness-session"
WEBSOCKET_PATH = f"{PATH}-websocket"
OPERATION = "StartFaceLivenessSession"
_CLOSED_BY_US = 1000
"""Other codes hide the exception from the component. Source: captures."""
_MAX_CLIENT_TEXT = 64


class _GoneError(Exception):
    """The client has closed the socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """What streams may use up.

    Attributes:
        streams: at the same time, of all accounts.
        account_streams: of these, of one account.
        video_bytes: of one video. Source: API guide, 10 MB.
        buffered_bytes: of all videos that are being received.
        begin_s: until the video begins: people read what they are told.
        video_s: from then until its end. Source: API guide, a minute.
        judges: videos looked at at the same time when they are there.
        followed: videos looked at while they are being received; others wait for their end.
    """

    streams: int = 256
    account_streams: int = 128
    video_bytes: int = 10 * 1024 * 1024
    buffered_bytes: int = 512 * 1024 * 1024
    begin_s: float = 180.0
    video_s: float = 60.0
    judges: int = 2
    followed: int = 2


@dataclass(slots=True)
class _Stream:
    """One stream so far."""

    video: IncomingVideo = field(default_factory=IncomingVideo)
    begun: bool = False
    judging: asyncio.Future[object] | None = None
    video_start_ms: float | None = None
    colours: dict[int, float] = field(default_factory=dict)

    def starts_ms(self) -> tuple[float, ...]:
        """When colours began, in times of the video. Colours whose numbers have gaps are as good as none."""
        if self.video_start_ms is None or sorted(self.colours) != list(range(len(self.colours))):
            return ()
        return tuple(self.colours[number] - self.video_start_ms for number in sorted(self.colours))


class LivenessStreams:
    """Serves streams."""

    def __init__(
        self,
        gate: Gate,
        liveness: FaceLiveness,
        authentication: Authentication,
        throttle: Throttle,
        clock: Clock,
        limits: StreamLimits,
    ) -> None:
        """Serve whoever ``authentication`` lets through, by ``liveness`` within ``gate``."""
        self._gate = gate
        self._liveness = liveness
        self._authentication = authentication
        self._throttle = throttle
        self._clock = clock
        self._limits = limits
        self._begin, self._judge = Workers(limits.judges), Workers(limits.judges)
        self._follow, self._followed = Workers(limits.followed), 0
        self._buffer = Buffer(limits.buffered_bytes)
        self._open: Counter[AccountId] = Counter()

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        return [WebSocketRoute(WEBSOCKET_PATH, self.serve), Route(PATH, _refuse_http, methods=["POST"])]

    async def serve(self, websocket: WebSocket) -> None:
        """One stream, from its opening to its end."""
        exchange = Exchange.of(websocket.scope)
        exchange.operation = OPERATION
        await websocket.accept()
        try:
            await self._serve(websocket, exchange)
            exchange.status = 200
            await websocket.close(_CLOSED_BY_US)
        except _GoneError:
            exchange.code = "ClientGone"
        except (ApiError, CustodesError) as error:
            refusal = error if isinstance(error, ApiError) else api_error(error)
            exchange.code, exchange.status, exchange.receipt = refusal.code, refusal.status, receipt_of(error)
            await _send(websocket, exception(refusal))
            await websocket.close(_CLOSED_BY_US)

    async def _serve(self, websocket: WebSocket, exchange: Exchange) -> None:
        """The steps. A stranger is turned away by the first."""
        request = _request(websocket)
        caller, chain = self._authentication.stream(request)
        exchange.account = caller.account_id
        context = Context(caller, exchange.request_id, self._clock.now_ms(), _origin(websocket, request))
        command = _command(request)
        with self._throttle.passing(caller.account_id, OPERATION), self._counted(caller.account_id):
            begun = await self._begin.run(caller.account_id, self._gate.perform, context, command, self._liveness.begin)
            try:
                await self._run(websocket, context, begun.result, chain)
            except (ApiError, CustodesError, _GoneError):
                # The session is used up all the same.
                await self._begin.run(caller.account_id, self._liveness.fail, begun.result.session)
                raise

    async def _run(self, websocket: WebSocket, context: Context, check: BegunCheck, chain: ChunkChain) -> None:
        await _send(websocket, challenge_event(check.challenge))
        await _send(websocket, session_information(check.challenge))
        stream, account_id = _Stream(), context.caller.account_id
        command = StartFaceLivenessSession(session_id=check.session.session_id, video=check.challenge.video, part=1)
        judge = partial(self._gate.perform, context, command, self._judging(check, stream.video))
        try:
            await self._receive(websocket, chain, stream, partial(self._following, account_id, judge))
            stream.video.end(stream.starts_ms(), _client(websocket))
            await (stream.judging or self._judge.run(account_id, judge))
        finally:
            stream.video.break_off()
            if stream.judging is not None:
                await _over(stream.judging)
            self._buffer.give_back(stream.video.size)
        await _send(websocket, disconnection(self._clock.now_ms()))

    def _judging(self, check: BegunCheck, video: IncomingVideo) -> Callable[..., object]:
        return lambda permit, _command: self._liveness.judge(permit, check, video)

    def _following(self, account_id: AccountId, judge: Callable[[], object]) -> asyncio.Future[object] | None:
        """The judgement of a video whose first piece has come, begun; None where as many are followed as may be."""
        if self._followed >= self._limits.followed:
            return None
        self._followed += 1
        judging = asyncio.ensure_future(self._follow.run(account_id, judge))
        judging.add_done_callback(self._unfollow)
        return judging

    def _unfollow(self, _judging: object) -> None:
        self._followed -= 1

    async def _receive(
        self,
        websocket: WebSocket,
        chain: ChunkChain,
        stream: _Stream,
        follow: Callable[[], asyncio.Future[object] | None],
    ) -> None:
        """Messages until the video has ended; ``follow`` begins to look at it as soon as it does."""
        try:
            async with asyncio.timeout(self._limits.begin_s) as deadline:
                while True:
                    message = chain.opened(await _next(websocket), self._clock.now_ms())
                    if message is None or self._take(stream, client_event(message)):
                        return
                    if stream.video.size and not stream.begun:
                        stream.begun = True
                        stream.judging = follow()
                        deadline.reschedule(asyncio.get_running_loop().time() + self._limits.video_s)
                    if stream.judging is not None and stream.judging.done():
                        return  # it has failed: there is nothing to wait for
        except ChunkRefusedError as error:
            raise ApiError(VALIDATION, f"The stream is not as it was signed: {error}.") from None
        except TimeoutError:
            raise ApiError(VALIDATION, "The video did not come in time.") from None

    def _take(self, stream: _Stream, told: VideoChunk | ClientTimes) -> bool:
        """Keep what an event brought; whether the video has ended."""
        if isinstance(told, ClientTimes):
            if told.video_start_ms is not None:
                stream.video_start_ms = told.video_start_ms
            if told.colour is not None and len(stream.colours) < _MAX_CLIENT_TEXT:
                stream.colours.setdefault(*told.colour)
            return False
        if stream.video.size + len(told.data) > self._limits.video_bytes:
            raise ApiError(VALIDATION, "The video is too large.")
        if not self._buffer.take(len(told.data)):
            raise ThrottledError("Slow down; too many videos are being received at the same time.")
        if told.data:
            stream.video.put(told.data)
        return not told.data

    @contextmanager
    def _counted(self, account_id: AccountId) -> Iterator[None]:
        if self._open.total() >= self._limits.streams or self._open[account_id] >= self._limits.account_streams:
            raise ApiError("ServiceQuotaExceededException", "Too many liveness checks are running.")
        self._open[account_id] += 1
        try:
            yield
        finally:
            self._open[account_id] -= 1


def _request(websocket: WebSocket) -> SignedRequest:
    scope = websocket.scope
    path = scope.get("raw_path") or scope["path"].encode()
    return SignedRequest("GET", path, scope["query_string"], join_headers(scope["headers"]))


def _origin(websocket: WebSocket, request: SignedRequest) -> Origin:
    client = websocket.scope.get("client")
    secure = websocket.scope.get("scheme") == "wss"
    return Origin(client[0] if client else "", secure, request.headers.get("user-agent", ""))


def _command(request: SignedRequest) -> StartFaceLivenessSession:
    fields = parse_qs(request.query.decode("latin-1"), max_num_fields=64)

    def one(name: str) -> str:
        values = fields.get(name, [])
        if len(values) != 1 or not 0 < len(values[0]) <= 150:
            raise ApiError(VALIDATION, f"The request has no {name}.")
        return values[0]

    def side(name: str) -> int:
        text = one(name)
        if not (text.isascii() and text.isdigit() and len(text) < 6):
            raise ApiError(VALIDATION, f"{name} is no number of pixels.")
        return int(text)

    return StartFaceLivenessSession(
        session_id=one("session-id"),
        challenge_versions=one("challenge-versions"),
        video=Size(side("video-width"), side("video-height")),
    )


def _client(websocket: WebSocket) -> str:
    """What the client says that it is: the part of its user agent that names a liveness component, if there is one."""
    told = websocket.query_params.get("x-amz-user-agent", "")
    named = [part for part in told.split() if "liveness" in part.lower()]
    return (named[0] if named else told.split(" ")[0])[:_MAX_CLIENT_TEXT] or "unknown"


async def _next(websocket: WebSocket) -> bytes:
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise _GoneError
    data = message.get("bytes")
    if data is None:
        raise ApiError(VALIDATION, "Messages of this stream are binary.")
    return bytes(data)


async def _over(judging: asyncio.Future[object]) -> None:
    """Wait for the end of a judgement, whatever it is."""
    with suppress(CustodesError):
        await judging


async def _send(websocket: WebSocket, message: EventMessage) -> None:
    await websocket.send_bytes(encode(message))


async def _refuse_http(request: Request) -> Response:
    exchange = Exchange.of(request.scope)
    exchange.operation = OPERATION
    refusal = ApiError(
        VALIDATION,
        f"This server speaks the WebSocket form of {OPERATION} only, at {WEBSOCKET_PATH}, which the components of "
        "Amplify use; not the HTTP/2 form.",
    )
    exchange.code = refusal.code
    headers = {"x-amzn-errortype": refusal.code}
    return Response(body(refusal, exchange.request_id), refusal.status, headers, media_type="application/json")
