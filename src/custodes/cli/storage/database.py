"""``custodes database``: where a data directory's database is, and moving it.

In: a data directory that no server has open. Out: a copy on PostgreSQL, or back in the directory, checked row by row.
"""

from __future__ import annotations

from typing import Annotated

import typer

from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import print_json
from custodes.core.errors import InvalidParameterError
from custodes.settings import from_environment

app = typer.Typer(help="Where the database is, and moving it.", no_args_is_help=True)

_URL = "URL like postgresql+psycopg://user@host/name."


@app.callback()
def _options() -> None:
    """Commands about the database."""


@app.command()
def copy(
    to: Annotated[str | None, typer.Option("--to", help=f"Copy the directory's database there. {_URL}")] = None,
    source: Annotated[str | None, typer.Option("--from", help=f"Copy that one into the directory. {_URL}")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Copy the database to PostgreSQL or back; the target must be empty, and every row is compared."""
    if (to is None) == (source is None):
        raise InvalidParameterError("exactly one of --to and --from is needed")
    from custodes.deployment.databases import copy_from_shared, copy_to_shared

    settings = from_environment(data=data)
    copied = copy_to_shared(settings.data, to) if to is not None else copy_from_shared(settings.data, source or "")
    if as_json:
        print_json({"rows": copied})
        return
    typer.echo(f"{sum(copied.values())} rows in {len(copied)} tables, each the same on both sides")
    if to is not None:
        typer.echo("Next: set CUSTODES_DATABASE to that URL. The old file is custodes.sqlite3.copied:")
        typer.echo("remove it when all is well, because what is erased from now on is still in it.")
    else:
        typer.echo("Next: start without CUSTODES_DATABASE.")
