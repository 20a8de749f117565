"""The ``custodes`` command: the table of all commands, and the border behind which no error passes.

In: arguments. Out: an exit status of ``exit_status``, and one plain line on standard error where it failed. Commands
are imported when called: a new one is a line in ``COMMANDS``.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from custodes.cli.exit_status import ExitStatus
from custodes.cli.input_files import NoSuchInputError
from custodes.cli.lazy import CommandEntry, LazyGroup
from custodes.cli.output import NothingToDoError
from custodes.core.errors import CustodesError

_SERVER, _PICTURES, _FACES = "Server", "Pictures, without a server", "Faces"
_VIDEO, _LABELS = "Stored video", "Labels of your own"
_ACCOUNTS, _RECORD, _RULES = "Accounts", "Record", "Rules and screening"

COMMANDS = (
    CommandEntry(_SERVER, "serve", "Serve the API until stopped.", "custodes.cli.server.serve:serve"),
    CommandEntry(
        _SERVER,
        "console",
        "Print a link that signs the operator in to the console.",
        "custodes.cli.server.console:console",
    ),
    CommandEntry(_SERVER, "env", "Print exports that point AWS clients at the server.", "custodes.cli.server.env:env"),
    CommandEntry(_SERVER, "tls", "Make a certificate for HTTPS on this machine.", "custodes.cli.server.tls:app"),
    CommandEntry(_SERVER, "models", "List, fetch and verify the networks.", "custodes.cli.models.models:app"),
    CommandEntry(
        _SERVER, "backup", "Back the data directory up, also while the server runs.",
        "custodes.cli.storage.backup:backup",
    ),
    CommandEntry(_SERVER, "restore", "Make a new data directory from a backup.", "custodes.cli.storage.backup:restore"),
    CommandEntry(_SERVER, "database", "Where the database is, and moving it.", "custodes.cli.storage.database:app"),
    CommandEntry(_SERVER, "version", "Show the version.", "custodes.cli.version:version"),
    CommandEntry(_PICTURES, "compare", "Compare the faces of two photos.", "custodes.cli.faces.compare:compare"),
    CommandEntry(
        _PICTURES, "analyze", "Find faces, labels and text in pictures.", "custodes.cli.pictures.analyze:analyze"
    ),
    CommandEntry(
        _PICTURES, "quality", "Check portraits against the limits of documents.", "custodes.cli.pictures.assess:quality"
    ),
    CommandEntry(
        _PICTURES, "liveness", "Score how much faces look like faces and not like prints or screens.",
        "custodes.cli.pictures.assess:liveness",
    ),
    CommandEntry(
        _PICTURES, "persons", "Count persons, and tell the colours that they wear.",
        "custodes.cli.pictures.assess:persons",
    ),
    CommandEntry(
        _LABELS, "labels", "Train labels of your own on a folder of pictures, and ask them.",
        "custodes.cli.labels.labels:app",
    ),
    CommandEntry(_FACES, "index", "Index the photos of a folder.", "custodes.cli.faces.index:index"),
    CommandEntry(_FACES, "search", "Search a collection for the face of a photo.", "custodes.cli.faces.search:search"),
    CommandEntry(_FACES, "collection", "Collections of faces.", "custodes.cli.faces.collection:app"),
    CommandEntry(_FACES, "face", "Faces of a collection: list and erase.", "custodes.cli.faces.face:app"),
    CommandEntry(
        _FACES, "person", "People in a collection, each with faces; the API's users.", "custodes.cli.faces.person:app"
    ),
    CommandEntry(
        _FACES, "retention", "Say for how long collections keep faces.", "custodes.cli.faces.retention:app"
    ),
    CommandEntry(
        _FACES, "handler", "Say once what is done with pictures, and have it done.", "custodes.cli.handlers.handler:app"
    ),
    CommandEntry(
        _FACES, "task", "Ask about whole collections: duplicates, persons, rates.", "custodes.cli.tasks.task:app"
    ),
    CommandEntry(_FACES, "migrate", "Move from other services.", "custodes.cli.migrate.migrate:app"),
    CommandEntry(
        _FACES, "subject", "Find, export and erase what is kept about somebody.", "custodes.cli.subject.subject:app"
    ),
    CommandEntry(
        _FACES, "celebrities", "Known people whom RecognizeCelebrities names.", "custodes.cli.faces.celebrities:app"
    ),
    CommandEntry(
        _FACES, "review", "Look at search results that two persons have to confirm, and decide.",
        "custodes.cli.policy.review:app",
    ),
    CommandEntry(_VIDEO, "video", "Find what is in stored videos, and who.", "custodes.cli.video.video:app"),
    CommandEntry(_VIDEO, "stream", "Connect live sources, and see what is watched.", "custodes.cli.streams.stream:app"),
    CommandEntry(_VIDEO, "job", "Watch and end jobs, like analyses of stored videos.", "custodes.cli.video.job:app"),
    CommandEntry(
        _ACCOUNTS, "account", "Open, describe, suspend and close accounts.", "custodes.cli.accounts.account:app"
    ),
    CommandEntry(_ACCOUNTS, "user", "Users of accounts, and what they may do.", "custodes.cli.accounts.user:app"),
    CommandEntry(_ACCOUNTS, "key", "Access keys of accounts and their users.", "custodes.cli.accounts.key:app"),
    CommandEntry(
        _ACCOUNTS, "role", "Roles of accounts: who may assume them, what they may do.",
        "custodes.cli.accounts.role:app",
    ),
    CommandEntry(
        _ACCOUNTS, "case", "Cases of identifications, and their authorisations.", "custodes.cli.accounts.case:app"
    ),
    CommandEntry(
        _RECORD, "ledger", "Audit the ledger, show its state, prove entries.", "custodes.cli.ledger.ledger:app"
    ),
    CommandEntry(
        _RECORD, "statement", "State what an account used, or that it used nothing.",
        "custodes.cli.ledger.statement:app",
    ),
    CommandEntry(
        _RECORD, "report", "Reports for regulators, whose every number is proven.", "custodes.cli.ledger.report:app"
    ),
    CommandEntry(
        _RECORD, "witness", "Confirm other logs, or have this one confirmed.", "custodes.cli.ledger.witness:app"
    ),
    CommandEntry(
        _RECORD, "monitor", "Watch a log from outside and raise an alarm when it contradicts itself.",
        "custodes.cli.ledger.monitor:monitor",
    ),
    CommandEntry(
        _RECORD, "incident", "Incidents of the log, and what they stop.", "custodes.cli.ledger.incident:app"
    ),
    CommandEntry(_RECORD, "receipts", "Check receipts that were kept.", "custodes.cli.ledger.receipts:app"),
    CommandEntry(
        _RECORD, "billing", "Meter, and send invoices that prove themselves.", "custodes.cli.ledger.billing:app"
    ),
    CommandEntry(_RECORD, "erasure", "Certificates of erasure.", "custodes.cli.ledger.erasure:app"),
    CommandEntry(
        _RULES, "policy", "Check policies, change the provider's rules, explain decisions.",
        "custodes.cli.policy.policy:app",
    ),
    CommandEntry(
        _RULES, "screen", "Screen an organisation: clear, review or blocked, with hits and ownership paths.",
        "custodes.cli.screening.screen:screen",
    ),
    CommandEntry(
        _RULES, "screening", "Screen customers, decide about hits.", "custodes.cli.screening.screening:app"
    ),
    CommandEntry(_RULES, "sanctions", "Sanctions lists.", "custodes.cli.screening.sanctions:app"),
)  # fmt: skip
"""Every command, by section; within one, what a newcomer needs first."""


class _Commands(LazyGroup):
    """All commands."""

    entries = COMMANDS


app = typer.Typer(
    name="custodes",
    cls=_Commands,
    help="Face recognition that speaks the Rekognition API, on your own machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

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
    except NothingToDoError as error:
        _fail(error.message, ExitStatus.NOTHING_TO_DO)
    except NoSuchInputError as error:
        _fail(error.message, ExitStatus.USAGE)
    except CustodesError as error:
        _fail(error.message)
    except KeyboardInterrupt:
        _fail("interrupted", ExitStatus.INTERRUPTED)
    except BrokenPipeError:  # the reader of our output, like head, had enough
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        told = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        _fail(told, ExitStatus.USAGE if _was_given(error) else ExitStatus.FAILED)
    except Exception as error:  # noqa: BLE001 - the last border: a defect of ours, said in one line
        _fail(f"unexpected error, please report it: {type(error).__name__}: {error}")


def _was_given(error: OSError) -> bool:
    """Whether it is about a path of the command line that is not there, or is a folder where a file is read."""
    wrong = isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError)
    return wrong and any(str(error.filename) == word.rpartition("=")[2] for word in sys.argv[1:])


def _fail(message: str, status: ExitStatus = ExitStatus.FAILED) -> None:
    print(f"custodes: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201 - this is the output
    sys.exit(int(status))
