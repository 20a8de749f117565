"""``custodes statement moratorium``: what a sector was allowed and refused in a period, and under which rules.

In: a data directory, a sector, a period. Out: a report that anybody can check with ``custodes statement verify``. It
names no account. Works while the server runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.ledger.checking import checking
from custodes.cli.ledger.period import moment
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import print_json
from custodes.core.errors import InvalidParameterError
from custodes.ledger.verifier.expected import SECTORS

RULE = "police-moratorium.face-comparison"


def moratorium_command(
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    sector: Annotated[str, typer.Option("--sector", help="Whose decisions are counted.")] = "law-enforcement",
    rule: Annotated[str, typer.Option("--rule", help="Rule whose presence in the rules in force is told.")] = RULE,
    begin: Annotated[str | None, typer.Option("--from", help="Start, like 2026-01-01 or 2026-01-01T12:00Z.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End, not included. [default: the last entry]")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Write a report on a moratorium: every decision of a period, by sector, with the history of the rules."""
    if sector not in SECTORS:
        raise InvalidParameterError(f"a sector is one of: {', '.join(SECTORS)}")
    made = ask(data, "statement moratorium", sector=sector, rule=rule, from_ms=moment(begin), to_ms=moment(end))
    if made["remark"] is not None:
        typer.echo(made["remark"], err=True)
    report = made["file"].encode()
    out.write_bytes(report)
    if as_json:
        print_json({"path": str(out), "bytes": len(report)})
    else:
        typer.echo(f"{out}: {len(report)} bytes; check it with: {checking(out, data)}", err=True)
