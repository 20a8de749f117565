"""``custodes serve``: the server."""

from __future__ import annotations

import gc
import signal
import sys
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from custodes.cli.options import DATA, DataPlaceOption, DeviceOption
from custodes.settings import Settings, from_environment

if TYPE_CHECKING:
    from types import FrameType

    from custodes.cli.listener import Listener, ServerCertificate
    from custodes.engine.ports import FaceEngine


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one. [default: 8080]")] = None,
    data: DataPlaceOption = DATA,
    device: DeviceOption = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM) to serve HTTPS with.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key (PEM) of the certificate.")] = None,
) -> None:
    """Serve the API until stopped."""
    settings = from_environment(host=host, port=port, data=data, device=device, tls_cert=tls_cert, tls_key=tls_key)
    from custodes.cli import logs
    from custodes.cli.allocator import give_memory_back

    give_memory_back()
    logs.configure(settings.log_level, settings.log_format)
    if not _is_loopback(settings.host) and settings.tls_cert is None:
        typer.echo(
            f"custodes: {settings.host} is open to the network. Requests are signed but not encrypted: serve HTTPS "
            "with --tls-cert and --tls-key, or put a TLS proxy in front.",
            err=True,
        )
    serve_until_stopped(settings)


def serve_until_stopped(settings: Settings, engine: FaceEngine | None = None) -> None:
    """Listen, open the data directory, serve until SIGTERM or SIGINT, close everything.

    Args:
        settings: all of them.
        engine: stands in for the real one.

    Raises:
        UnavailableError: the address is taken, the directory in use, or models are missing.
    """
    from custodes.cli.listener import Listener
    from custodes.deployment.server import open_deployment

    with closing(Listener(settings.host, settings.port, _certificate(settings))) as listener:
        endpoint_url = settings.endpoint or listener.url
        _until_signalled(listener)
        with open_deployment(settings, endpoint_url=endpoint_url, engine=engine) as deployment:

            def ready() -> None:
                # What was loaded stays; without this every full collection would walk all of it.
                gc.collect()
                gc.freeze()
                typer.echo(f"Custodes serves {endpoint_url} from {settings.data}")
                typer.echo(f'For AWS clients:  eval "$(custodes env --data {settings.data})"')
                sys.stdout.flush()

            listener.serve(deployment.app(), settings.shutdown_s, ready)


def _certificate(settings: Settings) -> ServerCertificate | None:
    from custodes.cli.listener import ServerCertificate

    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return ServerCertificate(settings.tls_cert, settings.tls_key)


def _until_signalled(listener: Listener) -> None:
    """Let SIGTERM and SIGINT end serving rather than the process, so that everything is closed in order.

    uvicorn raises the signal again after its own shutdown; then these handlers find nothing left to do.
    """

    def stop(_signal: int, _frame: FrameType | None) -> None:
        listener.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
