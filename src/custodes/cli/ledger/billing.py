"""``custodes billing``: what a month costs whom, and invoices that prove their place in the total in the ledger.

In: a data directory, a month, a price list. Out: a table or JSON; invoice files (JSON with proof, HTML to print).
All of it by the server where one runs, and on record.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.input_files import text_of
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import print_json, show
from custodes.core.clock import SystemClock
from custodes.core.errors import InvalidParameterError
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_html import render
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.verifier.invoices.invoice import parse
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.invoices.prices import PriceError, PriceList

app = typer.Typer(help="Meter, and send invoices that prove themselves.", no_args_is_help=True)

MonthOption = Annotated[str, typer.Option("--month", help="Like 2026-03.")]
PricesOption = Annotated[Path | None, typer.Option("--prices", help="Price list. [default: Rekognition's, us-east-1]")]


@app.command("preview")
def preview_command(
    month: MonthOption,
    data: DataOption = DATA,
    prices: PricesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what each account owes for a month, without writing anything."""
    _prices(prices)
    text = None if prices is None else text_of(prices)
    found = ask(data, "billing preview", month=str(_month(month)), prices=text)
    if as_json:
        print_json({"month": month, "bills": found["bills"]})
        return
    for account, bill in found["bills"].items():
        typer.echo(f"{account}  {bill['uses']:>10} uses  {bill['sum']:>16} {found['currency']}")


@app.command("run")
def run_command(
    month: MonthOption, data: DataOption = DATA, prices: PricesOption = None, as_json: JsonOption = False
) -> None:
    """Bill a month and put the run into the ledger; works while the server runs."""
    # What is wrong is said here, before anybody is asked.
    _prices(prices)
    if _month(month).end > SystemClock().now_ms():
        raise InvalidParameterError(f"{month} is not over yet")
    listed = None if prices is None else text_of(prices)
    index = ask(data, "billing run", month=str(_month(month)), prices=listed)["index"]
    show({"month": month, "index": index}, f"{month} is entry {index} of the ledger", as_json=as_json)


@app.command("invoices")
def invoices_command(
    month: MonthOption,
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    data: DataOption = DATA,
    sender: Annotated[str, typer.Option("--sender", help="Printed on the invoice.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Write the invoices of a billed month: a JSON file with the proof and an HTML page, per account."""
    invoices = ask(data, "billing invoices", month=str(_month(month)))["files"]
    out.mkdir(parents=True, exist_ok=True)
    for account, content in invoices.items():
        (out / f"{account}-{month}.json").write_text(content, encoding="utf-8")
        (out / f"{account}-{month}.html").write_text(render(parse(content.encode()), sender), encoding="utf-8")
    paths = [str(out / f"{account}-{month}.json") for account in invoices]
    if as_json:
        show({"month": month, "paths": paths}, "", as_json=True)
    else:
        typer.echo(f"{len(invoices)} invoices in {out}", err=True)


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError:
        raise InvalidParameterError(f"not a month: {text}") from None


def _prices(path: Path | None) -> PriceList:
    try:
        return load_prices(default_prices() if path is None else path.read_bytes())
    except (PriceError, ValueError) as error:
        raise InvalidParameterError(f"the price list: {error}") from error
