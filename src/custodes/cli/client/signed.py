"""Signed requests to the server's own interfaces, from a command.

In: a path and members. Out: the JSON answer, or the error in the server's words. Address and credentials are found as
for every command, see ``connection`` and ``identity``; who asks whom is said on standard error.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from custodes.cli.client.api import ApiFailureError, unanswered
from custodes.core.errors import UnavailableError

_PATH = "/custodes/v1/reviews"
_SERVICE = "rekognition"
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class SignedClient:
    """Asks one server as one principal."""

    url: str
    region: str
    credentials: Credentials
    base: str = _PATH

    def get(self, path: str, members: Mapping[str, str]) -> Mapping[str, Any]:
        """Ask for ``path`` below the interface. Raises ApiFailureError, UnavailableError."""
        query = f"?{urlencode(members)}" if members else ""
        return self._send("GET", quote(path, safe="/:") + query, b"")

    def post(self, path: str, members: Mapping[str, object]) -> Mapping[str, Any]:
        """Have something done. Raises as ``get``."""
        return self._send("POST", quote(path, safe="/:"), json.dumps(members).encode())

    def events(self, path: str, members: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
        """Server-sent events of ``path`` until the server ends them: each as its id, its name and its data.

        A block without data comes with an empty name. Raises as ``get``.
        """
        query = f"?{urlencode(members)}" if members else ""
        request = self._signed("GET", quote(path, safe="/:") + query, b"", {"accept": "text/event-stream"})
        with self._opened(request) as answer:
            block: dict[str, str] = {}
            for line in answer:
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name:
                    block[name] = value
                elif block:
                    yield block.get("id", ""), block.get("event", ""), block.get("data", "")
                    block = {}

    def _send(self, method: str, path: str, body: bytes) -> Mapping[str, Any]:
        try:
            with self._opened(self._signed(method, path, body, {"content-type": "application/json"})) as answer:
                parsed: Mapping[str, Any] = json.loads(answer.read())
        except ValueError as error:
            raise unanswered(self.url) from error
        return parsed

    def _signed(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> urllib.request.Request:
        request = AWSRequest(method, f"{self.url}{self.base}{path}", dict(headers), body)
        SigV4Auth(self.credentials, _SERVICE, self.region).add_auth(request)
        # ``address`` let only http and https pass.
        return urllib.request.Request(request.url, body or None, dict(request.headers), method=method)  # noqa: S310

    @contextmanager
    def _opened(self, request: urllib.request.Request) -> Iterator[IO[bytes]]:
        """An answer while it is read. Raises ApiFailureError, UnavailableError."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT_S) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            raise _failure(error.read()) from error
        except OSError as error:
            raise unanswered(self.url) from error


def _failure(data: bytes) -> ApiFailureError | UnavailableError:
    try:
        parsed = json.loads(data)
        return ApiFailureError(str(parsed["Code"]), str(parsed["Message"]))
    except (ValueError, KeyError, TypeError):
        return UnavailableError("the server gave no answer of its own")
