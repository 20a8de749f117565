"""``custodes erasure``: the certificate that a face was taken out of the index it was searched in.

In: a data directory and a FaceId. Out: a certificate file, checked like a statement. Works while the server runs.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from custodes.cli.ledger.checking import checking
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show
from custodes.core.errors import NotFoundError
from custodes.deployment.record.statements import open_statements
from custodes.ledger.tlog.note import NoteError

_PUBLISHED_S = 5.0

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
    out.write_bytes(_certificate(data, face_id))
    show({"path": str(out), "face_id": face_id}, f"{out}; check it with: {checking(out, data)}", as_json=as_json)


def _certificate(data: Path, face_id: str) -> bytes:
    """The certificate; an erasure of just now is waited for, as its entry is published a moment later."""
    until = time.monotonic() + _PUBLISHED_S
    while True:
        try:
            return open_statements(data).erasure_certificate(face_id)
        except (LookupError, NoteError) as error:
            if "not published yet" not in str(error) or time.monotonic() > until:
                raise NotFoundError(str(error)) from error
            time.sleep(0.2)
