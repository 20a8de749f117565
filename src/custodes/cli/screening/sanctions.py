"""``custodes sanctions``: lists brought in, what they changed, where they come from. Works while the server runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.client.directory import require_directory
from custodes.cli.options import DATA, DataOption, DataPlaceOption, JsonOption
from custodes.cli.output import print_json, show
from custodes.core.clock import SystemClock
from custodes.core.errors import CustodesError, NotFoundError, UnavailableError
from custodes.settings import from_environment

if TYPE_CHECKING:
    from custodes.operations.screening.ports import Edition, ListPublisher, Progress
    from custodes.screening.lists.notes import ReadingNotes
    from custodes.storage.sql.screening.lists import ScreeningLists
    from custodes.storage.sql.screening.publishers import StoredPublishers

app = typer.Typer(help="Sanctions lists.", no_args_is_help=True)
sources = typer.Typer(help="Addresses that lists are fetched from. Without a command: show them.")
app.add_typer(sources, name="sources")

_SHOWN_FIELDS = 10
ConfirmOption = Annotated[bool, typer.Option("--confirm", help="Accept a list that shrank by more than 5 %.")]
SourceArgument = Annotated[str, typer.Argument(help="Name of the list.")]


@app.command("import")
def import_command(
    path: Annotated[Path, typer.Argument(help="File, or for ofac-csv the folder with sdn, alt and add.", exists=True)],
    form: Annotated[
        str, typer.Option("--format", help="uk, ofac-csv, ofac-xml, eu, eu-journal, un, ftm, opensanctions, csv.")
    ],
    source: Annotated[str, typer.Option("--source", help="Name of the list. [default: the format's]")] = "",
    confirm: ConfirmOption = False,
    data: DataPlaceOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Import an edition of a list; it replaces the one before, whole or not at all."""
    from custodes.operations.screening.list_imports import ListFile, import_list
    from custodes.screening.lists.notes import ReadingNotes
    from custodes.screening.lists.read import read_list

    file, notes = ListFile(path, form, source), ReadingNotes()
    next(read_list(path, form), None)  # a file that is no list leaves no data directory behind
    with closing(_lists(data)) as lists, _bar(file.name) as progress:
        done = import_list(lists, file, SystemClock(), confirm=confirm, progress=progress, notes=notes)
    if done is None:
        return
    committed = _committed(data, [done])[0]
    if as_json:
        print_json(_members(committed) | {"notes": _noted(notes)})
        return
    _show_read([committed], [notes], as_json)


@app.command("status")
def status_command(
    history: Annotated[bool, typer.Option("--all", help="Every import, not only the newest of each list.")] = False,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show the newest edition of each list: entries, what changed, digest, ledger entry."""
    with closing(_lists(data)) as lists:
        _show(lists.editions() if history else list(lists.current().values()), as_json)


@app.command("diff")
def diff_command(source: SourceArgument, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show what the newest edition added, removed and changed."""
    with closing(_lists(data)) as lists:
        if source not in lists.current():
            raise NotFoundError(f"no list {source!r} was imported")
        found = lists.difference(source)
    names = {entry.uid: entry.names[0].text for entry in (*found.before, *found.now)}
    changes = sorted(found.kinds.items(), key=lambda item: (item[1], item[0]))
    if as_json:
        print_json([{"entry_id": uid, "change": kind, "name": names.get(uid, "")} for uid, kind in changes])
        return
    for uid, kind in changes:
        typer.echo(f"{kind}\t{uid}\t{names.get(uid, '')}")


@sources.callback(invoke_without_command=True)
def sources_command(context: typer.Context, data: DataPlaceOption = DATA, as_json: JsonOption = False) -> None:
    """Show where lists are fetched from."""
    if context.invoked_subcommand is None:
        require_directory(data)
        list_command(data, as_json)


@sources.command("list")
def list_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show where lists are fetched from, when they were looked at, and why a look failed."""
    with _publishers(data) as (_, publishers):
        found = publishers.all()
    if as_json:
        print_json([_publisher(one) for one in found])
        return
    for one in found:
        state = one.failure or ("never fetched" if not one.fetched_ms else "as published")
        typer.echo(f"{one.name}\t{one.form}\tevery {one.every_h} h\t{one.shown}\t{state}")


@sources.command("add")
def add_command(
    name: SourceArgument,
    address: Annotated[str, typer.Option("--address", help="https address of the file; a token in it is kept secret.")],
    form: Annotated[str, typer.Option("--format", help="uk, ofac-xml, eu, eu-journal, un, ftm, opensanctions or csv.")],
    every_h: Annotated[int, typer.Option("--every", help="Hours between looks.")] = 24,
    data: DataPlaceOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Have the running server fetch a list from its publisher's address when it changes."""
    from custodes.operations.screening.list_publishers import publisher

    wanted = publisher(name, form, address, every_h)
    with _publishers(data) as (_, publishers):
        publishers.keep(wanted)
    text = f"{name} is looked at every {every_h} hours while the server runs; now: custodes sanctions sources fetch"
    show({"name": name, "every_h": every_h}, text, as_json=as_json)


@sources.command("remove")
def remove_command(name: SourceArgument, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Fetch a list no longer; its entries stay."""
    with _publishers(data) as (_, publishers):
        publishers.remove(name)
    show({"name": name}, f"{name} is fetched no longer", as_json=as_json)


@sources.command("fetch")
def fetch_command(
    name: Annotated[str, typer.Argument(help="Name of the list. [default: all]")] = "",
    confirm: ConfirmOption = False,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Look at publishers now, whether they are due or not; what of a new edition could not be read is shown."""
    from custodes.operations.screening.list_publishers import Refresh
    from custodes.screening.lists.notes import ReadingNotes
    from custodes.storage.files.list_download import download

    read: list[tuple[Edition, ReadingNotes]] = []
    with _publishers(data) as (lists, publishers):
        wanted = [one for one in publishers.all() if name in ("", one.name)]
        if not wanted:
            raise NotFoundError(f"no list {name!r} is fetched from an address" if name else "there are no sources")
        refresh = Refresh(publishers, lists, download, SystemClock())
        for one in wanted:
            with _bar(one.name):
                notes = ReadingNotes()
                if (edition := refresh.run(one, confirm=confirm, notes=notes)) is not None:
                    read.append((edition, notes))
        failed = [one for one in publishers.all() if name in ("", one.name) and one.failure]
    _show_read(_committed(data, [edition for edition, _ in read]), [notes for _, notes in read], as_json)
    if failed:
        raise UnavailableError("; ".join(f"{one.name}: {one.failure}" for one in failed))


def _lists(data: Path) -> ScreeningLists:
    from custodes.storage.sql.screening.lists import ScreeningLists

    return ScreeningLists(data, from_environment(data=data).database)


@contextmanager
def _publishers(data: Path) -> Iterator[tuple[ScreeningLists, StoredPublishers]]:
    from custodes.storage.sql.screening.publishers import StoredPublishers

    with (
        closing(_lists(data)) as lists,
        closing(StoredPublishers(data, from_environment(data=data).database)) as publishers,
    ):
        yield lists, publishers


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    """A bar on standard error: entries as they are read, then as they are put in."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Reading {name}", total=None)

        def tell(done: int, of: int) -> None:
            words = f"Putting {name} in" if of else f"Reading {name}"
            bar.update(task, completed=done, total=of or None, description=words)

        yield tell


def _committed(data: Path, editions: Sequence[Edition]) -> list[Edition]:
    """``editions`` with the ledger entries that commit to them, made now where that is possible."""
    if not editions:
        return []
    try:
        ask(data, "sanctions commit")
    except CustodesError as error:
        typer.echo(f"custodes: not in the ledger yet, the server will see to it: {error}", err=True)
    with closing(_lists(data)) as lists:
        current = lists.current()
    return [current.get(edition.source, edition) for edition in editions]


def _show(editions: Sequence[Edition], as_json: bool) -> None:
    if as_json:
        print_json([_members(edition) for edition in editions])
        return
    for edition in editions:
        entry = "not in the ledger yet" if edition.ledger_index is None else f"ledger entry {edition.ledger_index}"
        typer.echo(
            f"{edition.source}\t{edition.entries} entries, {edition.added} added, {edition.removed} removed, "
            f"{edition.changed} changed\t{entry}\t{edition.digest}"
        )


def _show_read(editions: Sequence[Edition], notes: Sequence[ReadingNotes], as_json: bool) -> None:
    """Each edition with what of it could not be read."""
    if as_json:
        both = zip(editions, notes, strict=True)
        print_json([_members(edition) | {"notes": _noted(one)} for edition, one in both])
        return
    for edition, one in zip(editions, notes, strict=True):
        _show([edition], as_json)
        _say(one)


def _say(notes: ReadingNotes) -> None:
    """What could not be read, for people."""
    for missing in notes.missing:
        typer.echo(f"missing {missing}", err=True)
    if notes.unread:
        typer.echo(f"{notes.unread} fields with numbers could not be read (--json has the first 1,000):", err=True)
    for one in notes.fields[:_SHOWN_FIELDS]:
        typer.echo(f"  {one.uid}: {one.text}", err=True)


def _members(edition: Edition) -> dict[str, object]:
    """An edition in the words of docs/cli.md."""
    found = asdict(edition)
    return {"name": found.pop("source"), "imported_ts_ms": found.pop("imported_ms"), **found}


def _noted(notes: ReadingNotes) -> dict[str, object]:
    fields = [{"entry_id": one.uid, "text": one.text} for one in notes.fields]
    return {"missing": notes.missing, "unread": notes.unread, "fields": fields}


def _publisher(one: ListPublisher) -> dict[str, object]:
    """A publisher in the words of docs/cli.md; times are 0 for never."""
    return {
        "name": one.name, "format": one.form, "address": one.shown, "every_h": one.every_h, "digest": one.digest,
        "checked_ts_ms": one.checked_ms, "fetched_ts_ms": one.fetched_ms, "reason": one.failure,
    }  # fmt: skip
