"""What keeps pages safe in a browser: headers of every answer, the cookie, and whether a request is a page's own.

In: requests and answers. Out: headers, or a refusal. The policy allows scripts, styles and connections of this server
only, and nothing inline; pictures may be those that the reader chose (``blob:``), which never come back from here.
"""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "custodes_session"
PATH = "/console"
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
}


def secured(response: Response, *, fresh: bool = True) -> Response:
    """``response`` with the headers of every answer; ``fresh`` ones are kept by no cache."""
    response.headers.update(HEADERS)
    if fresh:
        response.headers["cache-control"] = "no-store"
    return response


def put_cookie(response: Response, request: Request, secret: str) -> None:
    """Give the browser the secret of its session. Only over an encrypted connection where it came over one."""
    response.set_cookie(
        COOKIE, secret, path=PATH, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )


def drop_cookie(response: Response) -> None:
    """Have the browser forget its session."""
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict")


def is_own(request: Request) -> bool:
    """Whether a request that changes something comes from a page of this server, as far as the browser says."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    # A proxy in front ends TLS, so only host and port can be compared.
    return origin is None or origin.partition("://")[2] == request.headers.get("host", "")


def brings(given: str, expected: str) -> bool:
    """Whether a form brought back the secret of its session."""
    return hmac.compare_digest(given.encode(), expected.encode())


def own_path(path: str) -> str:
    """``path`` if it leads to a page of the console, else that of its first page."""
    plain = path.startswith(f"{PATH}/") and "\\" not in path and path.isprintable()
    return path if plain else f"{PATH}/"


def is_loopback(request: Request) -> bool:
    """Whether the machine itself asks, and not a proxy on it for somebody else."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    return request.client.host in ("127.0.0.1", "::1", "::ffff:127.0.0.1")
