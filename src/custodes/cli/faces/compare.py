"""``custodes compare``: are these two photos of the same person? Without a data directory it is not on record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from custodes.cli.client.pictures import RecordOption
from custodes.cli.options import DeviceOption, JsonOption
from custodes.core.errors import InvalidParameterError
from custodes.settings import from_environment


def compare(
    a: Annotated[Path, typer.Argument(help="First photo; its largest face counts.")],
    b: Annotated[Path, typer.Argument(help="Second photo; all its faces are compared.")],
    picture: Annotated[Path | None, typer.Option(help="Write both photos side by side with the faces framed.")] = None,
    data: RecordOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the faces of two photos."""
    settings = from_environment(device=device)
    from custodes.cli.client.pictures import open_pictures
    from custodes.cli.pictures.photo import check_drawable, checked
    from custodes.deployment.offline import match_rate

    if picture is not None:
        check_drawable(picture, [a, b])
    sent_a, sent_b = checked(a), checked(b)
    with open_pictures(settings, data) as api:
        try:
            pictures = {"SourceImage": {"Bytes": sent_a}, "TargetImage": {"Bytes": sent_b}}
            answer = api.call("CompareFaces", SimilarityThreshold=0.0, **pictures)
        except InvalidParameterError as error:
            raise InvalidParameterError(_with_names(error.message, a, b)) from error
        best = answer["FaceMatches"][0]
        rate, least = match_rate(best["Similarity"]), match_rate(100.0)
    others = len(answer["FaceMatches"]) - 1
    if picture is not None:
        _draw(picture, (a, b), answer)
    if as_json:
        facts = {"similarity": best["Similarity"], "false_match_rate": rate, "other_faces": others}
        typer.echo(json.dumps(facts))
        return
    typer.echo(f"Similarity {percent(best['Similarity'])}")
    typer.echo(odds(rate, least))
    if others:
        typer.echo(f"The best of {others + 1} faces in {b.name} counts.")


def percent(value: float) -> str:
    """A similarity with the digits that matter: near 100 more of them."""
    return f"{value:.2f} %" if value < 99.9 else f"{value:.4f} %"


def odds(rate: float | None, least: float | None) -> str:
    """A false match rate in words that a person can act on.

    Args:
        rate: share of pairs of different people that reach the similarity; None below what was measured.
        least: the smallest rate that was measured, which stands for all similarities above as a bound.
    """
    if rate is None:
        return "Pairs of different people often score this; it says nothing for the same person."
    # One digit: the rates are measured on few false matches, and more digits would claim what nobody knows.
    pairs = max(1, int(float(f"{1 / rate:.1g}")))
    some = "at most" if rate == least else "about"
    return f"Of pairs of different people, {some} 1 in {pairs:,} reaches this (false match rate {rate:.1g})."


def _with_names(message: str, a: Path, b: Path) -> str:
    """``message`` of CompareFaces with the photos' names."""
    return message.replace("the source image", a.name).replace("the target image", b.name)


def _draw(out: Path, photos: tuple[Path, Path], answer: Mapping[str, Any]) -> None:
    from custodes.cli.pictures.drawing import Tile, side_by_side
    from custodes.cli.pictures.photo import show

    best = answer["FaceMatches"][0]
    left = Tile(show(photos[0]), answer["SourceImageFace"]["BoundingBox"], photos[0].name)
    right = Tile(show(photos[1]), best["Face"]["BoundingBox"], photos[1].name)
    side_by_side(left, right, f"similarity {percent(best['Similarity'])}").save(out)
