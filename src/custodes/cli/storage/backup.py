"""``custodes backup`` and ``custodes restore``: a data directory into two folders, and back.

In: a data directory that a server may be using; two folders, of which the first may be a prefix of a bucket in S3. Out:
a backup; or a new data directory, and what is newer than the backup in it. A backup is on record in the ledger before
it is taken; a restored directory says so at its first start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import print_json
from custodes.core.errors import InvalidParameterError
from custodes.storage.objects.places import SCHEME, S3Location, bucket_and_key

if TYPE_CHECKING:
    from custodes.storage.objects.s3 import S3Objects

KeysOption = Annotated[
    Path | None,
    typer.Option("--keys", help="Folder for the keys; keep it elsewhere. [default: the backup's name and `-keys`]"),
]

ScratchOption = Annotated[
    Path | None,
    typer.Option("--scratch", help="Folder with room for the backup while it goes to S3 or comes. [default: TMPDIR]"),
]


def backup(
    folder: Annotated[str, typer.Argument(help="New folder, or s3://bucket/prefix with nothing below it.")],
    keys: KeysOption = None,
    scratch: ScratchOption = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Back the data directory up, also while the server runs: private files sealed, the keys in a folder apart."""
    if folder.startswith(SCHEME):
        target, apart, answer = _sent(folder, _apart(keys), scratch, data)
    else:
        target, apart = str(Path(folder).absolute()), _keys(Path(folder), keys)
        answer = ask(data, "backup", folder=target, keys=str(apart))
    if as_json:
        print_json({"path": target, "keys": str(apart), **answer})
        return
    typer.echo(f"{target}: {answer['ledger_at']} ledger entries, databases as of entry {answer['database_at']}")
    typer.echo(f"{apart}: the keys. Keep this folder elsewhere: whoever has both can read all of it.")


def restore(
    folder: Annotated[str, typer.Argument(help="Folder of the backup, or s3://bucket/prefix.")],
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
    scratch: ScratchOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new data directory from a backup, and say what came after it."""
    from custodes.storage.backup.restoring import restore_backup

    with _fetched(folder, to, scratch) as here:
        apart = _apart(keys) if folder.startswith(SCHEME) else _keys(here, keys)
        restored = restore_backup(here, apart, to, lost)
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


def _sent(place: str, keys: Path, scratch: Path | None, data: Path) -> tuple[str, Path, Mapping[str, Any]]:
    """Take a backup into a scratch folder and send it to a bucket."""
    from custodes.storage.backup.remote import require_new, send_backup

    location, objects = _bucket(place, data)
    require_new(objects, location)
    with TemporaryDirectory(prefix="custodes-backup-", dir=scratch) as folder:
        taken = Path(folder).resolve() / "backup"
        answer = ask(data, "backup", folder=str(taken), keys=str(keys))
        send_backup(taken, objects, location)
    return str(location), keys, answer


@contextmanager
def _fetched(folder: str, to: Path, scratch: Path | None) -> Iterator[Path]:
    """The folder of a backup, fetched from its bucket where it is in one."""
    if not folder.startswith(SCHEME):
        yield Path(folder)
        return
    from custodes.storage.backup.remote import fetch_backup

    location, objects = _bucket(folder, to)
    with TemporaryDirectory(prefix="custodes-backup-", dir=scratch) as made:
        fetch_backup(objects, location, Path(made))
        yield Path(made)


def _bucket(place: str, data: Path) -> tuple[S3Location, S3Objects]:
    from custodes.deployment.storage.s3_places import s3_endpoints
    from custodes.settings import from_environment
    from custodes.storage.objects.s3 import S3Objects, endpoint_of

    bucket, key = bucket_and_key(place)
    if not bucket or not key.strip("/"):
        raise InvalidParameterError("a place in S3 is like s3://bucket/prefix")
    s3 = s3_endpoints(from_environment(data=data)).of(bucket)
    if not s3.url:
        raise InvalidParameterError("set CUSTODES_S3_ENDPOINT, which says where S3 is")
    return S3Location(s3, bucket, key.strip("/")), S3Objects(endpoint_of(s3))


def _apart(keys: Path | None) -> Path:
    """Where the keys of a backup in a bucket are, which are never there."""
    if keys is None:
        raise InvalidParameterError("--keys is needed: a folder of this machine for the keys of a backup in S3")
    return keys.absolute()


def _keys(folder: Path, keys: Path | None) -> Path:
    return (keys or folder.absolute().with_name(f"{folder.absolute().name}-keys")).absolute()
