"""``custodes compare``: are these two photos of the same person? Without a data directory it is not on record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from custodes.cli.client.pictures import RecordOption
from custodes.cli.options import DeviceOption, JsonOption
from custodes.core.errors import InvalidParameterError
from custodes.settings import from_environment

if TYPE_CHECKING:
    from custodes.deployment.networks.scores import ScoreRates


def compare(
    a: Annotated[Path, typer.Argument(help="First photo; its largest face counts.")],
    b: Annotated[Path, typer.Argument(help="Second photo; all its faces are compared.")],
    picture: Annotated[Path | None, typer.Option(help="Write both photos side by side with the faces framed.")] = None,
    data: RecordOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the faces of two photos."""
    settings = from_environment(data=data, device=device)
    from custodes.cli.client.pictures import open_pictures
    from custodes.cli.output import print_json
    from custodes.cli.pictures.likeness import odds, percent, verdict
    from custodes.cli.pictures.photo import check_drawable, checked
    from custodes.deployment.networks.scores import score_rates

    if picture is not None:
        check_drawable(picture, [a, b])
    sent_a, sent_b = checked(a), checked(b)
    with open_pictures(settings, data) as api:
        try:
            pictures = {"SourceImage": {"Bytes": sent_a}, "TargetImage": {"Bytes": sent_b}}
            answer = api.call("CompareFaces", SimilarityThreshold=0.0, **pictures)
        except InvalidParameterError as error:
            raise InvalidParameterError(_with_names(error.message, a, b)) from error
    rates = score_rates(settings)
    similarity = answer["FaceMatches"][0]["Similarity"]
    others = len(answer["FaceMatches"]) - 1
    if picture is not None:
        _draw(picture, (a, b), answer, rates)
    if as_json:
        judged = {"verdict": verdict(similarity).name.lower(), "false_match_rate": rates.false_match_rate(similarity)}
        print_json({"paths": [str(a), str(b)], "similarity_pct": similarity, **judged, "other_faces": others})
        return
    typer.echo(f"Similarity {percent(similarity)}: {verdict(similarity)}")
    typer.echo(odds(similarity, rates))
    if others:
        typer.echo(f"The best of {others + 1} faces in {b.name} counts.")


def _with_names(message: str, a: Path, b: Path) -> str:
    """``message`` of CompareFaces with the photos' names."""
    return message.replace("the source image", a.name).replace("the target image", b.name)


def _draw(out: Path, photos: tuple[Path, Path], answer: Mapping[str, Any], rates: ScoreRates) -> None:
    from custodes.cli.pictures.drawing import Tile, side_by_side
    from custodes.cli.pictures.likeness import odds, percent, verdict
    from custodes.cli.pictures.photo import show

    best = answer["FaceMatches"][0]
    similarity = best["Similarity"]
    judged = verdict(similarity)
    left = Tile(show(photos[0]), answer["SourceImageFace"]["BoundingBox"], (photos[0].name,), judged)
    right = Tile(show(photos[1]), best["Face"]["BoundingBox"], (photos[1].name,), judged)
    side_by_side(left, right, (f"{percent(similarity)}: {judged}", odds(similarity, rates))).save(out)
