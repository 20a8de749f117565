"""``custodes collection``: collections of faces, and one policy document on a collection itself.

The policy belongs to the collection's id: it can be there before the collection is, and stays when it is deleted. The
other commands go through the API, as whoever ``custodes`` signs as.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from custodes.cli.accounts.document import AccountOption, FileOption
from custodes.cli.client.administration import ask
from custodes.cli.input_files import text_of
from custodes.cli.options import DATA, DataOption, DataPlaceOption, EndpointOption, JsonOption
from custodes.cli.output import show
from custodes.settings import from_environment

app = typer.Typer(help="Collections of faces.", no_args_is_help=True)
policy = typer.Typer(help="Say who may do what with a collection.", no_args_is_help=True)
app.add_typer(policy, name="policy")

CollectionArgument: TypeAlias = Annotated[str, typer.Argument(help="Collection id.", show_default=False)]


@app.command("list")
def list_command(data: DataPlaceOption = DATA, endpoint: EndpointOption = None, as_json: JsonOption = False) -> None:
    """Show all collections of the account."""
    from custodes.cli.client.connection import open_api
    from custodes.cli.client.paging import pages
    from custodes.cli.output import print_json, print_rows

    with open_api(from_environment(data=data), endpoint) as api:
        found = [
            {"collection_id": name, "face_model_version": version}
            for page in pages(api, "ListCollections")
            for name, version in zip(page["CollectionIds"], page["FaceModelVersions"], strict=True)
        ]
    if as_json:
        print_json(found)
    else:
        print_rows(("collection", "face model"), [(it["collection_id"], it["face_model_version"]) for it in found])


@app.command("create")
def create_command(
    collection: CollectionArgument,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a collection."""
    from custodes.cli.client.connection import open_api

    with open_api(from_environment(data=data), endpoint, creates=True) as api:
        answer = api.call("CreateCollection", CollectionId=collection)
    facts = {"collection_id": collection, "arn": answer["CollectionArn"]}
    show(facts, str(answer["CollectionArn"]), as_json=as_json)


@app.command("describe")
def describe_command(
    collection: CollectionArgument,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a collection holds."""
    from custodes.cli.client.connection import open_api
    from custodes.cli.output import print_json

    with open_api(from_environment(data=data), endpoint) as api:
        answer = api.call("DescribeCollection", CollectionId=collection)
    facts = {
        "collection_id": collection,
        "arn": answer["CollectionARN"],
        "faces": answer["FaceCount"],
        "people": answer.get("UserCount", 0),
        "face_model_version": answer["FaceModelVersion"],
        "created_ts_ms": _ms(answer["CreationTimestamp"]),
    }
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        typer.echo(f"{name}\t{value}")


@app.command("delete")
def delete_command(
    collection: CollectionArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, as where no terminal is.")] = False,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a collection with all its faces, for good."""
    from custodes.cli.client.connection import open_api

    with open_api(from_environment(data=data), endpoint) as api:
        faces = api.call("DescribeCollection", CollectionId=collection)["FaceCount"]
        if not yes and sys.stdin.isatty():
            typer.confirm(f"Delete {collection} with its {faces} faces for good?", abort=True, err=True)
        api.call("DeleteCollection", CollectionId=collection)
    show({"collection_id": collection, "faces": faces}, f"{collection} is gone, with {faces} faces", as_json=as_json)


@app.command("export")
def export_command(
    collection: CollectionArgument,
    out: Annotated[Path, typer.Option("--out", help="New file for the archive.")],
    key: Annotated[Path, typer.Option("--key", help="New file for the key that opens it; keep it apart.")],
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write faces, vectors and users of a collection into a sealed archive. Pictures are not in it."""
    from custodes.cli.client.connection import open_api
    from custodes.cli.faces.archive import write_archive

    with open_api(from_environment(data=data), endpoint) as api:
        count = write_archive(api, collection, out, key)
    facts = {"collection_id": collection, "faces": count, "path": str(out), "key": str(key)}
    show(facts, f"{count} faces are in {out}, which {key} opens", as_json=as_json)


@app.command("import")
def import_command(
    archive: Annotated[Path, typer.Argument(help="Archive that export wrote.", exists=True, dir_okay=False)],
    key: Annotated[Path, typer.Option("--key", help="File with its key.", exists=True, dir_okay=False)],
    collection: Annotated[str | None, typer.Option(help="Put them here; default: the name of then.")] = None,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put faces of an archive into a collection that is there. Faces that were erased here stay so, and are told."""
    from custodes.cli.client.connection import open_api
    from custodes.cli.faces.archive import import_faces, read_archive

    with open_api(from_environment(data=data), endpoint) as api:
        head, faces = read_archive(archive, key)
        target = collection or str(head["collection_id"])
        found = import_faces(api, target, str(head["model_version"]), faces)
    lines = [f"{found['added']} faces added, {found['present']} were there, {found['joined']} given to persons"]
    lines += [f"{face_id} was erased here and stays so" for face_id in found["erased"]]
    show({"collection_id": target, **found}, "\n".join(lines), as_json=as_json)


def _ms(moment: Any) -> int:
    """Milliseconds of a time, which comes as a datetime from a server and as seconds from this process."""
    return round((moment.timestamp() if isinstance(moment, datetime) else float(moment)) * 1000)


@policy.command("put")
def put_policy_command(
    collection: CollectionArgument,
    file: FileOption,
    account: AccountOption = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Store the policy document of a collection; what is not understood is refused."""
    value = ask(data, "document put", **_members(collection, account), text=text_of(file))
    show(value, f"collection {collection} has a policy", as_json=as_json)


@policy.command("get")
def get_policy_command(collection: CollectionArgument, account: AccountOption = None, data: DataOption = DATA) -> None:
    """Print the policy document of a collection as it was stored."""
    typer.echo(ask(data, "document get", **_members(collection, account))["text"])


@policy.command("delete")
def delete_policy_command(
    collection: CollectionArgument, account: AccountOption = None, data: DataOption = DATA, as_json: JsonOption = False
) -> None:
    """Take the policy document of a collection away."""
    value = ask(data, "document delete", **_members(collection, account))
    show(value, f"collection {collection} has no policy", as_json=as_json)


def _members(collection: str, account: str | None) -> dict[str, object]:
    from custodes.operations.accounts.policy_documents import COLLECTION, ONLY

    return {"owner": f"{COLLECTION}{collection}", "name": ONLY, "account": account}
