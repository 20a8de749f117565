"""How commands answer: rows and JSON on standard output, remarks on standard error, and no writing over what is read.

In: values and files. Out: text. On a terminal rows stand in columns under headers; anywhere else they are lines with
tabs between the members, whole and without headers, for programs. docs/cli.md has the vocabulary of the JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from custodes.cli.json_words import spoken
from custodes.core.errors import CustodesError, InvalidParameterError

if TYPE_CHECKING:
    from custodes.cli.exit_status import ExitStatus

_UNRECORDED = "computed here, without a server and its ledger: this use is not on record"
_BETWEEN = "  "


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
    say(_UNRECORDED)


def say(text: str) -> None:
    """A remark on standard error, where it is in nobody's way."""
    typer.echo(f"custodes: {text}", err=True)


def print_json(value: object) -> None:
    """``value`` on one line of standard output, in the words of ``json_words``."""
    typer.echo(json.dumps(spoken(value), ensure_ascii=False, default=_moment))


def _moment(value: object) -> str:
    """A moment as text: boto3 makes dates of the API's times."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")


def show(answer: object, text: str, *, as_json: bool, none: str = "there are none") -> None:
    """Print an answer: as JSON, or as ``text``; of an empty list ``none`` is said, where it is in no program's way."""
    if as_json:
        print_json(answer)
    elif text:
        typer.echo(text)
    else:
        say(none)


def print_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows of text: in columns below ``header`` on a terminal, else with tabs between them and no header."""
    if not rows:
        return
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.cells import cell_len  # letters of East Asia are two columns wide

    table = [header, *rows]
    widths = [max(cell_len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        typer.echo(_BETWEEN.join(cells).rstrip())


class NothingToDoError(CustodesError):
    """There was nothing to work on; ends with a status of its own."""


def end(status: ExitStatus) -> None:
    """End the command with ``status``; nothing happens for the one that means done."""
    if status:
        raise typer.Exit(int(status))
