"""``custodes account limits``: what one account may use up beside the server's own limits. Works while the server runs.

In: names and numbers to set or to give back to the server's own. Out: what is set for the account. The names are those
of ``governance.limits``; docs/limits.md explains them.
"""

from __future__ import annotations

from typing import Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show
from custodes.core.errors import InvalidParameterError
from custodes.governance.limits import check_limits


def limits_command(
    account: Annotated[str, typer.Argument(help="Account id, twelve digits.", show_default=False)],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=NUMBER", help="A limit of its own; may be repeated.")
    ] = None,
    clear: Annotated[
        list[str] | None, typer.Option("--clear", metavar="NAME", help="Back to the server's own; may be repeated.")
    ] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show or change the limits that an account has of its own."""
    changed = {name: _number(name, text) for name, _, text in (pair.partition("=") for pair in set_ or ())}
    if changed:
        # Reading the model of the API takes a moment, so only who sets a limit waits for it.
        from custodes.edge.aws.model import load_service
        from custodes.operations.liveness.commands import STREAMED
        from custodes.operations.reviews.reviews import OPERATIONS

        check_limits(changed, {*load_service().known, *OPERATIONS, *STREAMED})
    found = ask(data, "account show", account=account)["limits"]
    wanted = {name: number for name, number in (found | changed).items() if name not in (clear or ())}
    if wanted != found:
        wanted = ask(data, "account update", account=account, limits=wanted)["limits"]
    show(wanted, "\n".join(f"{name} = {number}" for name, number in sorted(wanted.items())), as_json=as_json)


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidParameterError(f"the limit {name} is a whole number, as in {name or 'NAME'}=100")
    return int(text)
