"""Lists over HTTPS: one conditional GET, bounded in time and size. In: a publisher. Out: a temporary file.

Certificates are checked; redirects stay on https; nothing is sent but the request. The address may hold a token, so no
message quotes it.
"""

from __future__ import annotations

import http.client
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from custodes.core.errors import UnavailableError
from custodes.operations.screening.ports import Download, ListPublisher, is_loopback
from custodes.screening.lists.files import MAX_BYTES

_TIMEOUT_S, _MAX_S, _CHUNK = 30.0, 900.0, 1 << 16
_MAX_REDIRECTS = 5


class _StaysSafe(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https, and on this machine to http, only."""

    max_redirections = _MAX_REDIRECTS

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:  # fmt: skip
        """As the standard library does, unless it leads away from https."""
        parts = urlsplit(newurl)
        safe = parts.scheme == "https" or (is_loopback(parts.hostname or "") and is_loopback(req.host.split(":")[0]))
        if not safe:
            raise UnavailableError("the publisher redirects to an address without https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def download(one: ListPublisher, largest: int = MAX_BYTES) -> Iterator[Download]:
    """Ask ``one`` for what is new.

    Raises:
        UnavailableError: it cannot be reached, answers with an error, takes too long or sends too much.
    """
    asked = {"User-Agent": "custodes", "Accept-Encoding": "identity"}
    asked |= {"If-None-Match": one.etag} if one.etag else {}
    asked |= {"If-Modified-Since": one.modified} if one.modified else {}
    # No proxies from the environment, and no handlers for file: or ftp:.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(), _StaysSafe(),
        urllib.request.HTTPErrorProcessor(), urllib.request.HTTPDefaultErrorHandler(),
    ):  # fmt: skip
        opener.add_handler(handler)
    with tempfile.TemporaryDirectory(prefix="custodes-list-") as folder:
        try:
            with opener.open(urllib.request.Request(one.address, headers=asked), timeout=_TIMEOUT_S) as answer:  # noqa: S310
                path = Path(folder) / "list"
                _save(answer, path, largest)
                found = Download(path, answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))
        except urllib.error.HTTPError as error:
            with error:
                if error.code != http.client.NOT_MODIFIED:
                    raise UnavailableError(f"the publisher answers {error.code}") from None
            found = Download(None)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnavailableError(f"the publisher cannot be reached ({type(error).__name__})") from None
        yield found


def _save(answer: http.client.HTTPResponse, path: Path, largest: int) -> None:
    value = answer.headers.get("Content-Length", "")
    if value.isdigit() and int(value) > largest:
        raise UnavailableError(f"the publisher's file is larger than {largest} bytes")
    size, deadline = 0, time.monotonic() + _MAX_S
    with path.open("wb") as file:
        while chunk := answer.read(_CHUNK):
            size += len(chunk)
            if size > largest or time.monotonic() > deadline:
                raise UnavailableError(f"the publisher sends more than {largest} bytes, or too slowly")
            file.write(chunk)
    if value.isdigit() and size != int(value):
        raise UnavailableError("the publisher's answer was cut short")
