"""``custodes case``: cases of identifications, and what an authority decided on each. Works while the server runs.

In: what an operator was shown. Out: an entry of the ledger, then the case's new state. Callers name a case with the
session tag ``custodes:case``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show

app = typer.Typer(help="Cases of identifications, and their authorisations.", no_args_is_help=True)


@app.command("decide")
def decide_command(
    case: Annotated[str, typer.Argument(help="Name of the case, as calls state it; else their purpose.")],
    account: Annotated[str, typer.Option("--account", help="Account id, twelve digits.")],
    reference: Annotated[str, typer.Option("--reference", help="The authority's reference.")],
    issuer: Annotated[str, typer.Option("--issuer", help="The court or authority.")],
    date: Annotated[str, typer.Option("--date", help="When it decided, like 2026-12-01.")],
    refused: Annotated[bool, typer.Option("--refused", help="The authorisation was refused.")] = False,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Put an authorisation, or its refusal, on record; calls of the case are decided by it at once."""
    members = {"account": account, "case": case, "reference": reference, "issuer": issuer, "date": date}
    found = ask(data, "case decide", **members, granted=not refused)
    show(found, _line(found), as_json=as_json)


@app.command("list")
def list_command(
    account: Annotated[str | None, typer.Option("--account", help="Account id. [default: all]")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show cases with their states; an overdue one is refused until an authority has decided."""
    found = ask(data, "case list", account=account)["cases"]
    show(found, "\n".join(_line(case) for case in found), as_json=as_json)


def _line(case: Mapping[str, Any]) -> str:
    return f"{case['account_id']}  {case['state']:<9}  {case['name']}  {case['purpose']}"
