"""``custodes task re-embed``: faces of a collection turned into vectors of the network that the server runs now.

In: a collection, photos of its faces. Out: which faces have a new vector, and which not and why; the collection
switched when that was asked for and every face has one. The server keeps what is done, so the command is simply run
again after an interruption, also with other photos.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from custodes.cli.exit_status import ExitStatus
from custodes.cli.options import DATA, CollectionOption, DataPlaceOption, DeviceOption, EndpointOption, JsonOption
from custodes.cli.output import end, print_json
from custodes.cli.tasks.report import how_far, reembedding_report
from custodes.core.errors import ImageFormatError, ImageTooLargeError
from custodes.settings import from_environment

if TYPE_CHECKING:
    from custodes.cli.client.api import ApiClient
    from custodes.cli.faces.names import Names
    from custodes.cli.faces.photo_source import PhotoSource

NO_PICTURE = "NO_PICTURE"
REASONS = {
    NO_PICTURE: "no photo was given of it",
    "GONE": "it is not in the collection any more",
    "NOT_IN_PICTURE": "its photo shows no face where it was",
    "AMBIGUOUS": "the photo is not the one it was enrolled from and may show somebody else",
    "UNREADABLE": "its photo could not be read",
}
_OF_THE_PHOTO = frozenset(
    {
        "InvalidImageFormatException",
        "ImageTooLargeException",
        "InvalidParameterException",
        "InvalidS3ObjectException",
    }
)
_MOST_FACES = 100
_SHOWN = 20


@dataclass(slots=True)
class _Missing:
    """Faces without a new vector, by id and by external id, and why the last photo of each gave none."""

    faces: dict[str, Mapping[str, Any]]
    reasons: dict[str, str] = field(default_factory=dict)
    by_name: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for face_id, face in self.faces.items():
            if face.get("ExternalImageId"):
                self.by_name.setdefault(face["ExternalImageId"], []).append(face_id)

    def of(self, photo: PhotoSource, name: str | None) -> list[str]:
        """Those that ``photo`` is said to show, by the face id that it is called, or by its name."""
        for called in (photo.inside.stem, name):
            if called in self.faces:
                return [str(called)]
        return [one for one in self.by_name.get(name or "", ()) if one in self.faces][:_MOST_FACES]


def reembed(
    collection: CollectionOption,
    photos: Annotated[
        str, typer.Option(help="Folder with photos, or s3://bucket/prefix that the server reads; with all below.")
    ],
    names: Annotated[
        str,
        typer.Option(
            help="What says whom a photo shows: folder, file, or a CSV file with the columns path and name; "
            "a name is an external image id or a face id. [default: as for custodes index]",
            show_default=False,
        ),
    ] = "auto",
    switch: Annotated[bool, typer.Option("--switch", help="Search the new vectors once every face has one.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write which faces have none as a page for a browser.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=32, help="Photos worked on at the same time.")] = 4,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a collection's vectors anew with the network of this server. Run it again to go on."""
    settings = from_environment(data=data, device=device)
    from custodes.cli.client.connection import open_api
    from custodes.cli.faces.names import open_names
    from custodes.cli.faces.photo_source import S3, find_photos

    found = find_photos(photos, settings)
    labels = open_names(names, found, None if photos.startswith(S3) else Path(photos).resolve())
    with open_api(settings, endpoint) as api:
        before, faces = _listed(api, collection)
        missing = _Missing(faces)
        _work(api, collection, found, labels, missing, jobs)
        after, left = _listed(api, collection)
        switched = after["FromFaceModelVersion"] == after["FaceModelVersion"]
        if switch and not left and not switched:
            api.call("SwitchFaceModel", CollectionId=collection)
            switched = True
    facts = _facts(collection, before, after, [_left(face, missing) for face in left.values()], switched=switched)
    if report is not None:
        report.write_text(reembedding_report(facts), "utf-8")
    if as_json:
        print_json(facts)
    else:
        typer.echo("\n".join(_lines(facts)))
    end(ExitStatus.SOME_FAILED if left else ExitStatus.DONE)


def _listed(api: ApiClient, collection: str) -> tuple[Mapping[str, Any], dict[str, Mapping[str, Any]]]:
    """How far the collection is, and the faces without a new vector by id."""
    faces: dict[str, Mapping[str, Any]] = {}
    page = api.call("ListFacesToReembed", CollectionId=collection)
    first = page
    while True:
        faces |= {face["FaceId"]: face for face in page["Faces"]}
        if not page.get("NextToken"):
            return first, faces
        page = api.call("ListFacesToReembed", CollectionId=collection, NextToken=page["NextToken"])


def _work(
    api: ApiClient, collection: str, photos: Sequence[PhotoSource], names: Names, missing: _Missing, jobs: int
) -> None:
    """Send each photo that shows a face without a new vector."""
    from rich.console import Console
    from rich.progress import Progress

    def one(photo: PhotoSource) -> None:
        wanted = missing.of(photo, names.of(photo))
        for face_id, reason in _sent(api, collection, photo, wanted) if wanted else ():
            if reason is None:
                missing.faces.pop(face_id, None)
            else:
                missing.reasons[face_id] = reason

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar, ThreadPoolExecutor(jobs) as workers:
        shown = bar.add_task("re-embedding", total=len(photos))
        for _ in workers.map(one, photos):
            bar.advance(shown)


def _sent(
    api: ApiClient, collection: str, photo: PhotoSource, wanted: Sequence[str]
) -> Iterator[tuple[str, str | None]]:
    """Each of ``wanted`` with why it has no vector, or None where it has."""
    from custodes.cli.client.api import ApiFailureError

    try:
        image = photo.image()
        answer = image and api.call("ReembedFaces", CollectionId=collection, Image=image, FaceIds=list(wanted))
    except ApiFailureError as error:
        if error.code not in _OF_THE_PHOTO:
            raise
        answer = None
    except (ImageFormatError, ImageTooLargeError, OSError):
        answer = None
    if not answer:
        yield from ((face_id, "UNREADABLE") for face_id in wanted)
        return
    yield from ((face_id, None) for face_id in answer["Reembedded"])
    yield from ((one["FaceId"], one["Reason"]) for one in answer["Unmatched"])


def _left(face: Mapping[str, Any], missing: _Missing) -> dict[str, Any]:
    face_id = face["FaceId"]
    found = {"face_id": face_id, "reason": missing.reasons.get(face_id, NO_PICTURE)}
    for member, word in (("ExternalImageId", "external_image_id"), ("UserId", "user_id")):
        if face.get(member):
            found[word] = face[member]
    return found


def _facts(
    collection: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    left: Sequence[Mapping[str, Any]],
    *,
    switched: bool,
) -> dict[str, Any]:
    return {
        "collection_id": collection,
        "from_face_model_version": before["FromFaceModelVersion"],
        "face_model_version": after["FaceModelVersion"],
        "faces": after["FaceCount"],
        "missing_before": before["MissingCount"],
        "missing": after["MissingCount"],
        "switched": switched,
        "left": list(left),
    }


def _lines(facts: Mapping[str, Any]) -> list[str]:
    told = [how_far(facts)]
    if facts["switched"]:
        told.append("these are searched now")
    elif not facts["missing"]:
        told.append("nothing is missing: --switch has them searched")
    if facts["missing"]:
        told.append(
            f"{facts['missing']} have none, and the collection is not switched before they have or are deleted:"
        )
    told += [
        f"  {one['face_id']}{_named(one)}: {REASONS.get(one['reason'], one['reason'])}"
        for one in facts["left"][:_SHOWN]
    ]
    if len(facts["left"]) > _SHOWN:
        told.append(f"  ... and {len(facts['left']) - _SHOWN} more; --report FILE or --json lists all")
    return told


def _named(one: Mapping[str, Any]) -> str:
    name = one.get("external_image_id")
    return f" ({name})" if name else ""
