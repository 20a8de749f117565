"""``custodes sanctions``: lists brought in, what they changed, where they came from. Works while the server runs."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer

from custodes.cli.options import JsonOption
from custodes.cli.statement import DataOption
from custodes.core.clock import SystemClock

app = typer.Typer(help="Sanctions lists.", no_args_is_help=True)


@app.command("import")
def import_command(
    path: Annotated[Path, typer.Argument(help="File, or for ofac-csv the folder with sdn, alt and add.", exists=True)],
    form: Annotated[str, typer.Option("--format", help="uk, ofac-csv, ofac-xml, eu, un, ftm or csv.")],
    source: Annotated[str, typer.Option("--source", help="Name of the list. [default: the format's]")] = "",
    confirm: Annotated[bool, typer.Option("--confirm", help="Accept a list that shrank by more than 5 %.")] = False,
    data: DataOption = Path("data"),
    as_json: JsonOption = False,
) -> None:
    """Import an edition of a list; it replaces the one before, whole or not at all."""
    from rich.progress import track

    from custodes.governance.screening.lists import read_list
    from custodes.storage.screening import ScreeningLists

    name = source or {"ofac-csv": "ofac", "ofac-xml": "ofac", "csv": "house"}.get(form, form)
    entries = list(track(read_list(path, form), description=f"Reading {name}", disable=as_json, transient=True))
    with closing(ScreeningLists(data)) as lists:
        done = lists.put(name, form, entries, SystemClock(), digest=_digest(path), confirm=confirm)
    if as_json:
        typer.echo(orjson.dumps(asdict(done)))
    else:
        typer.echo(
            f"{name}: {done.entries} entries, {done.added} added, {done.removed} removed, {done.changed} changed"
        )


@app.command("status")
def status_command(data: DataOption = Path("data"), as_json: JsonOption = False) -> None:
    """Show the newest edition of each list."""
    _show(data, as_json, newest=True)


@app.command("sources")
def sources_command(data: DataOption = Path("data"), as_json: JsonOption = False) -> None:
    """Show every import with the digest of its file."""
    _show(data, as_json, newest=False)


@app.command("diff")
def diff_command(
    source: Annotated[str, typer.Argument(help="Name of the list.")],
    data: DataOption = Path("data"),
    as_json: JsonOption = False,
) -> None:
    """Show what the newest edition added, removed and changed."""
    from custodes.storage.screening import ScreeningLists

    with closing(ScreeningLists(data)) as lists:
        changes = lists.changes(source)
    typer.echo(
        orjson.dumps(changes) if as_json else "\n".join(f"{kind}\t{uid}" for uid, kind in sorted(changes.items()))
    )


def _show(data: Path, as_json: bool, *, newest: bool) -> None:
    from custodes.storage.screening import ScreeningLists

    with closing(ScreeningLists(data)) as lists:
        editions = lists.editions()
    if newest:
        editions = list({edition.source: edition for edition in editions}.values())
    if as_json:
        typer.echo(orjson.dumps([asdict(edition) for edition in editions]))
        return
    for one in editions:
        typer.echo(f"{one.source}\t{one.entries} entries\t+{one.added} -{one.removed} ~{one.changed}\t{one.digest}")


def _digest(path: Path) -> str:
    """SHA-256 over the file, or over names and contents of a folder's CSV files in order."""
    total = hashlib.sha256()
    for file in sorted(path.glob("*.csv")) if path.is_dir() else [path]:
        if path.is_dir():
            total.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        total.update(file.read_bytes())
    return total.hexdigest()
