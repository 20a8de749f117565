"""``custodes stream destination``: webhooks and brokers of MQTT that events of live searches are sent to.

In: a data directory. Out: destinations without their secrets, and how far each is. Works while a server runs.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show

app = typer.Typer(help="Webhooks and MQTT brokers that events are sent to.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="How the destination is called.")]
AccountOption = Annotated[str | None, typer.Option("--account", help="Whose events. [default: the operator's]")]


@app.command("list")
def list_command(
    account: Annotated[str | None, typer.Option("--account", help="Whose. [default: of all accounts]")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show destinations: how far each is, and what keeps it."""
    found = ask(data, "stream destination list", account=account)["destinations"]
    lines = [
        f"{one['account']}  {one['name']}  {one['url']}  behind {one['after']}  "
        + (one["stopped"] or (f"tried {one['attempt']} times" if one["attempt"] else "fine"))
        for one in found
    ]
    show(found, "\n".join(lines), as_json=as_json, none="no destinations")


@app.command("set")
def set_command(
    name: NameArgument,
    url: Annotated[str, typer.Argument(help="https://, http://, mqtt:// or mqtts://.")],
    account: AccountOption = None,
    user: Annotated[str | None, typer.Option(help="User of the broker.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read its password from input.")] = False,
    prefix: Annotated[str | None, typer.Option(help="Prefix of its topics. [default: custodes]")] = None,
    pictures: Annotated[bool, typer.Option("--pictures", help="Send pictures of faces, too.")] = False,
    past: Annotated[bool, typer.Option("--past", help="Begin with the oldest event that is kept.")] = False,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Have events sent to a webhook or a broker, over what was there. A webhook's secret is shown this once."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    answer = ask(
        data,
        "stream destination set",
        account=account,
        name=name,
        url=url,
        user=user,
        password=password,
        prefix=prefix,
        pictures=pictures,
        past=past,
    )
    line = f"events of {answer['account']} are sent to {answer['url']}"
    show(answer, line + (f"\nsecret: {answer['secret']}" if answer["secret"] else ""), as_json=as_json)


@app.command("remove")
def remove_command(
    name: NameArgument, account: AccountOption = None, data: DataOption = DATA, as_json: JsonOption = False
) -> None:
    """Send nothing there any more."""
    answer = ask(data, "stream destination remove", account=account, name=name)
    show(answer, f"nothing is sent to {name} any more", as_json=as_json)
