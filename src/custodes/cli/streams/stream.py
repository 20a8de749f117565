"""``custodes stream``: live sources behind the ARNs that tenants name, what is watched, and whom it saw.

In: a data directory. Out: sources without their passwords; processors of all accounts with their states. Works while a
server runs. Events are in ``events``.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show
from custodes.cli.streams import destination
from custodes.cli.streams.events import correct_command, events_command

app = typer.Typer(help="Connect live sources, and see what is watched.", no_args_is_help=True)
source_app = typer.Typer(help="Sources behind the ARNs that tenants name.", no_args_is_help=True)
app.add_typer(source_app, name="source")
app.add_typer(destination.app, name="destination")
app.command("events")(events_command)
app.command("correct")(correct_command)

ArnArgument = Annotated[str, typer.Argument(help="ARN of the Kinesis video stream that tenants name.")]


@app.command("list")
def list_command(
    account: Annotated[str | None, typer.Option("--account", help="Whose. [default: of all accounts]")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show stream processors: what each looks for, its state, and why it failed."""
    found = ask(data, "stream list", account=account)["processors"]
    lines = [
        f"{one['account']}  {one['name']}  {one['task']}  {one['state']} since {_time(one['since_ts_ms'])}"
        + (f"  {one['message']}" if one["message"] else "")
        for one in found
    ]
    show(found, "\n".join(lines), as_json=as_json, none="no stream processors")


@source_app.command("list")
def list_sources_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show sources; passwords are not shown."""
    found = ask(data, "stream source list")["sources"]
    lines = [f"{one['arn']}  {one['url']}" + (f"  as {one['user']}" if one["user"] else "") for one in found]
    show(found, "\n".join(lines), as_json=as_json, none="no sources")


@source_app.command("set")
def set_source_command(
    arn: ArnArgument,
    url: Annotated[str, typer.Argument(help="rtsp://, rtsps://, http://, https:// or file:///PATH.")],
    user: Annotated[str | None, typer.Option(help="User of the source.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read its password from input.")] = False,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Connect a source to an ARN, over what was there. The password is kept sealed and never shown again."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    answer = ask(data, "stream source set", arn=arn, url=url, user=user, password=password)
    show(answer, f"{answer['url']} stands behind {arn}", as_json=as_json)


@source_app.command("remove")
def remove_source_command(arn: ArnArgument, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Take a source away. Processors that watch it go on until they open it again."""
    answer = ask(data, "stream source remove", arn=arn)
    show(answer, f"no source stands behind {arn} any more", as_json=as_json)


def _time(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
