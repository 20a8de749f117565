"""``custodes receipts``: check the receipts that a program kept.

In: a folder of receipt files, a trust policy; a copy of the log if at hand. Out: a line per receipt that is not as it
must be, and a count; exit status 1 when there is one. No server is needed.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from custodes.cli.input_files import require_folder
from custodes.cli.ledger.monitor import trusted_policy
from custodes.cli.options import JsonOption
from custodes.cli.output import show
from custodes.core.errors import UnavailableError
from custodes.ledger.monitor.folder import FolderCopy
from custodes.ledger.monitor.receipts import CheckedReceipt, check_receipts
from custodes.ledger.tlog.tiles import LedgerCorruptError
from custodes.ledger.tlog.trust import TrustError

app = typer.Typer(help="Check receipts that were kept.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command("check")
def check_command(
    folder: Annotated[Path, typer.Argument(help="Folder of receipt files.")],
    trust: Annotated[Path, typer.Option("--trust", help="Whom you trust: a tlog-policy file.")] = Path("trust.policy"),
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", help="Folder with the log's public files, like that of a monitor: STATE/ledger."),
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="Whose they have to be, where they came with a private part.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check signatures and proofs of all receipts of a folder, against each other and against a copy of the log."""
    require_folder(folder)
    policy = trusted_policy(trust)
    try:
        copy = None if ledger is None else FolderCopy(ledger, policy)
        rows = list(check_receipts(folder, policy.logs, copy, time.time_ns() // 1_000_000))
        rows = [_owned(row, account) for row in rows]
    except (TrustError, LedgerCorruptError) as error:
        raise UnavailableError(f"the copy of the log cannot be used: {error}") from error
    show([_as_json(row) for row in rows], _as_text(rows, copy is not None), as_json=as_json)
    if any(row.problem for row in rows):
        raise typer.Exit(1)


def _owned(row: CheckedReceipt, account: str | None) -> CheckedReceipt:
    if account is None or row.problem is not None or row.account in (None, account):
        return row
    return replace(row, problem=f"it is a receipt of account {row.account}")


def _as_json(row: CheckedReceipt) -> dict[str, object]:
    entry = None if row.found is None else {"index": row.found.index, "kind": row.found.entry.kind}
    return {
        "file": str(row.file),
        "entry": entry,
        "problem": row.problem,
        "pending": row.pending,
        "account": row.account,
    }


def _as_text(rows: list[CheckedReceipt], compared: bool) -> str:
    lines = [f"{row.file}: {row.problem}" for row in rows if row.problem]
    held = sum(row.problem is None and not row.pending for row in rows)
    where = "are in the log" if compared else "hold; compare them with a copy of the log by --ledger"
    lines.append(f"{held} of {len(rows)} receipts {where}")
    owned = sum(row.account is not None for row in rows)
    if owned:
        lines.append(f"{owned} prove whose they are")
    pending = sum(row.pending for row in rows)
    if pending:
        lines.append(f"{pending} are newer than the copy of the log, or promises that need one: --ledger")
    return "\n".join(lines)
