"""Events posted to webhooks, signed as Standard Webhooks 1.0 says.

In: an event and its destination. Out: one request: the id says which event it is, however often it is sent; the
signature is HMAC-SHA256 over id, time and body. 410 ends a destination, every other answer but 2xx is no taking.

Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, version 1.0.0.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from custodes.core.clock import Clock
from custodes.core.errors import UnavailableError
from custodes.operations.streams.ports import DestinationGoneError, KeptEvent
from custodes.storage.messages.post import post
from custodes.video.live.destination import EventDestination

_GONE = 410


class Webhooks:
    """Implements ``EventSender`` for ``https://`` and ``http://``."""

    def __init__(self, clock: Clock) -> None:
        """Sign with the time of ``clock``."""
        self._clock = clock

    def send(self, destination: EventDestination, kept: KeptEvent, members: Mapping[str, Any]) -> None:
        """See EventSender."""
        body = webhook_body(kept, members)
        headers = signed_headers(destination.secret, f"evt_{kept.place}", self._clock.now_ms() // 1000, body)
        status = post(destination.url, body, headers)
        if status == _GONE:
            raise DestinationGoneError("The webhook answered 410: it wants no more.")
        if not 200 <= status < 300:
            raise UnavailableError(f"The webhook answered {status}.")


def webhook_body(kept: KeptEvent, members: Mapping[str, Any]) -> bytes:
    """Type, moment and the event as the API spells it."""
    moment = datetime.fromtimestamp(kept.event.ts_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return orjson.dumps({"type": f"face.{kept.event.kind.lower()}", "timestamp": moment, "data": dict(members)})


def signed_headers(secret: str, message_id: str, ts_s: int, body: bytes) -> dict[str, str]:
    """Headers of one request."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.digest(key, f"{message_id}.{ts_s}.".encode() + body, hashlib.sha256)
    return {
        "content-type": "application/json",
        "user-agent": "custodes",
        "webhook-id": message_id,
        "webhook-timestamp": str(ts_s),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
