"""``custodes screening``: who stands behind customers, and what was decided about them. Works while the server runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer

app = typer.Typer(help="Screen customers, decide about hits.", no_args_is_help=True)


@app.command("graph")
def graph_command(
    path: Annotated[Path, typer.Argument(help="File of the register.", exists=True, dir_okay=False)],
    form: Annotated[str, typer.Option("--format", help="bods, psc or gleif.")],
    subject: Annotated[
        str, typer.Option("--subject", help="bods: id, number or name; psc: company number; gleif: LEI.")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="File to write. [default: print]")] = None,
) -> None:
    """Turn a register of owners into an organisation file: everybody behind one party."""
    from custodes.governance.screening.organisation import told_organisation
    from custodes.governance.screening.registers import read_register

    graph = read_register(path, form, subject)
    data = orjson.dumps(told_organisation(graph), option=orjson.OPT_INDENT_2)
    if out is None:
        typer.echo(data)
        return
    out.write_bytes(data + b"\n")
    typer.echo(f"{out}: {len(graph.parties)} parties, {len(graph.edges)} edges", err=True)
