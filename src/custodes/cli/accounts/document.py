"""Policy documents on the command line: the same four commands for users and for roles.

In: whose documents. Out: a group of commands ``put``, ``get``, ``delete`` and ``list`` to hang under a noun.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from custodes.cli.client.administration import ask
from custodes.cli.input_files import text_of
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show

AccountOption: TypeAlias = Annotated[
    str | None, typer.Option("--account", help="Account id. [default: the operator's]")
]
FileOption: TypeAlias = Annotated[
    Path, typer.Option("--file", help="JSON as AWS writes policy documents; - for standard input.", show_default=False)
]
_OwnerArgument: TypeAlias = Annotated[str, typer.Argument(help="Name of the user or role.", show_default=False)]
_NameArgument: TypeAlias = Annotated[str, typer.Argument(help="Name of the document.", show_default=False)]


def document_commands(kind: str) -> typer.Typer:
    """Commands on the documents of each ``kind``, which is ``user`` or ``role``."""
    app = typer.Typer(help=f"Say what a {kind} may do.", no_args_is_help=True)

    def put_command(
        owner: _OwnerArgument, name: _NameArgument, file: FileOption, account: AccountOption = None,
        data: DataOption = DATA, as_json: JsonOption = False,
    ) -> None:  # fmt: skip
        members = {"owner": f"{kind}/{owner}", "name": name, "text": text_of(file), "account": account}
        show(ask(data, "document put", **members), f"{kind} {owner} has the policy {name}", as_json=as_json)

    def get_command(
        owner: _OwnerArgument, name: _NameArgument, account: AccountOption = None, data: DataOption = DATA
    ) -> None:
        members = {"owner": f"{kind}/{owner}", "name": name, "account": account}
        typer.echo(ask(data, "document get", **members)["text"])

    def delete_command(
        owner: _OwnerArgument, name: _NameArgument, account: AccountOption = None, data: DataOption = DATA,
        as_json: JsonOption = False,
    ) -> None:  # fmt: skip
        members = {"owner": f"{kind}/{owner}", "name": name, "account": account}
        value = ask(data, "document delete", **members)
        show(value, f"{kind} {owner} no longer has the policy {name}", as_json=as_json)

    def list_command(
        owner: _OwnerArgument, account: AccountOption = None, data: DataOption = DATA, as_json: JsonOption = False
    ) -> None:
        names = ask(data, "document list", owner=f"{kind}/{owner}", account=account)["names"]
        show(names, "\n".join(names), as_json=as_json)

    app.command("put", help=f"Store a policy document of a {kind}; what is not understood is refused.")(put_command)
    app.command("get", help="Print a policy document as it was stored.")(get_command)
    app.command("delete", help="Take a policy document away.")(delete_command)
    app.command("list", help=f"Names of the policy documents of a {kind}.")(list_command)
    return app
