"""``custodes collection policy``: one policy document on a collection itself, beside those of users and roles.

The policy belongs to the collection's id: it can be there before the collection is, and stays when it is deleted.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from custodes.cli.accounts.document import AccountOption, FileOption, read_text
from custodes.cli.client.administration import ask, show
from custodes.cli.options import DATA, DataOption, JsonOption

app = typer.Typer(help="Collections of accounts.", no_args_is_help=True)
policy = typer.Typer(help="Say who may do what with a collection.", no_args_is_help=True)
app.add_typer(policy, name="policy")

CollectionArgument: TypeAlias = Annotated[str, typer.Argument(help="Collection id.", show_default=False)]


@policy.command("put")
def put_command(
    collection: CollectionArgument,
    file: FileOption,
    account: AccountOption = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Store the policy document of a collection; what is not understood is refused."""
    value = ask(data, "document put", **_members(collection, account), text=read_text(file))
    show(value, f"collection {collection} has a policy", as_json=as_json)


@policy.command("get")
def get_command(collection: CollectionArgument, account: AccountOption = None, data: DataOption = DATA) -> None:
    """Print the policy document of a collection as it was stored."""
    typer.echo(ask(data, "document get", **_members(collection, account))["text"])


@policy.command("delete")
def delete_command(
    collection: CollectionArgument, account: AccountOption = None, data: DataOption = DATA, as_json: JsonOption = False
) -> None:
    """Take the policy document of a collection away."""
    value = ask(data, "document delete", **_members(collection, account))
    show(value, f"collection {collection} has no policy", as_json=as_json)


def _members(collection: str, account: str | None) -> dict[str, object]:
    from custodes.operations.accounts.policy_documents import COLLECTION, ONLY

    return {"owner": f"{COLLECTION}{collection}", "name": ONLY, "account": account}
