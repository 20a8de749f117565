"""Who sent a request: what its head claims, then its body, then the signature over both. For every signed endpoint.

In: an ASGI request. Out: its context and its body, or a modelled error. A stranger is turned away before the body is
read. It knows no protocol and no operation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.types import Receive
from starlette.types import Scope as AsgiScope

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError
from custodes.edge.aws.canonical import SignedRequest, join_headers
from custodes.edge.aws.errors import ApiError, api_error
from custodes.edge.aws.eventstream.chunk_signature import ChunkChain, ChunkSigner
from custodes.edge.aws.sigv4 import Claim, Scope, SignatureRefused, SigningKeys, claim, verify
from custodes.edge.http.body import Body, BodyTooLongError, Buffer
from custodes.edge.http.exchange import Exchange
from custodes.operations.requests.context import Caller, Context, Origin
from custodes.operations.requests.ports import KeyLookup
from custodes.operations.requests.receipts import receipt_of

_PORT = re.compile(r":[0-9]+$")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request whose head is there. ``body`` has to be released in the end.

    Attributes:
        request: its head, as signatures see it.
        body: still to be read.
        origin: where it came from.
        exchange: what is noted about it.
    """

    request: SignedRequest
    body: Body
    origin: Origin
    exchange: Exchange

    @staticmethod
    def of(scope: AsgiScope, receive: Receive, buffer: Buffer, timeout_s: float) -> Arrival:
        """The request of ``scope``; its body is held in ``buffer`` and must be complete within ``timeout_s``."""
        headers = join_headers(scope["headers"])
        request = SignedRequest(scope["method"], scope["raw_path"], scope["query_string"], headers)
        declared = headers.get("content-length", "")
        length = int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else None
        client = scope.get("client")
        # Behind a proxy on this machine the server has put in what that says of its client.
        origin = Origin(client[0] if client else "", scope.get("scheme") == "https", headers.get("user-agent", ""))
        return Arrival(request, Body(receive, length, buffer, timeout_s), origin, Exchange.of(scope))

    def refused(self, error: ApiError | CustodesError) -> ApiError:
        """Note that ``error`` is the answer, with its receipt where it is on record."""
        self.exchange.receipt = receipt_of(error)
        return error if isinstance(error, ApiError) else api_error(error)


class Authentication:
    """Lets through what holders of keys signed."""

    def __init__(self, keys: KeyLookup, scope: Scope, clock: Clock) -> None:
        """Holders of ``keys``, signing for ``scope``, not too long before or after ``clock``."""
        self._keys = keys
        self._scope = scope
        self._clock = clock
        self._signing_keys = SigningKeys()

    async def context(
        self, arrival: Arrival, max_body_bytes: int, too_long: Callable[[], ApiError]
    ) -> tuple[Context, bytes]:
        """Who asks, and the body of at most ``max_body_bytes``; a longer one is answered with ``too_long()``.

        Raises:
            ApiError: the signature does not hold, or the body cannot be had.
            ClientGoneError: the connection closed.
        """
        claimed = self._claim(arrival.request)
        try:
            raw, sha256 = await arrival.body.read(max_body_bytes)
        except BodyTooLongError:
            raise too_long() from None
        caller = self._verify(arrival.request, sha256, claimed)
        arrival.exchange.account = caller.account_id
        return Context(caller, arrival.exchange.request_id, self._clock.now_ms(), arrival.origin), raw

    def without_body(self, request: SignedRequest) -> Caller:
        """Who sent a request that has no body, signed in its head or as a presigned URL. Raises ApiError."""
        return self._verify_bodiless(request, self._claim(request))

    def stream(self, request: SignedRequest) -> tuple[Caller, ChunkChain]:
        """Who opens a stream of signed chunks with a presigned URL, and the chain that those have to continue.

        Raises:
            ApiError: the signature does not hold.
        """
        if "authorization" in request.headers:
            raise ApiError("IncompleteSignatureException", "A stream is opened with a presigned URL.")
        claimed = self._claim(request)
        caller = self._verify_bodiless(request, claimed)
        signer = ChunkSigner(claimed.key.secret, claimed.region, self._scope.service)
        return caller, ChunkChain(claimed.signature, signer, self._signing_keys)

    def _verify_bodiless(self, request: SignedRequest, claimed: Claim) -> Caller:
        """Who signed. Browsers' clients sign the host's name without its port, which the header has.

        Source: captures of the JavaScript SDK.
        """
        nothing = hashlib.sha256(b"").hexdigest()
        host = request.headers.get("host", "")
        bare = replace(request, headers={**request.headers, "host": _PORT.sub("", host)})
        try:
            return self._verify(request, nothing, claimed)
        except ApiError:
            return self._verify(bare, nothing, claimed)

    def _claim(self, request: SignedRequest) -> Claim:
        claimed = claim(request, self._keys, self._clock.now_ms(), self._scope)
        if isinstance(claimed, SignatureRefused):
            raise ApiError(claimed.code, claimed.message)
        return claimed

    def _verify(self, request: SignedRequest, sha256: str, claimed: Claim) -> Caller:
        caller = verify(request, sha256, claimed, self._scope, self._signing_keys)
        if isinstance(caller, SignatureRefused):
            raise ApiError(caller.code, caller.message)
        return caller
