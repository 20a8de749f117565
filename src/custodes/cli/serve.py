"""``custodes serve``: the server."""

from __future__ import annotations

import signal
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated

import typer

from custodes.cli.options import DataOption, DeviceOption
from custodes.settings import Settings, from_environment

if TYPE_CHECKING:
    from types import FrameType

    from custodes.cli.listener import Listener


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one. [default: 8080]")] = None,
    data: DataOption = None,
    device: DeviceOption = None,
) -> None:
    """Serve the API until stopped."""
    settings = from_environment(host=host, port=port, data=data, device=device)
    from custodes.cli import logs
    from custodes.cli.listener import Listener

    logs.configure(settings.log_level, settings.log_format)
    if not _is_loopback(settings.host):
        typer.echo(
            f"custodes: {settings.host} is open to the network. Requests are signed but not encrypted: put a TLS proxy "
            "in front.",
            err=True,
        )
    listener = Listener(settings.host, settings.port)
    try:
        _serve(settings, listener)
    finally:
        listener.close()


def _serve(settings: Settings, listener: Listener) -> None:
    from custodes.wiring import open_deployment

    endpoint_url = settings.endpoint or listener.url
    _until_signalled(listener)
    with open_deployment(settings, endpoint_url=endpoint_url) as deployment:

        def ready() -> None:
            typer.echo(f"Custodes serves {endpoint_url} from {settings.data}")
            typer.echo(f'For AWS clients:  eval "$(custodes env --data {settings.data})"')
            sys.stdout.flush()

        listener.serve(deployment.app(), settings.shutdown_s, ready)


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
