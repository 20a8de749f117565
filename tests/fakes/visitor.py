"""A reader of the console without a browser: a plain HTTP client with a cookie."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode


class Visitor:
    """Asks for pages; keeps the cookie that it was given."""

    def __init__(self, url: str) -> None:
        self.host = url.partition("//")[2]
        self.cookie = ""

    def ask(
        self, method: str, path: str, form: Mapping[str, str] | None = None, **headers: str
    ) -> tuple[int, Mapping[str, str], str]:
        """Status, headers and text of the answer."""
        connection = http.client.HTTPConnection(self.host, timeout=20)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            sent["cookie"] = self.cookie
        body = None
        if form is not None:
            body, sent["content-type"] = urlencode(form), "application/x-www-form-urlencoded"
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        text = answer.read().decode("utf-8", "replace")
        connection.close()
        if "set-cookie" in found:
            self.cookie = found["set-cookie"].partition(";")[0]
        return answer.status, found, text

    def sign_in(self, key: Mapping[str, Any]) -> None:
        """With an access key and its secret."""
        form = {"access_key_id": key["access_key_id"], "secret_access_key": key["secret_access_key"]}
        assert self.ask("POST", "/console/sign-in", form)[0] == 303

    def enter(self, address: str) -> None:
        """With a link that ``custodes console`` printed."""
        assert self.ask("POST", "/console/enter", {"link": address.partition("link=")[2]})[0] == 303

    def csrf(self) -> str:
        """The secret that forms bring back."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.ask("GET", "/console/collections")[2])
        assert found is not None
        return found[1]
