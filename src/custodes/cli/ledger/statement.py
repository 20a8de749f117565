"""``custodes statement``: answer "did X use the service?" with a file that the asker can check without us.

In: a data directory, an identifier, a period. Out: a statement file; or a verdict on one, with the exit status of
``python -m custodes.ledger verify``. Made by the server where one runs, with a new head of the map, so that a use of a
second ago is in the statement; where that is not possible the last head has to do, and it says so. Where no server runs
the last head of the account map does as long as it leaves nothing out.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.input_files import text_of
from custodes.cli.ledger.checking import checking
from custodes.cli.ledger.moratorium import moratorium_command
from custodes.cli.ledger.period import moment
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import print_json, refuse_inputs
from custodes.core.errors import InvalidParameterError
from custodes.ledger.__main__ import main
from custodes.ledger.prover.verifier_zipapp import build as build_zipapp

app = typer.Typer(help="State what an account used, or that it used nothing.", no_args_is_help=True)
app.command("moratorium")(moratorium_command)


@app.command("create")
def create_command(
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    data: DataOption = DATA,
    account: Annotated[str | None, typer.Option("--account", help="Account id, twelve digits.")] = None,
    identifier: Annotated[str | None, typer.Option("--identifier", help="Like acct:123456789012.")] = None,
    party: Annotated[
        list[str] | None,
        typer.Option(
            "--party",
            help="Was it ever behind a customer? A name, or a number like lei:..., ru-inn:..., nl-kvk:...; "
            "several times for all names and numbers of one party.",
        ),
    ] = None,
    begin: Annotated[str | None, typer.Option("--from", help="Start, like 2026-01-01 or 2026-01-01T12:00Z.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End, not included; a date means its first moment.")] = None,
    prices: Annotated[Path | None, typer.Option("--prices", help="Price list to go along with it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a statement about an account, a party, or another identifier."""
    if sum(one is not None for one in (account, identifier, party or None)) != 1:
        raise InvalidParameterError("give either --account, --party or --identifier")
    made = ask(
        data,
        "statement create",
        account=account,
        identifier=identifier,
        party=party or None,
        prices=None if prices is None else text_of(prices),
        from_ms=moment(begin),
        to_ms=moment(end),
    )
    if made["remark"] is not None:
        typer.echo(made["remark"], err=True)
    statement = made["file"].encode()
    out.write_bytes(statement)
    if as_json:
        print_json({"path": str(out), "bytes": len(statement)})
    else:
        typer.echo(f"{out}: {len(statement)} bytes; check it with: {checking(out, data)}", err=True)


@app.command("verify")
def verify_command(
    file: Annotated[Path, typer.Argument(help="Statement, certificate of erasure, or invoice.")],
    trust: Annotated[Path, typer.Option("--trust", help="Whom you trust: a tlog-policy file.")] = Path("trust.policy"),
    ledger: Annotated[Path | None, typer.Option("--ledger", help="Folder with the log's public files.")] = None,
    account: Annotated[str | None, typer.Option("--expect-account", help="Account that you ask about.")] = None,
    identifier: Annotated[
        str | None, typer.Option("--expect-identifier", help="Party that you ask about, like lei:... or namefp:...")
    ] = None,
    sector: Annotated[str | None, typer.Option("--expect-sector", help="Sector that you ask about.")] = None,
    begin: Annotated[str | None, typer.Option("--from", help="Start of the period that you ask about.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Its end, not included.")] = None,
    fresh: Annotated[str | None, typer.Option("--fresh", help="How old the log's state may be, like 1d.")] = None,
    stamps: Annotated[Path | None, typer.Option("--stamps", help="Time stamps that came with a statement.")] = None,
    roots: Annotated[
        Path | None, typer.Option("--stamp-roots", help="Root certificates (PEM) of authorities that you trust.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Check a file, as `python -m custodes.ledger verify` does, and with the same options."""
    if not file.is_file():
        raise typer.BadParameter(f"there is no file {file}", param_hint="FILE")
    if not trust.is_file():
        raise typer.BadParameter(
            f"there is no file {trust}: say whom you trust; a server's own is trust.policy in its data directory",
            param_hint="--trust",
        )
    options = {
        "--ledger": ledger,
        "--expect-account": account,
        "--expect-identifier": identifier,
        "--expect-sector": sector,
        "--from": begin,
        "--to": end,
        "--fresh": fresh,
        "--stamps": stamps,
        "--stamp-roots": roots,
    }
    given = [text for name, value in options.items() if value is not None for text in (name, str(value))]
    raise typer.Exit(main(["verify", str(file), "--trust", str(trust), *given, *(["--json"] if as_json else [])]))


@app.command("stamps")
def stamps_command(
    file: Annotated[Path, typer.Argument(help="Statement about an account.")],
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Write the time stamps of outside authorities that bracket a statement's period, to go with it."""
    refuse_inputs(out, [file])
    stamps = ask(data, "statement stamps", statement=text_of(file))["file"].encode()
    out.write_bytes(stamps)
    if as_json:
        print_json({"path": str(out), "bytes": len(stamps)})
        return
    typer.echo(f"{out}: {len(stamps)} bytes; readers give it with --stamps and their --stamp-roots", err=True)


@app.command("verifier")
def verifier_command(
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("verify.pyz"),
    as_json: JsonOption = False,
) -> None:
    """Write the verifier as one file, to give away. Prints its SHA-256, the same for all who build this version."""
    build_zipapp(out)
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    if as_json:
        print_json({"path": str(out), "sha256": digest})
    else:
        typer.echo(f"{digest}  {out}")
