"""A live server on a free loopback port with fake keys and fake handlers, and boto3 clients for it."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config

from custodes.core.clock import SystemClock
from custodes.core.ids import AccountId, RequestId
from custodes.edge.app import SERVER_OPTIONS, AppParts, create_app
from custodes.edge.aws.model import Service, load_service
from custodes.edge.http.protocol import GuardedProtocol
from custodes.operations.requests.context import Context, Principal
from custodes.operations.requests.ports import AccessKey
from custodes.operations.requests.receipts import Released

REGION = "eu-central-1"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class FakeKeys:
    """Keys in a dict."""

    def __init__(self) -> None:
        account = AccountId("123456789012")
        known = (
            AccessKey("AKEXAMPLE", SECRET, account, Principal("user/ann")),
            AccessKey("AKROOT", SECRET, account),
            AccessKey("AKTEMP", SECRET, account, Principal("user/tim"), session_token="token-of-tim"),
            AccessKey("AKOLD", SECRET, account, Principal("user/old"), session_token="token-of-old", expires_ts_ms=1),
        )
        self._keys = {key.access_key_id: key for key in known}

    def find(self, access_key_id: str, session_token: str | None = None) -> AccessKey | None:
        return self._keys.get(access_key_id)


@dataclass
class Live:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, key: str = "AKEXAMPLE", secret: str = SECRET, token: str | None = None, **config: Any) -> Any:
        settings: dict[str, Any] = {"retries": {"total_max_attempts": 1}, **config}
        return boto3.session.Session().client(
            "rekognition",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(**settings),
        )

    def raw(self, request: bytes, timeout: float = 10.0) -> bytes:
        """Send bytes, read until the server closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(request)
            return self.receive(connection)

    def settle(self) -> None:
        """Return once the lines in the log about all answers so far are written, which happens after they are sent."""
        self.raw(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")

    @staticmethod
    def receive(connection: socket.socket) -> bytes:
        """Head and body of one answer."""
        got = b""
        while b"\r\n\r\n" not in got:
            more = connection.recv(65536)
            if not more:
                return got
            got += more
        head, _, rest = got.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
        )
        while len(rest) < length:
            more = connection.recv(65536)
            if not more:
                break
            rest += more
        return head + b"\r\n\r\n" + rest


def _new_id() -> RequestId:
    return RequestId(str(uuid.uuid4()))


@contextmanager
def _serving(app: Any, protocol: Any) -> Iterator[Live]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app, **{**SERVER_OPTIONS, "http": protocol}, log_level="error", timeout_graceful_shutdown=2, lifespan="off"
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.005)
    assert server.started
    try:
        yield Live(listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
        assert not thread.is_alive()


def _released(handler: Callable[..., Any]) -> Callable[..., Released[Any]]:
    """A handler as the gate makes them; one that gives receipts itself stays as it is."""

    def handle(context: Context, params: Any) -> Released[Any]:
        output = handler(context, params)
        return output if isinstance(output, Released) else Released(output, None)

    return handle


@pytest.fixture(scope="session")
def service() -> Service:
    return load_service()


@pytest.fixture
def keys() -> FakeKeys:
    return FakeKeys()


@pytest.fixture
def serve(service: Service) -> Iterator[Callable[..., Live]]:
    """``serve(handlers, **parts)`` starts a server for the length of the test."""
    from contextlib import ExitStack

    with ExitStack() as open_servers:

        def start(handlers: dict[str, Any] | None = None, protocol: Any = GuardedProtocol, **parts: Any) -> Live:
            given: dict[str, Any] = {
                "service": service,
                "handlers": {name: _released(handler) for name, handler in (handlers or {}).items()},
                "keys": FakeKeys(),
                "clock": SystemClock(),
                "region": REGION,
                "request_ids": _new_id,
                "ready": lambda: True,
            }
            return open_servers.enter_context(_serving(create_app(AppParts(**{**given, **parts})), protocol))

        yield start
