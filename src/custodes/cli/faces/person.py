"""``custodes person``: people in a collection, each with several faces; the API calls them users of the collection.

They are who is looked for. Who may use an account is a ``custodes user``; the two have nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import typer

from custodes.cli.options import DATA, CollectionOption, DataPlaceOption, EndpointOption, JsonOption
from custodes.settings import from_environment

app = typer.Typer(help="People in a collection, each with faces; the API's users.", no_args_is_help=True)

PersonArgument: TypeAlias = Annotated[str, typer.Argument(help="Id of the person (UserId).", show_default=False)]
FacesArgument: TypeAlias = Annotated[list[str], typer.Argument(help="Ids of faces of the collection.")]


@app.command("list")
def list_command(
    collection: CollectionOption,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the people of a collection."""
    from custodes.cli.client.connection import open_api
    from custodes.cli.client.paging import listed
    from custodes.cli.output import print_json, print_rows

    with open_api(from_environment(data=data), endpoint) as api:
        found = [
            {"person_id": user["UserId"], "status": user["UserStatus"].lower()}
            for user in listed(api, "ListUsers", "Users", CollectionId=collection)
        ]
    if as_json:
        print_json(found)
    else:
        print_rows(("person", "status"), [(one["person_id"], one["status"]) for one in found])


@app.command("create")
def create_command(
    person: PersonArgument,
    collection: CollectionOption,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a person, without faces at first."""
    _ask("CreateUser", person, collection, data, endpoint)
    _say(person, collection, f"{person} is in {collection}", as_json=as_json)


@app.command("delete")
def delete_command(
    person: PersonArgument,
    collection: CollectionOption,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a person away; the faces stay, without a person."""
    _ask("DeleteUser", person, collection, data, endpoint)
    _say(person, collection, f"{person} is no longer in {collection}", as_json=as_json)


@app.command("assign")
def assign_command(
    person: PersonArgument,
    faces: FacesArgument,
    collection: CollectionOption,
    threshold: Annotated[
        float, typer.Option(min=0, max=100, help="Least similarity to the person's other faces.")
    ] = 75.0,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that faces are of a person (AssociateFaces)."""
    members = {"FaceIds": faces, "UserMatchThreshold": threshold}
    answer = _ask("AssociateFaces", person, collection, data, endpoint, members)
    _report(answer["AssociatedFaces"], answer["UnsuccessfulFaceAssociations"], person, collection, as_json=as_json)


@app.command("unassign")
def unassign_command(
    person: PersonArgument,
    faces: FacesArgument,
    collection: CollectionOption,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that faces are not of a person after all (DisassociateFaces)."""
    answer = _ask("DisassociateFaces", person, collection, data, endpoint, {"FaceIds": faces})
    refused = answer["UnsuccessfulFaceDisassociations"]
    _report(answer["DisassociatedFaces"], refused, person, collection, as_json=as_json)


def _ask(
    operation: str,
    person: str,
    collection: str,
    data: object,
    endpoint: str | None,
    members: Mapping[str, object] | None = None,
) -> Mapping[str, Any]:
    from custodes.cli.client.connection import open_api

    with open_api(from_environment(data=data), endpoint) as api:
        return api.call(operation, CollectionId=collection, UserId=person, **(members or {}))


def _say(person: str, collection: str, text: str, *, as_json: bool) -> None:
    from custodes.cli.output import print_json

    if as_json:
        print_json({"person_id": person, "collection_id": collection})
    else:
        typer.echo(text)


def _report(
    done: list[Mapping[str, Any]],
    refused: list[Mapping[str, Any]],
    person: str,
    collection: str,
    *,
    as_json: bool,
) -> None:
    """Which faces were changed and which not; the status says whether all were."""
    from custodes.cli.exit_status import ExitStatus
    from custodes.cli.output import end, print_json, say

    left_out = [{"face_id": one.get("FaceId"), "reason": ", ".join(one["Reasons"])} for one in refused]
    ids = [one["FaceId"] for one in done]
    if as_json:
        print_json({"person_id": person, "collection_id": collection, "face_ids": ids, "left_out": left_out})
    else:
        for face in ids:
            typer.echo(face)
    for one in left_out:
        say(f"{one['face_id']}: {one['reason']}")
    if left_out:
        end(ExitStatus.SOME_FAILED if ids else ExitStatus.FAILED)
