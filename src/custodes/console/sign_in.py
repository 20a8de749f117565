"""Signing in: with a link that the operator's own machine gave out, or with an access key and its secret, once.

In: forms. Out: a session and its cookie. Whoever signs in asks GetCallerIdentity through the gate, so that it is on
record. A link works from this machine only, by a button rather than by being opened, so that nothing that looks at
addresses uses it up; what fails is slowed down by address and by key.
"""

from __future__ import annotations

import hmac
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from custodes.console.ports import ConsoleParts
from custodes.console.web import security
from custodes.console.web.attempts import Attempts
from custodes.console.web.forms import SMALL_BODY_BYTES, Form, read_form
from custodes.console.web.language import Words, preferred
from custodes.console.web.rendering import render
from custodes.console.web.sessions import Sessions
from custodes.core.errors import CustodesError
from custodes.operations.requests.context import Context, Origin
from custodes.operations.requests.ports import AccessKey

# Compared with where no key is found, so that a missing key takes as long as a wrong secret.
_NO_SECRET = "-" * 40


class SignIn:
    """Pages for whoever is not signed in."""

    def __init__(self, parts: ConsoleParts, sessions: Sessions) -> None:
        """Open sessions in ``sessions``."""
        self._parts = parts
        self._sessions = sessions
        self._attempts = Attempts(parts.clock)

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            Route("/sign-in", self.page, methods=["GET"]),
            Route("/sign-in", self.with_key, methods=["POST"]),
            Route("/enter", self.enter, methods=["GET"]),
            Route("/enter", self.with_link, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """The form for a key."""
        return self._show(request, "sign_in.html", back=request.query_params.get("back", ""))

    async def enter(self, request: Request) -> Response:
        """The button of a link."""
        return self._show(request, "enter.html", link=request.query_params.get("link", ""))

    async def with_key(self, request: Request) -> Response:
        """Sign in with an access key."""
        form = await self._form(request)
        if form is None:
            return self._show(request, "sign_in.html", HTTPStatus.BAD_REQUEST, problem="foreign")
        key_id, secret = form.text("access_key_id"), form.text("secret_access_key")
        names = (_address(request), f"{_address(request)} {key_id}")
        if not self._attempts.may_try(*names):
            return self._show(request, "sign_in.html", HTTPStatus.TOO_MANY_REQUESTS, problem="slow")
        token = form.text("session_token") or None
        key = self._parts.keys.find(key_id, token)
        expected = _NO_SECRET if key is None else key.secret
        right = hmac.compare_digest(secret.encode(), expected.encode())
        if key is None or not right or not self._is_good(request, key):
            self._attempts.failed(*names)
            return self._show(request, "sign_in.html", HTTPStatus.FORBIDDEN, problem="wrong")
        secret = self._sessions.begin(key.access_key_id, token)
        return self._signed_in(request, secret, form.text("back"))

    async def with_link(self, request: Request) -> Response:
        """Sign the operator in."""
        form = await self._form(request)
        operator = self._parts.operator.access_key_id
        if form is None or not security.is_loopback(request) or not self._parts.links.take(form.text("link")):
            return self._show(request, "enter.html", HTTPStatus.FORBIDDEN, problem="link")
        return self._signed_in(request, self._sessions.begin(operator, administers=True), "")

    def _signed_in(self, request: Request, secret: str, back: str) -> Response:
        old = request.cookies.get(security.COOKIE)
        if old:
            self._sessions.end(old)
        response = RedirectResponse(security.own_path(back), HTTPStatus.SEE_OTHER)
        security.put_cookie(response, request, secret)
        return security.secured(response)

    def _is_good(self, request: Request, key: AccessKey) -> bool:
        """Whether the key's account is served; asking is what puts the sign-in on record."""
        now = self._parts.clock.now_ms()
        if key.expires_ts_ms is not None and key.expires_ts_ms <= now:
            return False
        origin = Origin(_address(request), request.url.scheme == "https", request.headers.get("user-agent", ""))
        context = Context(key.caller(self._parts.region), self._parts.request_ids(), now, origin)
        try:
            self._parts.api(context, "GetCallerIdentity", {})
        except CustodesError:
            return False
        return True

    async def _form(self, request: Request) -> Form | None:
        if not security.is_own(request):
            return None
        try:
            return await read_form(request, SMALL_BODY_BYTES)
        except CustodesError:
            return None

    def _show(self, request: Request, template: str, status: int = HTTPStatus.OK, **values: str) -> Response:
        words = Words(preferred(request.headers.get("accept-language", "")))
        shown = {"t": words, "problem": "", "back": "", "link": "", **values}
        return security.secured(HTMLResponse(render(template, shown), status))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
