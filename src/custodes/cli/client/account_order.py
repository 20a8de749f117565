"""One order about accounts to whoever has them open: the server that runs on the data directory, else this process.

In: a data directory and an order. Out: the answer. The database and the ledger have one writer each, so a running
server is asked rather than the directory opened a second time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from custodes.core.errors import UnavailableError


def ask(data: Path | None, members: Mapping[str, object]) -> Mapping[str, Any]:
    """Have an order carried out.

    Raises:
        CustodesError: it could not be; the message says why.
    """
    from custodes.deployment.ledger import open_orders
    from custodes.operations.accounts.admin import ORDER
    from custodes.settings import from_environment

    settings = from_environment(data=data)
    if not settings.data.is_dir():
        if members.get("act") != "create":
            raise UnavailableError(f"there is no data directory {settings.data}")
        settings.data.mkdir(mode=0o700, parents=True)
    orders = open_orders(settings.data)
    if orders.is_attended():
        value = orders.place({"do": ORDER, **members})
        if "error" in value:
            raise UnavailableError(str(value["error"]))
        return value
    from custodes.deployment.server import open_account_orders

    with open_account_orders(settings) as here:
        return here.carry_out(members)


def show(parsed: object, text: str, *, as_json: bool) -> None:
    """Print an answer: JSON as it is, or ``text``."""
    typer.echo(json.dumps(parsed) if as_json else text)
