"""``custodes retention``: for how many days a collection keeps its faces.

In: a data directory, a collection, days. Out: a rule, kept with the collection; a list of all rules. A running server
is asked to do it and erases what is due with the next hour; without one the rule waits for the next start.
"""

from __future__ import annotations

from typing import Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import print_json, show

app = typer.Typer(help="Say for how long collections keep faces.", no_args_is_help=True)

CollectionArgument = Annotated[str, typer.Argument(help="Collection id.")]
AccountOption = Annotated[str | None, typer.Option("--account", help="Whose it is. [default: the operator's]")]


@app.command("set")
def set_command(
    collection: CollectionArgument,
    days: Annotated[int, typer.Option("--days", min=1, help="Of 24 hours, counted from enrolment.")],
    account: AccountOption = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Have faces of a collection erased so many days after they were enrolled, those that are there already as well."""
    ask(data, "retention set", collection=collection, account=account, days=days)
    text = f"faces of {collection} are erased after {days} days, within the hour if they are that old already"
    show({"collection_id": collection, "days": days}, text, as_json=as_json)


@app.command("clear")
def clear_command(
    collection: CollectionArgument, account: AccountOption = None, data: DataOption = DATA, as_json: JsonOption = False
) -> None:
    """Take the rule of a collection away: it keeps its faces until somebody deletes them."""
    ask(data, "retention set", collection=collection, account=account)
    text = f"faces of {collection} are kept until somebody deletes them"
    show({"collection_id": collection, "days": None}, text, as_json=as_json)


@app.command("list")
def list_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show all rules."""
    rules = ask(data, "retention list")["rules"]
    if as_json:
        print_json(rules)
        return
    for rule in rules:
        typer.echo(f"{rule['account']}  {rule['days']:>6} days  {rule['collection']}")
