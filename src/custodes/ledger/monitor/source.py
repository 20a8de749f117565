"""A log's public files over HTTP, as a monitor reads them.

In: the address under which ``checkpoint`` stands. Out: ``TileReader``. Answers are bounded in size and time, redirects
are not followed, and what comes is believed in nothing: whoever asked holds it against signatures.
"""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from custodes.ledger.tlog.tiles import TILE_WIDTH

# A full bundle of entries with their lengths; tiles of hashes and checkpoints are smaller.
_MAX_BYTES = TILE_WIDTH * (256 + 2)


class HttpLog:
    """The files below one address; one connection at a time, kept open between requests. For one thread."""

    def __init__(self, url: str, timeout_s: float = 20.0) -> None:
        """Read below ``url``, like ``https://ledger.example/ledger``.

        Raises:
            ValueError: it is no address of that kind.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("the address of a log begins with http:// or https:// and has no query")
        self._host, self._port, self._timeout_s = parts.hostname, parts.port, timeout_s
        self._path = parts.path.rstrip("/")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._open: http.client.HTTPConnection | None = None

    def get(self, path: str) -> bytes | None:
        """Content, or None where the log says that there is no such file.

        Raises:
            OSError: no answer, or none that can be used.
        """
        fresh = self._open is None
        try:
            return self._ask(path)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            if not fresh:  # the other side may have closed a connection that we kept open
                return self.get(path)
            raise OSError(f"{path}: {error or type(error).__name__}") from error

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._open is not None:
            self._open.close()
        self._open = None

    def _ask(self, path: str) -> bytes | None:
        if self._open is None:
            self._open = self._connect()
        self._open.request("GET", f"{self._path}/{path}")
        answer = self._open.getresponse()
        data = answer.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise http.client.HTTPException("the answer is longer than any file of a log")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise http.client.HTTPException(f"status {answer.status}")
        return data

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._tls)
