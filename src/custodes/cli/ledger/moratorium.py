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
from custodes.core.errors import InvalidParameterError, NotFoundError, UnavailableError
from custodes.deployment.record.statements import open_statements
from custodes.governance.provider.guardrails import SECTORS, load
from custodes.governance.provider.records import replay
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.tiles import LedgerCorruptError
from custodes.ledger.verifier.canonical_json import StatementError
from custodes.ledger.verifier.moratorium.report import MoratoriumQuestion
from custodes.storage.files.policy import policy_files

GROUP = "FaceComparison"
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
    files = policy_files(data)
    policy = files.policy(replay(files).in_force)
    operations = load(policy.packs, policy.schema).operations_in(GROUP)
    question = MoratoriumQuestion(sector, operations, rule, moment(begin), moment(end))
    ask(data, "ledger head")  # published, and confirmed by witnesses where there are any
    try:
        report = open_statements(data).moratorium(question, files.members)
    except (BodyError, NoteError, LedgerCorruptError) as error:
        raise UnavailableError(f"the ledger's files do not fit together: {error}") from error
    except LookupError as error:
        raise NotFoundError(str(error)) from error
    except StatementError as error:
        raise InvalidParameterError(str(error)) from error
    out.write_bytes(report)
    if as_json:
        print_json({"path": str(out), "bytes": len(report)})
    else:
        typer.echo(f"{out}: {len(report)} bytes; check it with: {checking(out, data)}", err=True)
