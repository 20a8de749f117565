"""``custodes user``: who acts for an account besides its root. A user without policy documents may do nothing."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from custodes.cli.accounts.document import AccountOption, document_commands
from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show
from custodes.core.errors import InvalidParameterError

app = typer.Typer(help="Users of accounts, and what they may do.", no_args_is_help=True)
app.add_typer(document_commands("user"), name="policy")

UserArgument: TypeAlias = Annotated[str, typer.Argument(help="Name of the user.", show_default=False)]
TagOption: TypeAlias = Annotated[list[str], typer.Option("--tag", help="KEY=VALUE, for conditions; may be repeated.")]


@app.command("create")
def create_command(
    user: UserArgument,
    person: Annotated[
        str | None,
        typer.Option(
            help="Whose it is, like a number of the staff; all users of one are one reviewer. [default: USER]"
        ),
    ] = None,
    tag: TagOption = [],  # noqa: B006 - the command line copies it
    account: AccountOption = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Add a user to an account. Give it a key with: custodes key create --user NAME."""
    value = ask(data, "user create", user=user, account=account, person=person, tags=tags_of(tag))
    show(value, str(value["arn"]), as_json=as_json)


@app.command("list")
def list_command(account: AccountOption = None, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show the users of an account."""
    found = ask(data, "user list", account=account)["users"]
    show(found, "\n".join(user["arn"] for user in found), as_json=as_json)


@app.command("delete")
def delete_command(
    user: UserArgument, account: AccountOption = None, data: DataOption = DATA, as_json: JsonOption = False
) -> None:
    """Take a user away with keys and documents; sessions that it opened end at once."""
    value = ask(data, "user delete", user=user, account=account)
    show(value, f"user {user} is gone", as_json=as_json)


def tags_of(texts: list[str]) -> dict[str, str]:
    """Tags from ``KEY=VALUE``. Raises InvalidParameterError."""
    tags = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise InvalidParameterError(f"a tag is KEY=VALUE, not {text}")
        tags[key] = value
    return tags
