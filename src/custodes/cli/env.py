"""``custodes env``: shell lines that point AWS clients at this server."""

from __future__ import annotations

import typer

from custodes.cli.options import DATA, DataOption
from custodes.settings import from_environment


def env(data: DataOption = DATA) -> None:
    """Print exports for AWS clients: eval "$(custodes env)"."""
    from custodes.storage.files.credentials import shell_exports

    typer.echo(shell_exports(from_environment(data=data).data), nl=False)
