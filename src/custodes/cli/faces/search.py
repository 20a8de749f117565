"""``custodes search``: who in a collection the largest face of a photo looks like, and how far that is to be trusted.

In: a photo, a collection. Out: matches with the chance that a collection of this size holds such a stranger; as rows,
JSON, or a contact sheet. Results that are held for reviewers come with the commands that go on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from custodes.cli.options import DATA, CollectionOption, DataPlaceOption, DeviceOption, EndpointOption, JsonOption
from custodes.settings import from_environment

if TYPE_CHECKING:
    from custodes.cli.client.api import ApiClient
    from custodes.deployment.networks.scores import ScoreRates

_SEALED = "sealed:"
"""How a token of a result begins that two persons have to confirm; the review's id follows (docs/reviews.md)."""


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """What a search brought.

    Attributes:
        collection: where it searched.
        faces: how many faces are there; None when the caller may not know.
        answer: the API's own.
        photos: photos of faces that this machine indexed, by face id.
        rates: what a similarity stands for.
    """

    collection: str
    faces: int | None
    answer: Mapping[str, Any]
    photos: Mapping[str, Path]
    rates: ScoreRates

    @property
    def review(self) -> str | None:
        """Id of the review that the result is held for; None where it is not."""
        names = [str(match["Face"].get("ExternalImageId") or "") for match in self.answer["FaceMatches"]]
        return next((name.split(":")[1] for name in names if name.startswith(_SEALED)), None)


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
    from custodes.cli.exit_status import ExitStatus
    from custodes.cli.faces.journal import photo_of_face
    from custodes.cli.output import end, print_json
    from custodes.cli.pictures.photo import check_drawable, read
    from custodes.deployment.networks.scores import score_rates

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
        photos, rates = photo_of_face(settings.data), score_rates(settings)
        found = FoundFaces(collection, _size(api, collection), answer, photos, rates)
    matches = shown_matches(found)
    if picture is not None:
        draw_matches(picture, photo, found)
    if as_json:
        review = {} if found.review is None else {"review_id": found.review}
        print_json({"path": str(photo), "collection_id": collection, "faces": found.faces, "matches": matches} | review)
    else:
        print_matches(found, threshold, matches)
    end(ExitStatus.DONE if found.review is None else ExitStatus.REVIEW)


def _size(api: ApiClient, collection: str) -> int | None:
    """Faces in the collection; None where the caller may search it but not describe it."""
    from custodes.cli.client.api import ApiFailureError

    try:
        return int(api.call("DescribeCollection", CollectionId=collection)["FaceCount"])
    except ApiFailureError:
        return None


def shown_matches(found: FoundFaces) -> list[dict[str, Any]]:
    """Matches in the words of docs/cli.md, best first."""
    return [_fact(match, found) for match in found.answer["FaceMatches"]]


def _fact(match: Mapping[str, Any], found: FoundFaces) -> dict[str, Any]:
    from custodes.cli.pictures.likeness import chance_in_gallery, verdict_in_gallery

    face, similarity = match["Face"], match["Similarity"]
    known = found.photos.get(face["FaceId"])
    return {
        "similarity_pct": round(similarity, 6),
        "verdict": verdict_in_gallery(similarity, found.faces, found.rates).name.lower(),
        "false_match_rate": found.rates.false_match_rate(similarity),
        "false_match_chance": None if found.faces is None else chance_in_gallery(similarity, found.faces, found.rates),
        "name": face.get("ExternalImageId"),
        "face_id": face["FaceId"],
        "path": str(known) if known else None,
    }


def print_matches(found: FoundFaces, threshold: float, matches: Sequence[Mapping[str, Any]]) -> None:
    """Rows on standard output; what is to be said beside them on standard error."""
    from custodes.cli.output import print_rows, say
    from custodes.cli.pictures.likeness import gallery_odds, percent, short_odds

    if not matches:
        say(f"Nobody in {found.collection} reaches {threshold:g} %.")
        return
    size = "" if found.faces is None else f" among {found.faces:,}"
    header = ("similarity", "alike by chance", f"any{size}", "name", "face", "photo")
    rows = [
        (
            percent(match["similarity_pct"]),
            short_odds(match["similarity_pct"], found.rates),
            "unknown" if found.faces is None else gallery_odds(match["similarity_pct"], found.faces, found.rates),
            match["name"] or "",
            match["face_id"],
            match["path"] or "",
        )
        for match in matches
    ]
    print_rows(header, rows)
    if found.review is not None:
        say(
            f"two persons have to confirm this result before it shows who was found. A reviewer looks with "
            f"`custodes review show {found.review}` and decides with `custodes review confirm {found.review}` or "
            f"`custodes review reject {found.review}`; then `custodes review release {found.review}` gives the result"
        )


def draw_matches(out: Path, photo: Path, found: FoundFaces) -> None:
    """The contact sheet: the face of ``photo`` apart, and what was found."""
    from custodes.cli.pictures.drawing import MatchSheet, Tile, contact_sheet
    from custodes.cli.pictures.likeness import gallery_odds, percent, short_odds, verdict_in_gallery
    from custodes.cli.pictures.photo import show

    tiles = []
    for match in found.answer["FaceMatches"]:
        face, similarity = match["Face"], match["Similarity"]
        path = found.photos.get(face["FaceId"])
        # The server keeps no pictures; only photos that this machine indexed, and still has, can be shown.
        shown = show(path) if path is not None and path.is_file() else None
        name = "held for review" if found.review else (face.get("ExternalImageId") or "without a name")
        chance = ""
        if found.faces is not None:
            chance = f"{gallery_odds(similarity, found.faces, found.rates)} chance in {found.faces:,}"
        caption = (f"{percent(similarity)} {name}", short_odds(similarity, found.rates), chance)
        tiles.append(
            Tile(
                shown,
                face.get("BoundingBox"),
                tuple(filter(None, caption)),
                verdict_in_gallery(similarity, found.faces, found.rates),
            )
        )
    query = Tile(show(photo), found.answer.get("SearchedFaceBoundingBox"), (photo.name,))
    contact_sheet(query, MatchSheet(found.collection, tuple(tiles))).save(out)
