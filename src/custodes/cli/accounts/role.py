"""``custodes role``: what users of an account may become for a while, through STS, with tags on the session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from custodes.cli.accounts.document import AccountOption, document_commands
from custodes.cli.accounts.user import TagOption, tags_of
from custodes.cli.client.administration import ask
from custodes.cli.input_files import text_of
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show

app = typer.Typer(help="Roles of accounts: who may assume them, what they may do.", no_args_is_help=True)
app.add_typer(document_commands("role"), name="policy")

RoleArgument: TypeAlias = Annotated[str, typer.Argument(help="Name of the role.", show_default=False)]
TrustOption: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--trust", help="JSON policy document that says who may assume it; - for standard input.", show_default=False
    ),
]


@app.command("create")
def create_command(
    role: RoleArgument,
    trust: TrustOption,
    max_session_s: Annotated[int, typer.Option("--max-session-s", help="Longest session, 900 to 43200 s.")] = 3600,
    tag: TagOption = [],  # noqa: B006 - the command line copies it
    account: AccountOption = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Add a role to an account. It may do nothing until it has a policy."""
    members = {
        "role": role,
        "trust": text_of(trust),
        "max_session_s": max_session_s,
        "tags": tags_of(tag),
        "account": account,
    }
    value = ask(data, "role create", **members)
    show(value, str(value["arn"]), as_json=as_json)


@app.command("list")
def list_command(account: AccountOption = None, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show the roles of an account."""
    found = ask(data, "role list", account=account)["roles"]
    show(found, "\n".join(role["arn"] for role in found), as_json=as_json)


@app.command("show")
def show_command(
    role: RoleArgument, account: AccountOption = None, data: DataOption = DATA, as_json: JsonOption = False
) -> None:
    """Show a role with its trust policy."""
    value = ask(data, "role show", role=role, account=account)
    show(value, json.dumps(value, indent=2), as_json=as_json)


@app.command("trust")
def trust_command(
    role: RoleArgument,
    trust: TrustOption,
    account: AccountOption = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Change who may assume a role; sessions that run go on."""
    value = ask(data, "role trust", role=role, trust=text_of(trust), account=account)
    show(value, str(value["arn"]), as_json=as_json)


@app.command("delete")
def delete_command(
    role: RoleArgument, account: AccountOption = None, data: DataOption = DATA, as_json: JsonOption = False
) -> None:
    """Take a role away with its documents; its sessions end at once."""
    value = ask(data, "role delete", role=role, account=account)
    show(value, f"role {role} is gone", as_json=as_json)
