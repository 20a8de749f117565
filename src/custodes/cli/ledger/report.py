"""``custodes report``: what regulators ask of an account, as a page and as a file that proves every number on it.

In: a data directory, an account, a period. Out: a folder with ``report.html``, ``report.json`` and ``trust.policy``.
Works while the server runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.ledger.period import moment
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import print_json
from custodes.ledger.verifier.regulation.check import parse
from custodes.operations.record.evidence.regulation_page import render

app = typer.Typer(help="Reports for regulators, whose every number is proven.", no_args_is_help=True)

FILE, PAGE, POLICY = "report.json", "report.html", "trust.policy"


@app.callback()
def reports() -> None:
    """Reports for regulators, whose every number is proven."""


@app.command("ai-act")
def ai_act_command(
    account: Annotated[str, typer.Option("--account", help="Account id, twelve digits.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    begin: Annotated[str | None, typer.Option("--from", help="Start, like 2026-01-01 or 2026-01-01T12:00Z.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End, not included. [default: the newest entry]")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Report on an account under articles 12, 19 and 26 of the AI Act and 30 and 35 of the GDPR."""
    known = ask(data, "account show", account=account)
    organisation = dict(known["organisation"])
    rules = [rule for rule in ask(data, "retention list")["rules"] if rule["account"] == account]
    kept = [f"{rule['collection']}: {rule['days']} days" for rule in rules] or ["no rule"]
    declared = {
        "retention of faces": kept,
        "organisation": organisation,
        "stated use": known["stated"],
        "status": known["status"],
    }
    answer = ask(data, "report ai-act", account=account, declared=declared, from_ms=moment(begin), to_ms=moment(end))
    if answer["remark"] is not None:
        typer.echo(answer["remark"], err=True)
    made, policy = answer["file"].encode(), (data / POLICY).read_bytes()
    out.mkdir(parents=True, exist_ok=True)
    (out / FILE).write_bytes(made)
    (out / PAGE).write_text(render(parse(made), FILE), encoding="utf-8")
    (out / POLICY).write_bytes(policy)
    if as_json:
        print_json({"account_id": account, "paths": [str(out / name) for name in (PAGE, FILE, POLICY)]})
        return
    typer.echo(f"{out / PAGE}; check it with: python -m custodes.ledger verify {out / FILE} --trust {POLICY}", err=True)
