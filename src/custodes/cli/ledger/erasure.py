"""``custodes erasure``: the certificate that a face was taken out of the index it was searched in.

In: a data directory and a FaceId. Out: a certificate file, checked like a statement. Works while the server runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.ledger.checking import checking
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show

app = typer.Typer(help="Certificates of erasure.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep ``certificate`` a command of its own: typer would fold a group of one."""


@app.command("certificate")
def certificate_command(
    face_id: Annotated[str, typer.Argument(help="FaceId of a face that was erased.")],
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Write the certificate for an erased face; check it with `custodes statement verify`."""
    out.write_text(ask(data, "erasure certificate", face=face_id)["file"], encoding="utf-8")
    show({"path": str(out), "face_id": face_id}, f"{out}; check it with: {checking(out, data)}", as_json=as_json)
