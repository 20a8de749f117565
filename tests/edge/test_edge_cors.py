"""Web pages may call the API; which ones, the operator says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edge.test_edge_http import signed, split

PAGE = "https://app.example"


def list_nothing(*_: Any) -> dict[str, Any]:
    return {"CollectionIds": [], "FaceModelVersions": []}


def preflight(live: Any, origin: str = PAGE, path: str = "/") -> tuple[int, dict[str, str]]:
    head = (
        f"OPTIONS {path} HTTP/1.1\r\nHost: h\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\n"
        "Access-Control-Request-Headers: authorization,content-type,x-amz-date,x-amz-target,x-amz-user-agent\r\n\r\n"
    )
    status, headers, _ = split(live.raw(head.encode()))
    return status, headers


def call(live: Any, origin: str = PAGE) -> dict[str, str]:
    request = signed(live, b"{}").replace(b"\r\n", f"\r\nOrigin: {origin}\r\n".encode(), 1)
    status, headers, _ = split(live.raw(request))
    assert status == 200
    return headers


@pytest.mark.parametrize("path", ["/", "/custodes/v1/quality"])
def test_a_page_may_ask_and_call(serve, path):
    live = serve({"ListCollections": list_nothing})
    status, headers = preflight(live, path=path)
    assert status == 200
    assert headers["access-control-allow-origin"] == "*"
    assert headers["access-control-allow-methods"] == "POST"
    assert "x-amz-target" in headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in headers


def test_answers_and_errors_can_be_read_by_the_page(serve):
    live = serve({"ListCollections": list_nothing})
    headers = call(live)
    assert headers["access-control-allow-origin"] == "*"
    assert "x-amzn-requestid" in headers["access-control-expose-headers"]
    bad = b"POST / HTTP/1.1\r\nHost: h\r\nOrigin: https://app.example\r\nContent-Length: 2\r\n\r\n{}"
    status, headers, _ = split(live.raw(bad))
    assert status == 400
    assert headers["access-control-allow-origin"] == "*"


def test_origins_can_be_narrowed(serve):
    live = serve({"ListCollections": list_nothing}, page_origins=(PAGE,))
    assert preflight(live)[1]["access-control-allow-origin"] == PAGE
    assert preflight(live)[1]["vary"].lower() == "origin"
    assert call(live)["access-control-allow-origin"] == PAGE
    assert "access-control-allow-origin" not in call(live, "https://other.example")
    assert "access-control-allow-origin" not in preflight(live, "https://other.example")[1]
    closed = serve({"ListCollections": list_nothing}, page_origins=())
    assert "access-control-allow-origin" not in call(closed)


def test_what_is_not_the_api_is_not_opened(serve):
    live = serve({"ListCollections": list_nothing})
    for path in ("/metrics", "/custodes/v1/reviews", "/healthz"):
        assert "access-control-allow-origin" not in preflight(live, path=path)[1]
