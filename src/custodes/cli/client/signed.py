"""Signed requests to the server's own interfaces, from a command.

In: a path and members. Out: the JSON answer, or the error in the server's words. Address and credentials are found as
for every command, see ``connection`` and ``identity``; who asks whom is said on standard error.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
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

    def _send(self, method: str, path: str, body: bytes) -> Mapping[str, Any]:
        request = AWSRequest(method, f"{self.url}{self.base}{path}", {"content-type": "application/json"}, body)
        SigV4Auth(self.credentials, _SERVICE, self.region).add_auth(request)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        # ``address`` let only http and https pass.
        sent = urllib.request.Request(request.url, body or None, dict(request.headers), method=method)  # noqa: S310
        try:
            with opener.open(sent, timeout=_TIMEOUT_S) as answer:
                parsed: Mapping[str, Any] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise _failure(error.read()) from error
        except (OSError, ValueError) as error:
            raise unanswered(self.url) from error
        return parsed


def _failure(data: bytes) -> ApiFailureError | UnavailableError:
    try:
        parsed = json.loads(data)
        return ApiFailureError(str(parsed["Code"]), str(parsed["Message"]))
    except (ValueError, KeyError, TypeError):
        return UnavailableError("the server gave no answer of its own")
