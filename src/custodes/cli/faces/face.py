"""``custodes face``: the faces of a collection, listed and deleted. Deleting erases: the key of the face is destroyed.

In: a collection. Out: faces with the names that were given to them.
"""

from __future__ import annotations

from typing import Annotated

import typer

from custodes.cli.options import DATA, CollectionOption, DataPlaceOption, EndpointOption, JsonOption
from custodes.settings import from_environment

app = typer.Typer(help="Faces of a collection: list and erase.", no_args_is_help=True)
# Source: bound of FaceIds in the service model.
_MAX_IDS = 4096


@app.command("list")
def list_command(
    collection: CollectionOption,
    name: Annotated[str | None, typer.Option("--name", help="Only faces with this name (ExternalImageId).")] = None,
    person: Annotated[str | None, typer.Option("--person", help="Only faces of this person (UserId).")] = None,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the faces of a collection."""
    from custodes.cli.client.connection import open_api
    from custodes.cli.client.paging import listed
    from custodes.cli.output import print_json, print_rows

    members = {} if person is None else {"UserId": person}
    with open_api(from_environment(data=data), endpoint) as api:
        found = [
            {
                "face_id": face["FaceId"],
                "name": face.get("ExternalImageId"),
                "person_id": face.get("UserId"),
                "confidence_pct": face.get("Confidence"),
            }
            for face in listed(api, "ListFaces", "Faces", CollectionId=collection, **members)
            if name is None or face.get("ExternalImageId") == name
        ]
    if as_json:
        print_json(found)
        return
    print_rows(("face", "name", "person"), [(it["face_id"], it["name"] or "", it["person_id"] or "") for it in found])


@app.command("delete")
def delete_command(
    faces: Annotated[list[str], typer.Argument(help="Ids as `custodes face list` shows them.")],
    collection: CollectionOption,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase faces for good. Those that are not there are named, and the others are erased all the same."""
    from custodes.cli.client.connection import open_api
    from custodes.cli.exit_status import ExitStatus
    from custodes.cli.output import end, print_json, say

    deleted: list[str] = []
    with open_api(from_environment(data=data), endpoint) as api:
        for start in range(0, len(faces), _MAX_IDS):
            some = faces[start : start + _MAX_IDS]
            deleted += api.call("DeleteFaces", CollectionId=collection, FaceIds=some)["DeletedFaces"]
    missing = [face for face in faces if face not in deleted]
    if as_json:
        facts = [{"face_id": face, "reason": "not there"} for face in missing]
        print_json({"collection_id": collection, "face_ids": deleted, "left_out": facts})
    else:
        for face in deleted:
            typer.echo(face)
    if missing:
        say(f"not in {collection}: {', '.join(missing)}")
        end(ExitStatus.SOME_FAILED if deleted else ExitStatus.FAILED)
