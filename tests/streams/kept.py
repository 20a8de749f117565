"""Events in a data directory as live searches leave them, and requests for them."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from custodes.core.ids import AccountId
from custodes.storage.sql.master import open_master
from custodes.storage.sql.streams.store import SqlStreamEvents
from custodes.video.live.event import StreamEvent
from tests.fakes.live import REGION, LiveServer
from tests.fakes.schema import open_sqlite

PATH = "/custodes/v1/events"
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def seen(account: AccountId, **changes: Any) -> StreamEvent:
    """Somebody at the front, two hours ago."""
    now_ms = int(time.time() * 1000)
    fields: dict[str, Any] = {
        "account_id": account,
        "processor": "front",
        "session_id": "s",
        "source_arn": "arn:aws:kinesisvideo:eu-central-1:123456789012:stream/front/1",
        "track": 0,
        "ts_ms": now_ms - 2 * HOUR_MS,
        "expires_ts_ms": now_ms + DAY_MS,
        "box": (0.1, 0.2, 0.3, 0.4),
        "confidence_pct": 99.0,
        "collection_id": "staff",
        "ledger_index": 7,
    }
    return StreamEvent(**fields | changes)


@contextmanager
def store(data: Path) -> Iterator[SqlStreamEvents]:
    """The store of a directory in which no server runs."""
    with closing(open_sqlite(data)) as database:
        yield SqlStreamEvents(database, open_master(database, data, os.urandom))


def credentials(server: LiveServer) -> Credentials:
    key = server.deployment.keys.key
    return Credentials(key.access_key_id, key.secret)


def post(server: LiveServer, operation: str, path: str, **members: Any) -> dict[str, Any]:
    """The answer, error or not."""
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"CustodesService.{operation}"}
    request = AWSRequest("POST", server.url + path, headers=headers, data=orjson.dumps(members))
    SigV4Auth(credentials(server), "rekognition", REGION).add_auth(request)
    found: dict[str, Any] = orjson.loads(URLLib3Session().send(request.prepare()).content)
    return found


def ask(server: LiveServer, operation: str, **members: Any) -> Any:
    """A command of the operator."""
    return server.deployment.administration.ask(operation, members, os.getuid())


def listed(server: LiveServer, **members: Any) -> list[int]:
    """Places of the events that there are."""
    return [one["Place"] for one in post(server, "ListStreamEvents", PATH, **members)["Events"]]


def correct(server: LiveServer, place: int, **members: Any) -> dict[str, Any]:
    return post(server, "CorrectStreamEvent", f"{PATH}/corrections", Place=place, **members)


def presigned(server: LiveServer, scheme: str, signer: Credentials | None = None, **members: Any) -> str:
    """A URL that a browser can open."""
    request = AWSRequest("GET", f"{server.url}{PATH}?{urlencode(members)}")
    SigV4QueryAuth(signer or credentials(server), "rekognition", REGION, expires=60).add_auth(request)
    return str(request.url).replace("http", scheme, 1)


class EventSource:
    """What a browser has: blocks of a text/event-stream, parsed by the rules of the HTML standard."""

    def __init__(self, server: LiveServer, signer: Credentials | None = None, last: str = "", **members: Any) -> None:
        url = urlsplit(presigned(server, "http", signer, **members))
        assert url.hostname is not None
        self._connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
        headers = {"accept": "text/event-stream"} | ({"last-event-id": last} if last else {})
        self._connection.request("GET", f"{url.path}?{url.query}", headers=headers)
        self.answer = self._connection.getresponse()
        self.last_id = last

    def next(self) -> tuple[str, dict[str, Any]]:
        """The next event: its type and its data."""
        kind, data = "message", ""
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            match name:
                case "id":
                    self.last_id = value
                case "event":
                    kind = value
                case "data":
                    data += value
                case "" if data:
                    return kind, json.loads(data)
                case "":
                    kind = "message"
        raise EOFError

    def close(self) -> None:
        self._connection.close()
