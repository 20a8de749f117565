"""Which API a command talks to: a running server, or this process when none runs.

In: settings and perhaps a URL. Out: an ``ApiClient``. A data directory has one writer, so a server that runs on it is
asked rather than the directory opened a second time.
"""

from __future__ import annotations

import configparser
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from custodes.core.errors import UnavailableError

if TYPE_CHECKING:
    from custodes.cli.client.api import ApiClient
    from custodes.settings import Settings

PROFILE = "custodes"
_HEALTH_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, as far as is known, and the data directory's own key (id, secret), if there is one."""

    url: str | None
    region: str
    key: tuple[str, str] | None


def address(settings: Settings, endpoint: str | None) -> Address:
    """The server at ``endpoint``, else the one that the settings or the data directory name."""
    from custodes.storage.files.credentials import configured

    found = configured(settings.data)
    url = endpoint or settings.endpoint or (found.endpoint_url if found else None)
    if url is not None and not url.startswith(("http://", "https://")):
        raise UnavailableError(f"{url} is not a URL of a server")
    return Address(url, found.region if found else settings.region, _own_key(settings.data))


@contextmanager
def open_api(settings: Settings, endpoint: str | None) -> Iterator[ApiClient]:
    """The server at ``endpoint``, else the one that the data directory names if it runs, else the directory itself.

    Raises:
        UnavailableError: nothing answers at ``endpoint``, or the directory cannot be opened.
    """
    found = address(settings, endpoint)
    url = found.url
    if url is not None and (_is_serving(url) or endpoint):
        from custodes.cli.client.remote import RemoteApi

        yield RemoteApi(url, found.region, found.key)
        return
    from custodes.cli.client.local import LocalApi
    from custodes.deployment.server import open_deployment

    with open_deployment(settings, endpoint_url=url or settings.endpoint_url) as deployment:
        yield LocalApi(deployment)


def _own_key(data: Path) -> tuple[str, str] | None:
    """Access key and secret of the data directory, if there is one."""
    found = _ini(data / "credentials")
    key = found.get(PROFILE, "aws_access_key_id", fallback=None)
    secret = found.get(PROFILE, "aws_secret_access_key", fallback=None)
    return (key, secret) if key and secret else None


def _ini(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        # The parser's own message would quote a line, which may be the secret.
        raise UnavailableError(f"{path} is not in the AWS configuration format") from None
    return parser


def _is_serving(url: str) -> bool:
    """Whether a Custodes server answers there, without going through any proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url.rstrip('/')}/healthz", timeout=_HEALTH_TIMEOUT_S) as answer:
            parsed = json.loads(answer.read(4096))
    except (OSError, ValueError):
        return False
    return isinstance(parsed, dict) and parsed.get("status") == "ready"
