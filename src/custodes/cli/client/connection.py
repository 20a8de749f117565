"""Which API a command talks to, and as whom: a running server, or this process when none runs.

In: settings and perhaps a URL. Out: an ``ApiClient``. A data directory has one writer, so a server that runs on it is
asked rather than the directory opened a second time. Who calls what is said on standard error.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.credentials import Credentials

from custodes.cli.client.directory import require_key
from custodes.cli.client.identity import caller_arn, find_credentials, say_caller
from custodes.cli.client.signed import SignedClient
from custodes.core.errors import UnavailableError
from custodes.settings import aws_endpoint_url, from_environment
from custodes.storage.files.credentials import configured

if TYPE_CHECKING:
    from custodes.cli.client.api import ApiClient
    from custodes.settings import Settings

_HEALTH_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, as far as is known, and the region that requests are signed for."""

    url: str | None
    region: str


def address(settings: Settings, endpoint: str | None) -> Address:
    """The server at ``endpoint``, else the one that the settings, the data directory or AWS's variables name.

    Raises:
        UnavailableError: what they name is not a URL.
    """
    found = configured(settings.data)
    url = endpoint or settings.endpoint or (found.endpoint_url if found else aws_endpoint_url())
    if url is not None and not url.startswith(("http://", "https://")):
        raise UnavailableError(f"{url} is not a URL of a server")
    return Address(url, found.region if found else settings.region)


@contextmanager
def open_api(settings: Settings, endpoint: str | None, *, creates: bool = False) -> Iterator[ApiClient]:
    """The server at ``endpoint``, else the one that the data directory names if it runs, else the directory itself.

    Args:
        settings: all of them.
        endpoint: URL of a server, if one was given.
        creates: whether a data directory may be made where there is none.

    Raises:
        UnavailableError: nothing answers at ``endpoint``, or the directory is not there or cannot be opened.
    """
    found = address(settings, endpoint)
    url = found.url
    if url is not None and (endpoint or _is_serving(url)):
        from custodes.cli.client.remote import RemoteApi

        credentials = find_credentials(settings.data)
        say_caller(caller_arn(url, found.region, credentials), url)
        yield RemoteApi(url, found.region, credentials)
        return
    if not creates:
        require_key(settings.data)
    from custodes.cli.client.local import LocalApi
    from custodes.deployment.server import open_deployment

    with open_deployment(settings, endpoint_url=url or settings.endpoint_url) as deployment:
        api = LocalApi(deployment, find_credentials(settings.data))
        say_caller(api.arn, f"{settings.data}, where no server runs")
        yield api


def signed_client(data: Path | None, endpoint: str | None) -> SignedClient:
    """The server that ``address`` finds, for requests of our own, with credentials by the rule of ``identity``.

    Raises:
        UnavailableError: there is no address or there are no credentials.
    """
    settings = from_environment(data=data)
    found = address(settings, endpoint)
    if found.url is None:
        require_key(settings.data)
        raise UnavailableError("no server is known: name one with --endpoint, or its data directory with --data")
    key = find_credentials(settings.data)
    say_caller(caller_arn(found.url, found.region, key), found.url)
    credentials = Credentials(key.access_key_id, key.secret, key.session_token)
    return SignedClient(found.url.rstrip("/"), found.region, credentials)


def _is_serving(url: str) -> bool:
    """Whether a Custodes server answers there, without going through any proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url.rstrip('/')}/healthz", timeout=_HEALTH_TIMEOUT_S) as answer:
            parsed = json.loads(answer.read(4096))
    except (OSError, ValueError):
        return False
    return isinstance(parsed, dict) and parsed.get("status") == "ready"
