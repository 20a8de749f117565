"""The ``custodes`` command: one file per command beside this one, and the border behind which no error passes.

In: arguments. Out: an exit status: 0 done, 1 could not be done (one plain line on standard error), 2 wrong arguments,
130 interrupted. Commands import what they need when they run, so that ``--help`` and start stay fast.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from custodes.cli import models
from custodes.cli.accounts import account, key, role, user
from custodes.cli.console import console
from custodes.cli.env import env
from custodes.cli.faces import celebrities, collection, retention
from custodes.cli.faces.compare import compare
from custodes.cli.faces.index import index
from custodes.cli.faces.search import search
from custodes.cli.ledger import billing, erasure, ledger, statement, witness
from custodes.cli.ledger.moratorium import moratorium_command
from custodes.cli.pictures.analyze import analyze
from custodes.cli.pictures.assess import liveness, quality
from custodes.cli.policy import policy, review
from custodes.cli.screening import sanctions, screening
from custodes.cli.screening.screen import screen
from custodes.cli.serve import serve
from custodes.core.errors import CustodesError

app = typer.Typer(
    name="custodes",
    help="Face recognition that speaks the Rekognition API, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (serve, console, env, analyze, compare, index, search, screen, quality, liveness):
    app.command()(command)
statement.app.command("moratorium")(moratorium_command)
for group, commands in (
    ("models", models.app),
    ("celebrities", celebrities.app),
    ("account", account.app),
    ("user", user.app),
    ("key", key.app),
    ("role", role.app),
    ("collection", collection.app),
    ("ledger", ledger.app),
    ("statement", statement.app),
    ("witness", witness.app),
    ("billing", billing.app),
    ("erasure", erasure.app),
    ("review", review.app),
    ("sanctions", sanctions.app),
    ("screening", screening.app),
    ("retention", retention.app),
    ("policy", policy.app),
):
    app.add_typer(commands, name=group)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"custodes {version('custodes')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_print_version)] = False,
) -> None:
    pass


def run() -> None:
    """Entry point of the ``custodes`` command; exits with a status, never with a stack trace."""
    try:
        app()
    except CustodesError as error:
        _fail(error.message)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except BrokenPipeError:  # the reader of our output, like head, had enough
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Exception as error:  # noqa: BLE001 - the last border: a defect of ours, said in one line
        _fail(f"unexpected error, please report it: {type(error).__name__}: {error}")


def _fail(message: str, status: int = 1) -> None:
    print(f"custodes: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201 - this is the output
    sys.exit(status)
