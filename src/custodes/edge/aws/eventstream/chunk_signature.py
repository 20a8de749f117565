"""Signed chunks of an event stream: each signature covers the one before, so none can be changed, moved or left out.

In: a stream's first signature, which is its URL's, and outer messages in the order they came. Out: the inner message of
each, or a refusal. One refusal ends the chain: what comes after it is refused, too.

An outer message has exactly the headers ``:date`` and ``:chunk-signature``; its payload is a whole message of its own,
or nothing at the very end. Source: AWS, "Signature Version 4 for event streams"; captures of ``@smithy/signature-v4``.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

from custodes.edge.aws.eventstream.event_stream import EventMessage, EventStreamError, Timestamp, decode, encode_headers
from custodes.edge.aws.sigv4 import SigningKeys

ALGORITHM = "AWS4-HMAC-SHA256-PAYLOAD"
DATE, SIGNATURE = ":date", ":chunk-signature"
_MAX_SKEW_MS = 5 * 60 * 1000
_LATEST_MS = 253_402_300_799_999
"""The year 9999: later moments have no date."""


class ChunkRefusedError(ValueError):
    """The chunk is not the next one that the holder of the key signed."""


@dataclass(frozen=True, slots=True)
class ChunkSigner:
    """Who signs: a secret for a region and service. ``repr`` hides the secret."""

    secret: str
    region: str
    service: str

    def __repr__(self) -> str:
        """Name the scope, not the secret."""
        return f"ChunkSigner({self.region}/{self.service})"


class ChunkChain:
    """The chain of one stream. Not safe to use from several threads."""

    def __init__(self, seed: str, signer: ChunkSigner, keys: SigningKeys) -> None:
        """Begin behind ``seed``, the hexadecimal signature of the stream's URL."""
        self._prior = seed
        self._signer = signer
        self._keys = keys
        self._broken = False

    def opened(self, data: bytes, now_ms: int) -> EventMessage | None:
        """The inner message of the next chunk; None for a signed end without one.

        Raises:
            ChunkRefusedError: damaged, not signed by the holder of the key, out of order, or dated too far from
                ``now_ms``.
        """
        if self._broken:
            raise ChunkRefusedError("the chain of signatures was broken before")
        self._broken = True
        try:
            outer = decode(data)
            date_ms, given = _presented(outer)
            if abs(date_ms - now_ms) > _MAX_SKEW_MS:
                raise ChunkRefusedError("the chunk was signed too long ago, or in the future")
            expected = chunk_signature(self._prior, date_ms, outer.payload, self._signer, self._keys)
            if not hmac.compare_digest(expected, given):
                raise ChunkRefusedError("the chunk's signature does not hold")
            inner = decode(outer.payload) if outer.payload else None
        except EventStreamError as error:
            raise ChunkRefusedError(str(error)) from error
        self._prior = expected.hex()
        self._broken = False
        return inner


def chunk_signature(prior: str, date_ms: int, payload: bytes, signer: ChunkSigner, keys: SigningKeys) -> bytes:
    """The 32 bytes that sign ``payload`` at ``date_ms`` behind the signature ``prior`` (hexadecimal)."""
    moment = datetime.fromtimestamp(date_ms / 1000, UTC)
    date = moment.strftime("%Y%m%d")
    headers = encode_headers({DATE: Timestamp(date_ms)})
    to_sign = "\n".join(
        (
            ALGORITHM,
            moment.strftime("%Y%m%dT%H%M%SZ"),
            f"{date}/{signer.region}/{signer.service}/aws4_request",
            prior,
            hashlib.sha256(headers).hexdigest(),
            hashlib.sha256(payload).hexdigest(),
        )
    )
    key = keys.key(signer.secret, date, signer.region, signer.service)
    return hmac.digest(key, to_sign.encode(), hashlib.sha256)


def _presented(outer: EventMessage) -> tuple[int, bytes]:
    date, signature = outer.headers.get(DATE), outer.headers.get(SIGNATURE)
    if len(outer.headers) != 2 or not isinstance(date, Timestamp) or not isinstance(signature, bytes):
        raise ChunkRefusedError("the chunk has other headers than a date and a signature")
    if not 0 <= date.ts_ms <= _LATEST_MS:
        raise ChunkRefusedError("the chunk's date is out of range")
    return date.ts_ms, signature
