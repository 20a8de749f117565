"""What commands owe people beside their answers: not to write over what they read, and to say what is not on record.

In: where to write, what is read. Out: a refusal, or a line on standard error.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer

from custodes.core.errors import InvalidParameterError

_UNRECORDED = "computed here, without a server and its ledger: this use is not on record"


def refuse_inputs(out: Path | None, inputs: Iterable[Path]) -> None:
    """Refuse ``out`` where it is one of ``inputs``, also by another name of the same file.

    Raises:
        InvalidParameterError: writing would destroy what was given.
    """
    if out is None or not out.exists():
        return
    for path in inputs:
        if path.exists() and out.samefile(path):
            raise InvalidParameterError(f"{out} is what is read here; writing it would destroy it: name another file")


def say_unrecorded() -> None:
    """Say, where errors go, that what follows leaves no entry in any ledger."""
    typer.echo(f"custodes: {_UNRECORDED}", err=True)
