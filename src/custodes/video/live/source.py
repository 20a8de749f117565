"""Where frames of a live stream come from, as the operator connects it to the ARN that tenants name.

In: an address as the operator gives it. Out: a checked source. Tenants never give addresses: a server that opened what
they name would be led into the operator's own network.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from custodes.core.errors import InvalidParameterError

NETWORK = frozenset({"rtsp", "rtsps", "http", "https"})
FILE = "file"


@dataclass(frozen=True, slots=True)
class LiveSource:
    """A source.

    Attributes:
        url: ``rtsp://``, ``rtsps://``, ``http://``, ``https://`` (MJPEG, MPEG-TS, HLS), ``file:///`` (played again and
            again, for tests) or ``file:///dev/videoN``; without user and password.
        user, password: for it; empty for none.
    """

    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Raises InvalidParameterError for an address that is none of these."""
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            raise InvalidParameterError("this is no address of a source") from None
        if parts.scheme not in NETWORK | {FILE} or port == 0:
            raise InvalidParameterError("a source is rtsp://, rtsps://, http://, https:// or file:///PATH")
        if parts.username is not None or parts.password is not None:
            raise InvalidParameterError("user and password are given apart, so that they stay out of lists")
        if parts.scheme == FILE and (parts.netloc or not parts.path.startswith("/")):
            raise InvalidParameterError("a file is named with its whole path: file:///PATH")
        if parts.scheme != FILE and not parts.hostname:
            raise InvalidParameterError("this address has no host")

    @property
    def path(self) -> str | None:
        """Of a file or device; None for what comes over the network."""
        parts = urlsplit(self.url)
        return parts.path if parts.scheme == FILE else None

    @property
    def port(self) -> int:
        """Where a source of the network listens."""
        parts = urlsplit(self.url)
        return parts.port or {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}[parts.scheme]

    @property
    def secure(self) -> bool:
        """Whether it is reached through TLS."""
        return urlsplit(self.url).scheme in ("rtsps", "https")

    @property
    def verifiable(self) -> bool:
        """Whether it is certain who answers as far as it is asked for: FFmpeg compares names with certificates, but
        no numeric addresses, and would take the certificate of whomever an authority vouches for."""
        return not self.secure or not _is_numeric(urlsplit(self.url).hostname or "")

    @property
    def address(self) -> str:
        """With user and password, for whoever opens it."""
        if not self.user:
            return self.url
        parts = urlsplit(self.url)
        secret = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@"
        return urlunsplit(parts._replace(netloc=secret + parts.netloc))


def _is_numeric(host: str) -> bool:
    """Whether a resolver takes ``host`` for an address: also what is written as one number, or in octal."""
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True


class LiveSourceMap(Protocol):
    """Which source stands behind which ARN of a video stream."""

    def find(self, arn: str) -> LiveSource | None:
        """The source, or None."""
        ...

    def all(self) -> Mapping[str, LiveSource]:
        """All, by ARN."""
        ...

    def put(self, arn: str, source: LiveSource) -> None:
        """Connect, over what was there."""
        ...

    def drop(self, arn: str) -> bool:
        """Take away; False where there is none."""
        ...
