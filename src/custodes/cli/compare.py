"""``custodes compare``: are these two photos of the same person? No server and no data directory needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from custodes.cli.options import DeviceOption, JsonOption
from custodes.settings import from_environment


def compare(
    a: Annotated[Path, typer.Argument(help="First photo; its largest face counts.")],
    b: Annotated[Path, typer.Argument(help="Second photo; all its faces are compared.")],
    picture: Annotated[Path | None, typer.Option(help="Write both photos side by side with the faces framed.")] = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the faces of two photos."""
    settings = from_environment(device=device)
    from custodes.cli.photo import read
    from custodes.wiring import open_comparison

    sent_a, sent_b = read(a), read(b)
    with open_comparison(settings) as comparison:
        answer = comparison.compare(sent_a, sent_b)
        best = answer["FaceMatches"][0]
        rate = comparison.false_match_rate(best["Similarity"])
    others = len(answer["FaceMatches"]) - 1
    if picture is not None:
        _draw(picture, (a, b), answer)
    if as_json:
        facts = {"similarity": best["Similarity"], "false_match_rate": rate, "other_faces": others}
        typer.echo(json.dumps(facts))
        return
    typer.echo(f"Similarity {percent(best['Similarity'])}")
    if rate is not None:
        typer.echo(odds(rate))
    if others:
        typer.echo(f"The best of {others + 1} faces in {b.name} counts.")


def percent(value: float) -> str:
    """A similarity with the digits that matter: near 100 more of them."""
    return f"{value:.2f} %" if value < 99.9 else f"{value:.4f} %"


def odds(rate: float) -> str:
    """A false match rate in words that a person can act on."""
    if rate <= 0:
        return "No pair of different people reached this in calibration."
    return f"Of pairs of different people, 1 in {max(1, round(1 / rate)):,} reaches this (false match rate {rate:.2g})."


def _draw(out: Path, photos: tuple[Path, Path], answer: Mapping[str, Any]) -> None:
    from custodes.cli.drawing import Tile, side_by_side
    from custodes.cli.photo import show

    best = answer["FaceMatches"][0]
    left = Tile(show(photos[0]), answer["SourceImageFace"]["BoundingBox"], photos[0].name)
    right = Tile(show(photos[1]), best["Face"]["BoundingBox"], photos[1].name)
    side_by_side(left, right, f"similarity {percent(best['Similarity'])}").save(out)
