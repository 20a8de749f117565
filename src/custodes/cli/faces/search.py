"""``custodes search``: who in a collection the largest face of a photo looks like."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from custodes.cli.options import DATA, CollectionOption, DataPlaceOption, DeviceOption, EndpointOption, JsonOption
from custodes.settings import from_environment


def search(
    photo: Annotated[Path, typer.Argument(help="Photo with the face to look for; the largest one counts.")],
    collection: CollectionOption,
    threshold: Annotated[float, typer.Option(min=0, max=100, help="Least similarity in percent.")] = 80.0,
    limit: Annotated[int, typer.Option(min=1, max=4096, help="Most matches to show.")] = 10,
    picture: Annotated[Path | None, typer.Option(help="Write a contact sheet of the matches.")] = None,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search a collection for the face of a photo."""
    settings = from_environment(data=data, device=device)
    from custodes.cli.client.connection import open_api
    from custodes.cli.faces.journal import photo_of_face
    from custodes.cli.pictures.photo import check_drawable, read

    if picture is not None:
        check_drawable(picture, [photo])
    sent = read(photo)
    with open_api(settings, endpoint) as api:
        answer = api.call(
            "SearchFacesByImage",
            CollectionId=collection,
            Image={"Bytes": sent},
            FaceMatchThreshold=threshold,
            MaxFaces=limit,
        )
    photos = photo_of_face(settings.data)
    matches = [_fact(match, photos) for match in answer["FaceMatches"]]
    if picture is not None:
        _draw(picture, photo, answer, photos)
    if as_json:
        typer.echo(json.dumps({"collection": collection, "matches": matches}))
    else:
        _print(collection, threshold, matches)


def _fact(match: Mapping[str, Any], photos: Mapping[str, Path]) -> dict[str, Any]:
    face = match["Face"]
    known = photos.get(face["FaceId"])
    return {
        "similarity": round(match["Similarity"], 3),
        "name": face.get("ExternalImageId"),
        "face_id": face["FaceId"],
        "photo": str(known) if known else None,
    }


def _print(collection: str, threshold: float, matches: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not matches:
        console.print(f"Nobody in {collection} reaches {threshold:g} %.")
        return
    table = Table("similarity", "name", "face", "photo")
    for match in matches:
        texts = (match["name"] or "", match["face_id"], match["photo"] or "")
        table.add_row(f"{match['similarity']:.2f} %", *(Text(text, overflow="fold") for text in texts))
    console.print(table)


def _draw(out: Path, photo: Path, answer: Mapping[str, Any], photos: Mapping[str, Path]) -> None:
    from custodes.cli.pictures.drawing import Tile, contact_sheet
    from custodes.cli.pictures.photo import show

    tiles = []
    for match in answer["FaceMatches"]:
        face = match["Face"]
        path = photos.get(face["FaceId"])
        # The server keeps no pictures; only photos that this machine indexed, and still has, can be shown.
        shown = show(path) if path is not None and path.is_file() else None
        caption = f"{match['Similarity']:.1f} %  {face.get('ExternalImageId') or ''}"
        tiles.append(Tile(shown, face["BoundingBox"], caption))
    query = Tile(show(photo), answer.get("SearchedFaceBoundingBox"), photo.name)
    contact_sheet(query, tiles).save(out)
