"""``custodes backup`` and ``custodes restore``: a data directory into two folders, and back.

In: a data directory that a server may be using; two folders. Out: a backup; or a new data directory, and what is newer
than the backup in it. A backup is on record in the ledger before it is taken; a restored directory says so at its first
start.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import print_json

KeysOption = Annotated[
    Path | None,
    typer.Option("--keys", help="Folder for the keys; keep it elsewhere. [default: the backup's name and `-keys`]"),
]


def backup(
    folder: Annotated[Path, typer.Argument(help="New folder.")],
    keys: KeysOption = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Back the data directory up, also while the server runs: private files sealed, the keys in a folder apart."""
    target, apart = folder.absolute(), _keys(folder, keys)
    answer = ask(data, "backup", folder=str(target), keys=str(apart))
    if as_json:
        print_json({"path": str(target), "keys": str(apart), **answer})
        return
    typer.echo(f"{target}: {answer['ledger_at']} ledger entries, databases as of entry {answer['database_at']}")
    typer.echo(f"{apart}: the keys. Keep this folder elsewhere: whoever has both can read all of it.")


def restore(
    folder: Annotated[Path, typer.Argument(help="Folder of the backup.")],
    to: Annotated[Path, typer.Option("--to", help="New data directory.")],
    keys: KeysOption = None,
    lost: Annotated[
        Path | None,
        typer.Option("--lost", help="What is left of the old data directory: its ledger is newer than the backup's."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option("--database", help="Put the database there, which is empty: postgresql+psycopg://user@host/name."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new data directory from a backup, and say what came after it."""
    from custodes.storage.backup.restoring import restore_backup

    restored = restore_backup(folder, _keys(folder, keys), to, lost)
    if database is not None:
        from custodes.deployment.databases import put_on_server

        put_on_server(to, database)
    manifest, missing = restored.manifest, sum(restored.newer.values())
    taken = datetime.fromtimestamp(manifest.taken_ms / 1000, UTC).isoformat(timespec="seconds")
    if as_json:
        answer = {"path": str(to), "taken": taken, "entries": restored.entries, "newer": dict(restored.newer)}
        print_json(answer)
        return
    typer.echo(f"{to}: as of {taken}; the ledger has {restored.entries} entries")
    if missing:
        kinds = ", ".join(f"{count} {kind}" for kind, count in restored.newer.items())
        typer.echo(
            f"{missing} entries are newer than the databases ({kinds}): what they speak of was lost, or is erased"
        )
    if lost is None:
        typer.echo("Without --lost, entries that were signed after this backup are gone. Who kept them can show it.")
    typer.echo(f"Next: custodes ledger audit --data {to}, then custodes serve --data {to}")


def _keys(folder: Path, keys: Path | None) -> Path:
    return (keys or folder.absolute().with_name(f"{folder.absolute().name}-keys")).absolute()
