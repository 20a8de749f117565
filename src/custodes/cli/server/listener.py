"""An address to listen on, and uvicorn behind it.

In: host, port, perhaps a certificate, and an ASGI application. Out: requests served until told to stop. The address is
taken before anything slow happens, so a port that is in use is found out at once, and port 0 is known before the
configuration is written.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from custodes.core.errors import UnavailableError
from custodes.core.setting_text import url_host
from custodes.edge.app import SERVER_OPTIONS
from custodes.edge.http.stopping import announce

# Connections that the system keeps waiting while all workers are busy; uvicorn's own default.
_BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """Files to serve HTTPS with: a chain of certificates and the private key of the first, both PEM."""

    chain: Path
    key: Path

    def check(self) -> None:
        """Raise UnavailableError, naming the files, unless they can be read and belong together."""
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(self.chain, self.key)
        except OSError as error:  # among them ssl.SSLError
            reason = error.strerror or type(error).__name__
            raise UnavailableError(f"cannot serve HTTPS with {self.chain} and {self.key}: {reason}") from error


class Listener:
    """A bound address."""

    def __init__(self, host: str, port: int, certificate: ServerCertificate | None = None) -> None:
        """Take ``host``:``port``; port 0 takes a free one. Raises UnavailableError when that is not possible."""
        if certificate is not None:
            certificate.check()
        self._certificate = certificate
        self._socket = _bind(host, port)
        self._server: uvicorn.Server | None = None
        self._stopping = False
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{'http' if certificate is None else 'https'}://{url_host(host)}:{self.port}"

    def serve(self, app: Callable[..., Any], shutdown_s: int, ready: Callable[[], None]) -> None:
        """Serve until ``stop``; ``ready`` is called once connections are accepted.

        Requests that are running when it stops get ``shutdown_s`` seconds; idle connections are closed at once.
        """
        config = uvicorn.Config(
            app,
            **SERVER_OPTIONS,
            lifespan="off",
            log_config=None,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=shutdown_s,
            ssl_certfile=None if self._certificate is None else self._certificate.chain,
            ssl_keyfile=None if self._certificate is None else self._certificate.key,
        )
        self._server = _Server(config, ready)
        self._server.should_exit = self._stopping
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """End ``serve``, gracefully. Safe in a signal handler and from any thread."""
        self._stopping = True
        if self._server is not None:
            self._server.should_exit = True

    def close(self) -> None:
        """Give the address back."""
        self._socket.close()


class _Server(uvicorn.Server):
    """uvicorn, telling when it is ready, and requests when it stops."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._announced = announce(self.lifespan.state)
        await super().startup(sockets=sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._announced.set()
        await super().shutdown(sockets=sockets)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UnavailableError(f"cannot listen on {host}: {error.strerror}; --host names another address") from error
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        taken.close()
        remedy = "choose another port with --port or CUSTODES_PORT; --port 0 takes a free one"
        raise UnavailableError(f"cannot listen on {host}:{port}: {error.strerror}; {remedy}") from error
    return taken
