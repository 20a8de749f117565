"""The border of the application, called as ASGI without a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
import structlog
from starlette.routing import Route

from custodes.core.clock import FixedClock
from custodes.core.ids import RequestId
from custodes.edge.app import AppParts, create_app
from custodes.edge.aws.model import Service


@pytest.fixture
def parts(service: Service, keys: Any) -> Callable[..., AppParts]:
    def build(**changes: Any) -> AppParts:
        given: dict[str, Any] = {
            "service": service,
            "handlers": {},
            "keys": keys,
            "clock": FixedClock(),
            "region": "eu-central-1",
            "request_ids": lambda: RequestId("id-1"),
            "ready": lambda: True,
        }
        return AppParts(**{**given, **changes})

    return build


def call(app: Any, path: str = "/", **changes: Any) -> list[dict[str, Any]]:
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
        **changes,
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    anyio.run(run)
    return sent


def status(messages: list[dict[str, Any]]) -> int:
    return int(messages[0]["status"])


def test_handlers_and_reasons_must_be_for_operations(parts):
    with pytest.raises(ValueError, match="DetectSouls"):
        create_app(parts(handlers={"DetectSouls": lambda *_: {}}))
    with pytest.raises(ValueError, match="DetectSouls"):
        create_app(parts(reasons={"DetectSouls": "there are none"}))


def test_websockets_are_closed(parts):
    assert call(create_app(parts()), type="websocket") == [{"type": "websocket.close", "code": 1000}]


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (("127.0.0.1", 1), 200),
        (("::1", 1), 200),
        (("127.8.9.1", 1), 200),
        (("192.0.2.1", 1), 403),
        (("unix", 1), 403),
        (None, 403),
    ],
)
def test_metrics_are_for_loopback(parts, client, expected):
    assert status(call(create_app(parts()), "/metrics", client=client)) == expected
    assert status(call(create_app(parts(metrics_public=True)), "/metrics", client=client)) == 200


def test_an_error_in_a_route_is_answered_like_any_other(parts):
    async def broken(_: Any) -> Any:
        raise RuntimeError("inner")

    with structlog.testing.capture_logs() as logs:
        messages = call(create_app(parts(extra_routes=[Route("/page", broken)])), "/page")
    assert status(messages) == 500
    assert b"inner" not in messages[1]["body"]
    assert [line["event"] for line in logs] == ["unexpected error"]


def test_an_error_after_the_answer_began_does_not_begin_a_second_one(parts):
    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("cut")

    class Half:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await half(scope, receive, send)

    with structlog.testing.capture_logs() as logs:
        messages = call(create_app(parts(extra_routes=[Route("/page", Half())])), "/page")
    assert [message["type"] for message in messages] == ["http.response.start"]
    assert (b"x-amzn-requestid", b"id-1") in messages[0]["headers"]
    assert [line["error"] for line in logs] == ["RuntimeError"]
