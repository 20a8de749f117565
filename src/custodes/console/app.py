"""The console as routes: who is signed in, what they may ask, one answer for everything that can go wrong.

In: ``ConsoleParts``. Out: routes for ``/console`` and, for browsers, ``/``; the page that says that something failed.
Pages are functions of ``pages``; here is what holds for all of them: a session, a form of our own, the reader's
language, headers, errors as pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import Scope

from custodes.console.navigation import navigation
from custodes.console.ports import ConsoleParts
from custodes.console.routes import PAGES, PageRoute
from custodes.console.sign_in import SignIn
from custodes.console.visit import FileView, GoTo, Outcome, View, Visit
from custodes.console.web import assets, security
from custodes.console.web.forms import SMALL_BODY_BYTES, Form, read_form
from custodes.console.web.language import LANGUAGES, NAMES, Words, preferred
from custodes.console.web.rendering import render
from custodes.console.web.sessions import Session, Sessions
from custodes.core import errors
from custodes.core.errors import CustodesError
from custodes.core.ids import RequestId
from custodes.operations.requests.context import Origin

_STATUS: Mapping[type[CustodesError], int] = {
    errors.NotFoundError: 404,
    errors.DeniedError: 403,
    errors.AlreadyExistsError: 409,
    errors.ConflictError: 409,
    errors.ImageTooLargeError: 413,
    errors.ThrottledError: 429,
    errors.RateExceededError: 429,
    errors.UnavailableError: 503,
}
_MAX_READING = 32
"""Forms read at the same time, each of which may hold photos in memory."""
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
_THEMES = ("", "light", "dark")


@dataclass(frozen=True, slots=True)
class ConsolePages:
    """All routes of the console, and what answers a request of one of them that failed as nobody expected.

    ``failed`` gets the request and its id; None for a request that is not for the console.
    """

    routes: Sequence[BaseRoute] = ()
    failed: Callable[[Request, RequestId], Response | None] = lambda *_: None


def console_pages(parts: ConsoleParts) -> ConsolePages:
    """The console."""
    console = _Console(parts, Sessions(parts.clock, parts.random, parts.limits))
    own: list[BaseRoute] = [
        Route("/static/{version}/{name}", assets.serve, methods=["GET"]),
        Route("/verifier/{version}/{name}", assets.serve_verifier, methods=["GET"]),
        *console.sign_in.routes(),
        Route("/sign-out", console.sign_out, methods=["POST"]),
        Route("/preferences", console.preferences, methods=["POST"]),
        *(Route(page.path, console.serve(page), methods=[page.method]) for page in PAGES),
        Route("/{path:path}", console.missing, methods=["GET", "POST"]),
    ]
    to_console = Route(security.PATH, _to_console, methods=["GET"])
    routes = [_ForBrowsers("/", _to_console, methods=["GET"]), to_console, Mount(security.PATH, routes=own)]
    return ConsolePages(routes, console.failed)


class _ForBrowsers(Route):
    """A route that only requests for HTML take; the API's own clients pass it by."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is not Match.FULL:
            return Match.NONE, {}
        accepts = b",".join(value for name, value in scope["headers"] if name == b"accept")
        return (match, child) if b"text/html" in accepts else (Match.NONE, {})


async def _to_console(_: Request) -> Response:
    return security.secured(RedirectResponse(f"{security.PATH}/", HTTPStatus.SEE_OTHER))


@dataclass(frozen=True, slots=True)
class _Guest:
    """Who asks: their session, and the secret it is known by."""

    session: Session
    secret: str


class _Console:
    def __init__(self, parts: ConsoleParts, sessions: Sessions) -> None:
        self._parts = parts
        self._sessions = sessions
        self.sign_in = SignIn(parts, sessions)
        self._reading = 0

    def serve(self, page: PageRoute) -> Callable[[Request], Any]:
        """What answers requests for ``page``."""

        async def answer(request: Request) -> Response:
            guest = self._guest(request)
            if guest is None:
                return self._to_sign_in(request)
            visit = self._visit(request, guest.session)
            if visit is None:
                self._sessions.end(guest.secret)
                return self._to_sign_in(request)
            visit.may_ask = frozenset(page.operations)
            try:
                if page.method == "POST":
                    visit.form = await self._form(request)
                    _require_own(request, guest.session, visit.form)
                return await self._parts.run(visit.caller.account_id, _answered, page, visit)
            except CustodesError as error:
                return _response(visit, _refusal(error))

        return answer

    async def _form(self, request: Request) -> Form:
        if self._reading >= _MAX_READING:
            raise errors.ThrottledError("Slow down; too much is being sent at the same time.")
        self._reading += 1
        try:
            return await read_form(request)
        finally:
            self._reading -= 1

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        guest = self._guest(request)
        if guest is not None and await _own_form(request, guest.session) is not None:
            self._sessions.end(guest.secret)
        response = RedirectResponse(f"{security.PATH}/sign-in", HTTPStatus.SEE_OTHER)
        security.drop_cookie(response)
        return security.secured(response)

    async def preferences(self, request: Request) -> Response:
        """Keep language and theme, and go back to where the reader was."""
        guest = self._guest(request)
        back = f"{security.PATH}/"
        form = None if guest is None else await _own_form(request, guest.session)
        if guest is not None and form is not None:
            language, theme = form.text("language"), form.text("theme")
            self._sessions.prefer(
                guest.secret,
                language=language if language in LANGUAGES else guest.session.language,
                theme=theme if theme in _THEMES else guest.session.theme,
            )
            back = security.own_path(form.text("back"))
        return security.secured(RedirectResponse(back, HTTPStatus.SEE_OTHER))

    async def missing(self, request: Request) -> Response:
        """A path without a page."""
        guest = self._guest(request)
        visit = None if guest is None else self._visit(request, guest.session)
        if visit is None:
            return self._to_sign_in(request)
        return _response(visit, _refusal(errors.NotFoundError("There is no such page.")))

    def failed(self, request: Request, request_id: RequestId) -> Response | None:
        """A page that asks nothing of anybody: what it would ask may be what failed."""
        if not request.url.path.startswith(f"{security.PATH}/"):
            return None
        guest = self._guest(request)
        language, theme = ("", "") if guest is None else (guest.session.language, guest.session.theme)
        words = Words(language or preferred(request.headers.get("accept-language", "")))
        template = "failed_notice.html" if _is_fragment(request) else "failed.html"
        text = render(template, {"t": words, "theme": theme, "request_id": request_id})
        return security.secured(HTMLResponse(text, HTTPStatus.INTERNAL_SERVER_ERROR))

    def _guest(self, request: Request) -> _Guest | None:
        secret = request.cookies.get(security.COOKIE, "")
        session = self._sessions.find(secret) if secret else None
        return None if session is None else _Guest(session, secret)

    def _visit(self, request: Request, session: Session) -> Visit | None:
        key = self._parts.keys.find(session.access_key_id, session.session_token)
        if key is None or (key.expires_ts_ms is not None and key.expires_ts_ms <= self._parts.clock.now_ms()):
            return None
        client = request.client
        return Visit(
            parts=self._parts,
            session=session,
            caller=key.caller(self._parts.region),
            origin=Origin(
                client.host if client else "", request.url.scheme == "https", request.headers.get("user-agent", "")
            ),
            words=Words(session.language or preferred(request.headers.get("accept-language", ""))),
            url=_back_to(request),
            path={name: str(value) for name, value in request.path_params.items()},
            query=dict(request.query_params),
            fragment=_is_fragment(request),
        )

    def _to_sign_in(self, request: Request) -> Response:
        if request.headers.get("hx-request") == "true":
            response = Response(status_code=HTTPStatus.UNAUTHORIZED)
            response.headers["hx-redirect"] = f"{security.PATH}/sign-in"
            return security.secured(response)
        back = quote(_back_to(request), safe="")
        target = f"{security.PATH}/sign-in" + (f"?back={back}" if request.method == "GET" else "")
        return security.secured(RedirectResponse(target, HTTPStatus.SEE_OTHER))


def _answered(page: PageRoute, visit: Visit) -> Response:
    """The answer of a page, made on a worker's thread down to its text."""
    return _response(visit, page.handler(visit))


def _response(visit: Visit, outcome: Outcome) -> Response:
    if isinstance(outcome, GoTo):
        if visit.fragment:
            response = Response(status_code=HTTPStatus.NO_CONTENT, headers={"hx-redirect": outcome.path})
            return security.secured(response)
        return security.secured(RedirectResponse(outcome.path, HTTPStatus.SEE_OTHER))
    if isinstance(outcome, FileView):
        name = _NOT_IN_FILE_NAMES.sub("_", outcome.name)
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return security.secured(Response(outcome.content, headers=headers, media_type=outcome.media_type))
    return security.secured(HTMLResponse(page_text(visit, outcome), outcome.status))


def page_text(visit: Visit, view: View) -> str:
    """The HTML of ``view``: the whole page, or only its content where the browser has the rest."""
    values = {
        "t": visit.words,
        "visit": visit,
        "verifier": assets.verifier_address(),
        "nav": navigation,
        "languages": NAMES,
        "fragment": visit.fragment,
        "now_ms": visit.parts.clock.now_ms(),
        **view.values,
    }
    return render(view.template, values)


def _is_fragment(request: Request) -> bool:
    return request.headers.get("hx-request") == "true" and "hx-boosted" not in request.headers


def _back_to(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _require_own(request: Request, session: Session, form: Form) -> None:
    given = form.text(security.CSRF_FIELD) or request.headers.get(security.CSRF_HEADER, "")
    if not security.is_own(request) or not security.brings(given, session.csrf):
        raise errors.DeniedError("This form does not come from a page of your session. Load the page again.")


async def _own_form(request: Request, session: Session) -> Form | None:
    """A small form of a page of this session; None for anything else."""
    try:
        form = await read_form(request, SMALL_BODY_BYTES)
        _require_own(request, session, form)
    except CustodesError:
        return None
    return form


def _refusal(error: CustodesError) -> View:
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 400)
    return View("refused.html", {"status": status, "message": error.message, "kind": type(error).__name__}, status)
