"""``custodes celebrities``: whom RecognizeCelebrities can name. Works with and without a running server.

In: a file of people with portraits. Out: people in the database, portraits in the collection
``celebrities`` of the operator's account, through the API like any other face: recorded, sealed, erasable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from custodes.cli.client.administration import ask
from custodes.cli.options import (
    DATA,
    AgainOption,
    DataOption,
    DataPlaceOption,
    DeviceOption,
    EndpointOption,
    JsonOption,
)
from custodes.cli.output import print_json
from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.settings import from_environment

if TYPE_CHECKING:
    from custodes.cli.client.api import ApiClient
    from custodes.cli.faces.celebrity_file import Known
    from custodes.cli.faces.photo_source import PhotoSource

app = typer.Typer(help="Known people whom RecognizeCelebrities names.", no_args_is_help=True)
_COLLECTION = "celebrities"
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class PortraitNames:
    """Names for the indexing of portraits: who is on which."""

    ids: Mapping[Path, str]

    def of(self, photo: PhotoSource) -> str | None:
        """The id of the person on ``photo``."""
        return self.ids[Path(photo.place)]


@app.command("import")
def import_command(
    path: Annotated[Path, typer.Argument(help="CSV or JSON file of people; docs/celebrities.md has its columns.")],
    jobs: Annotated[int, typer.Option(min=1, max=32, help="Portraits worked on at the same time.")] = 4,
    again: AgainOption = False,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import people. Those already there are changed; portraits done before are not done again."""
    settings = from_environment(data=data, device=device)
    from custodes.cli.client.connection import open_api
    from custodes.cli.faces.celebrity_file import read_known
    from custodes.cli.faces.enrolment import EnrolmentPlan, enrol, prepare
    from custodes.cli.faces.photo_source import PhotoFile

    known = read_known(path)
    portraits = whose(known)
    with open_api(settings, endpoint, creates=True) as api:
        for start in range(0, len(known), _PAGE):
            ask(data, "celebrities put", people=[asdict(one.person) for one in known[start : start + _PAGE]])
        with prepare(api, settings.data, _COLLECTION) as journal:
            done = enrol(
                api,
                journal,
                [PhotoFile(path, Path(path.name)) for path in portraits],
                PortraitNames(portraits),
                EnrolmentPlan(_COLLECTION, 1, jobs, again),
            )
    left_out = [(entry.path, entry.reason) for entry in done.entries if not entry.faces]
    faces = sum(len(entry.faces) for entry in done.entries)
    if as_json:
        facts = {"people": len(known), "portraits": faces, "done_before": done.done_before}
        print_json({**facts, "left_out": [{"path": name, "reason": reason} for name, reason in left_out]})
        return
    typer.echo(f"{len(known)} people, {faces} portraits in collection {_COLLECTION}.")
    for name, reason in left_out:
        typer.echo(f"  left out: {name}: {reason}")
    for erased in done.erased:
        typer.echo(f"  face deleted since; --again imports it anew: {erased}")


@app.command("list")
def list_command(
    data: DataOption = DATA, endpoint: EndpointOption = None, device: DeviceOption = None, as_json: JsonOption = False
) -> None:
    """Show whom the server can name, and how many portraits it has of each."""
    settings = from_environment(data=data, device=device)
    from custodes.cli.client.connection import open_api

    with open_api(settings, endpoint) as api:
        portraits = Counter(face.get("ExternalImageId") for face in _faces(api))
        listed = ask(data, "celebrities list")["people"]
    people = [{**one, "portraits": portraits[one["celebrity_id"]]} for one in listed]
    if as_json:
        print_json(people)
        return
    for one in people:
        typer.echo(f"{one['celebrity_id']}\t{one['name']}\t{one['portraits']} portraits\t{' '.join(one['urls'])}")


@app.command("remove")
def remove_command(
    ids: Annotated[list[str], typer.Argument(help="Ids as `list` shows them.")],
    data: DataOption = DATA,
    endpoint: EndpointOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget people: their portraits' faces are erased, then their names."""
    settings = from_environment(data=data, device=device)
    from custodes.cli.client.connection import open_api

    with open_api(settings, endpoint) as api:
        known = {one["celebrity_id"] for one in ask(data, "celebrities list")["people"]}
        unknown = sorted(set(ids) - known)
        if unknown:
            raise NotFoundError(f"nobody has the id {unknown[0]}")
        faces = [face["FaceId"] for face in _faces(api) if face.get("ExternalImageId") in ids]
        erase(api, faces)
        ask(data, "celebrities drop", celebrity_ids=ids)
    if as_json:
        print_json({"celebrity_ids": sorted(set(ids)), "face_ids": faces})
    else:
        typer.echo(f"{len(set(ids))} people forgotten, {len(faces)} faces erased.")


def whose(known: Sequence[Known]) -> dict[Path, str]:
    """Ids by portrait. Raises InvalidParameterError when two people have the same one."""
    found: dict[Path, str] = {}
    for one in known:
        for portrait in one.portraits:
            if found.setdefault(portrait, one.person.celebrity_id) != one.person.celebrity_id:
                raise InvalidParameterError(f"{portrait} is said to show two people")
    return found


def erase(api: ApiClient, face_ids: Sequence[str]) -> None:
    """Delete faces of the collection."""
    for start in range(0, len(face_ids), _PAGE):
        api.call("DeleteFaces", CollectionId=_COLLECTION, FaceIds=list(face_ids[start : start + _PAGE]))


def _faces(api: ApiClient) -> Iterator[Mapping[str, Any]]:
    """All faces of the collection; none when there is no collection."""
    from custodes.cli.client.api import ApiFailureError
    from custodes.cli.client.paging import listed

    try:
        yield from listed(api, "ListFaces", "Faces", CollectionId=_COLLECTION, MaxResults=_PAGE)
    except ApiFailureError as error:
        if error.code != "ResourceNotFoundException":
            raise
