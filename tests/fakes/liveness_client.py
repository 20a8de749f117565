"""A client of StartFaceLivenessSession that owes nothing to the server's code: its own signatures, its own messages.

In: keys and an address. Out: a stream whose every message can be changed on its way. Signed as
``ui-react-liveness`` does: a presigned URL whose host has no port, then chunks in a chain.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit
from zlib import crc32

from botocore.eventstream import EventStreamBuffer
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

VERSIONS = "FaceMovementAndLightChallenge_2.0.0,FaceMovementChallenge_1.0.0"
PATH = "/start-face-liveness-session-websocket"


def pack(headers: bytes, payload: bytes) -> bytes:
    head = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head += struct.pack(">I", crc32(head))
    body = head + headers + payload
    return body + struct.pack(">I", crc32(body))


def text_header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()


def date_header(ts_ms: int) -> bytes:
    return b"\x05:date\x08" + struct.pack(">q", ts_ms)


def inner(kind: str, body: dict[str, Any]) -> bytes:
    headers = text_header(":message-type", "event") + text_header(":event-type", kind)
    return pack(headers + text_header(":content-type", "application/json"), json.dumps(body).encode())


@dataclass(frozen=True)
class Key:
    """An access key."""

    access_key_id: str
    secret: str
    region: str = "eu-central-1"
    token: str | None = None

    def signing_key(self, date: str) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in (date, self.region, "rekognition", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


def presigned(url: str, key: Key, session_id: str, changed: dict[str, str] | None = None, *, port: bool = False) -> str:
    """The address of a stream; ``changed`` replaces or adds fields before they are signed."""
    parts = urlsplit(url)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{stamp[:8]}/{key.region}/rekognition/aws4_request"
    fields = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key.access_key_id}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": "299",
        "X-Amz-SignedHeaders": "host",
        "challenge-versions": VERSIONS,
        "session-id": session_id,
        "video-height": "480",
        "video-width": "640",
        "x-amz-user-agent": "aws-sdk-js/3 ui-react-liveness/3.6.8",
    } | (changed or {})
    if key.token:
        fields["X-Amz-Security-Token"] = key.token
    query = "&".join(f"{quote(name, '-_.~')}={quote(value, '-_.~')}" for name, value in sorted(fields.items()))
    host = parts.netloc if port else parts.hostname
    canonical = "\n".join(("GET", PATH, query, f"host:{host}\n", "host", hashlib.sha256(b"").hexdigest()))
    to_sign = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(key.signing_key(stamp[:8]), to_sign.encode(), "sha256").hexdigest()
    return f"ws{parts.scheme.removeprefix('http')}://{parts.netloc}{PATH}?{query}&X-Amz-Signature={signature}"


class ChunkMaker:
    """Signs chunks one behind the other."""

    def __init__(self, key: Key, seed: str) -> None:
        self.key = key
        self.prior = seed

    def __call__(self, payload: bytes, ts_ms: int | None = None) -> bytes:
        ts_ms = int(time.time() * 1000) if ts_ms is None else ts_ms
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(ts_ms // 1000))
        date = date_header(ts_ms)
        to_sign = "\n".join(
            (
                "AWS4-HMAC-SHA256-PAYLOAD",
                stamp,
                f"{stamp[:8]}/{self.key.region}/rekognition/aws4_request",
                self.prior,
                hashlib.sha256(date).hexdigest(),
                hashlib.sha256(payload).hexdigest(),
            )
        )
        signature = hmac.digest(self.key.signing_key(stamp[:8]), to_sign.encode(), "sha256")
        self.prior = signature.hex()
        return pack(date + b"\x10:chunk-signature\x06" + struct.pack(">H", 32) + signature, payload)


class Stream:
    """An open stream."""

    def __init__(self, socket: ClientConnection, chunk: ChunkMaker) -> None:
        self.socket = socket
        self.chunk = chunk

    def event(self, timeout: float = 20) -> tuple[str, dict[str, Any]]:
        """The next event or exception of the server: its kind and body."""
        buffer = EventStreamBuffer()
        buffer.add_data(self.socket.recv(timeout=timeout))
        message = next(iter(buffer)).to_response_dict()
        headers = message["headers"]
        kind = headers.get(":event-type") or headers[":exception-type"]
        return str(kind), json.loads(message["body"])

    def challenge(self) -> dict[str, Any]:
        """What is asked, after the two events that every stream begins with."""
        kind, told = self.event()
        assert kind == "ChallengeEvent", told
        kind, information = self.event()
        assert kind == "ServerSessionInformationEvent"
        asked: dict[str, Any] = information["SessionInformation"]["Challenge"][told["Type"]]
        return asked | {"Type": told["Type"], "Version": told["Version"]}

    def send(self, kind: str, body: dict[str, Any]) -> None:
        self.socket.send(self.chunk(inner(kind, body)))

    def information(self, kind: str, **members: Any) -> None:
        self.send("ClientSessionInformationEvent", {"Challenge": {kind: {"ChallengeId": "c", **members}}})

    def video(self, data: bytes, piece: int = 60_000) -> None:
        """The whole video in pieces, then its end."""
        for at in range(0, len(data), piece):
            self.send(
                "VideoEvent", {"VideoChunk": base64.b64encode(data[at : at + piece]).decode(), "TimestampMillis": 1}
            )
        self.send("VideoEvent", {"VideoChunk": "", "TimestampMillis": 1})

    def colours(self, kind: str, starts_ms: list[float], epoch_ms: float = 1_700_000_000_000) -> None:
        """Tell when the video and its colours began, as the component does."""
        self.information(kind, VideoStartTimestamp=epoch_ms)
        for number, start in enumerate(starts_ms):
            shown = {
                "SequenceNumber": number,
                "CurrentColorStartTimestamp": epoch_ms + start,
                "CurrentColor": {"RGB": []},
            }
            self.information(kind, ColorDisplayed=shown)

    def closed(self) -> int | None:
        """Wait until the server has closed; the code."""
        try:
            while True:
                self.socket.recv(timeout=20)
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else None


@contextmanager
def stream(
    url: str, key: Key, session_id: str, address: Callable[[str], str] = str, **signing: Any
) -> Iterator[Stream]:
    """A stream of a session; ``address`` changes the signed address before it is opened."""
    context = None
    if signing.pop("insecure", False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    signed = presigned(url, key, session_id, **signing)
    chunk = ChunkMaker(key, signed.rpartition("X-Amz-Signature=")[2])
    with connect(address(signed), max_size=None, compression=None, ssl=context) as socket:
        yield Stream(socket, chunk)
