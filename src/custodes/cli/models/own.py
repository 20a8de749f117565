"""``custodes models add`` and ``own``: networks of the operator's own that turn faces into vectors.

In: an ONNX file with its licence and labelled photos. Out: what was measured of it, beside the network that ships.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from custodes.cli.options import JsonOption
from custodes.models.own import OwnEmbedder, OwnModels, PixelInput, Provenance, ScoreFit
from custodes.settings import from_environment

_File = typer.Argument(
    exists=True, dir_okay=False, metavar="FILE", help="ONNX file: faces of 112 x 112 in, a vector out."
)


def add(
    file: Annotated[Path, _File],
    name: Annotated[str, typer.Option(help="Short name: small letters, digits, hyphens.")],
    dimension: Annotated[int, typer.Option(help="Length of its vectors.", min=8, max=4096)],
    licence: Annotated[str, typer.Option(help="Licence of the weights, as SPDX names it.")],
    licence_file: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Text of that licence.")],
    origin: Annotated[str, typer.Option(help="Who made it.")],
    training_data: Annotated[str, typer.Option(help="What it was trained on, as far as known.")],
    people: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Photos, a folder for each person.")],
    mean: Annotated[float, typer.Option(help="Subtracted from each pixel, 0 to 255.")] = 127.5,
    scale: Annotated[float, typer.Option(help="What the rest is multiplied by.")] = 1 / 127.5,
    bgr: Annotated[bool, typer.Option("--bgr", help="It takes blue first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take in a network that turns faces into vectors, and measure it on labelled photos beside the one that ships."""
    from rich.console import Console
    from rich.progress import Progress

    from custodes.deployment.networks.own_models import BroughtNetwork, add_network

    settings = from_environment()
    provenance, pixels = Provenance(licence, origin, training_data), PixelInput(mean, scale, bgr)
    brought = BroughtNetwork(name, file, dimension, pixels, provenance, licence_file, people)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Photos")
        added = add_network(settings, brought, lambda done, total: bar.update(task, completed=done, total=total))
    if as_json:
        facts = {**_facts(added.own), "photos": added.photos, "without_face": added.without_face}
        _print_json({**facts, "shipped": _rates(added.shipped)})
        return
    typer.echo(f"{added.photos - added.without_face} faces in {added.photos} photos.")
    _print_rates(added.own.name, added.own.fit)
    _print_rates("the network that ships, with a curve for these photos", added.shipped)
    typer.echo(f"Kept. New collections use it under: CUSTODES_FACE_EMBEDDER={added.own.name}")
    typer.echo("Collections made before keep their network, and are not searched with this one.")


def own(as_json: JsonOption = False) -> None:
    """Show the networks that were added, and what was measured of each."""
    models = OwnModels(from_environment().models_folder)
    kept = [models.get(name) for name in models.names()]
    if as_json:
        _print_json([_facts(one) for one in kept])
        return
    for one in kept:
        typer.echo(
            f"{one.name}: FaceModelVersion {one.recipe_version}, {one.dimension} numbers, {one.provenance.licence}"
        )
        typer.echo(f"  made by {one.provenance.origin}; trained on {one.provenance.training_data}")
        _print_rates(one.name, one.fit)


def _print_json(value: object) -> None:
    from custodes.cli.output import print_json

    print_json(value)


def _print_rates(name: str, fit: ScoreFit) -> None:
    typer.echo(f"{name}: {fit.genuine:,} pairs of one person, {fit.impostor:,} of two, of people that fitted nothing")
    for (pct, false), (_, true) in zip(fit.false_match_rates, fit.true_match_rates, strict=True):
        strangers = f"at most 1 in {1 / false:,.0f} of the others"
        typer.echo(f"  {pct:g} %: reached by {100 * true:.1f} % of the pairs of one person, by {strangers}")


def _facts(one: OwnEmbedder) -> Mapping[str, Any]:
    return {
        "name": one.name,
        "face_model_version": one.recipe_version,
        "dimension": one.dimension,
        "sha256": one.sha256,
        "licence": one.provenance.licence,
        "origin": one.provenance.origin,
        "training_data": one.provenance.training_data,
        **_rates(one.fit),
    }


def _rates(fit: ScoreFit) -> Mapping[str, Any]:
    return {
        "false_match_rates": [{"similarity_pct": pct, "rate": rate} for pct, rate in fit.false_match_rates],
        "true_match_rates": [{"similarity_pct": pct, "rate": rate} for pct, rate in fit.true_match_rates],
        "genuine_pairs": fit.genuine,
        "impostor_pairs": fit.impostor,
    }
