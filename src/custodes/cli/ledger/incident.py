"""``custodes incident``: what went wrong with the log, and saying that somebody looked.

In: a data directory, the index of an incident. Out: a list; an entry of the log. Works while the server runs, which
goes on recognising at once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.ledger.consent import SignatureOption, SignOnlyOption, SignWithOption, sign_order
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import print_json, show

app = typer.Typer(help="Incidents of the log, and what they stop.", no_args_is_help=True)


@app.command("list")
def list_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show all incidents; those that stop recognition say so."""
    rows = ask(data, "incident list")["incidents"]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        at = datetime.fromtimestamp(row["ts_ms"] / 1000, UTC).isoformat(sep=" ", timespec="seconds")
        more = "  ".join(str(row[name]) for name in ("about", "reason") if row[name])
        stops = "  STOPS RECOGNITION" if row["standing"] else ""
        typer.echo(f"{row['index']:>8}  {at}  {row['what']}{stops}  {more}".rstrip())


@app.command("acknowledge")
def acknowledge_command(
    index: Annotated[int, typer.Argument(min=0, help="Its entry, as the list says.")],
    reason: Annotated[str, typer.Option("--reason", help="What was found; kept in the private part of the entry.")],
    sign_with: SignWithOption = None,
    signature: SignatureOption = None,
    sign_only: SignOnlyOption = False,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Say that somebody looked at an incident; recognition goes on when none is left.

    Where officers are appointed, one of them signs for it.
    """
    from custodes.operations.record.incidents.incidents import AcknowledgeIncident

    order = AcknowledgeIncident(index=index, reason=reason)
    signed = sign_order(data, order.operation, order.order, sign_with or ()) if sign_with else ()
    if sign_only:
        show({"signatures": list(signed)}, "\n".join(signed), as_json=as_json)
        return
    made = ask(data, order.operation, index=index, reason=reason, signatures=[*(signature or ()), *signed])
    who = f"signed by {', '.join(made['signers'])}" if made["signers"] else "nobody signed, no officers are appointed"
    show(made, f"acknowledged, as entry {made['index']} of the ledger says; {who}", as_json=as_json)
