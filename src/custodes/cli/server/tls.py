"""``custodes tls``: a certificate for HTTPS on this machine, where no authority gives one.

In: a data directory and names. Out: files under ``DIR/tls``, and how to serve with them. What is there is left alone.
"""

from __future__ import annotations

from typing import Annotated

import typer

from custodes.cli.options import DATA, DataPlaceOption
from custodes.core.errors import InvalidParameterError
from custodes.settings import from_environment

app = typer.Typer(name="tls", help="Make a certificate for HTTPS on this machine.", no_args_is_help=True)
FOLDER = "tls"


@app.callback()
def _group() -> None:
    """Make a certificate for HTTPS on this machine."""


@app.command()
def init(
    data: DataPlaceOption = DATA,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Host or address; may be repeated. [default: localhost]")
    ] = None,
    days: Annotated[int, typer.Option("--days", help="For how many days it is good.", min=1, max=825)] = 365,
) -> None:
    """Make a certificate that signs itself, for browsers and clients on this machine.

    Clients have to trust DIR/tls/cert.pem; browsers ask. Others than this machine need an authority's certificate.
    """
    from custodes.core.clock import SystemClock
    from custodes.storage.files.certificate import CHAIN, KEY, write_certificate

    folder = from_environment(data=data).data / FOLDER
    if (folder / CHAIN).exists() or (folder / KEY).exists():
        raise InvalidParameterError(f"{folder} has a certificate already; remove it to make another")
    files = write_certificate(folder, name or ["localhost", "127.0.0.1", "::1"], days, SystemClock().now_ms())
    typer.echo(f"custodes serve --tls-cert {files.chain} --tls-key {files.key}")
