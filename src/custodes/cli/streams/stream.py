"""``custodes stream``: live sources behind the ARNs that tenants name, what is watched, and whom it saw.

In: a data directory; for events, a server and whoever asks it. Out: sources without their passwords; processors of all
accounts with their states; events of one account. Works while a server runs.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, DataPlaceOption, EndpointOption, JsonOption
from custodes.cli.output import show

app = typer.Typer(help="Connect live sources, and see what is watched.", no_args_is_help=True)
source_app = typer.Typer(help="Sources behind the ARNs that tenants name.", no_args_is_help=True)
app.add_typer(source_app, name="source")

_FOLLOW_S = 1.0

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


@app.command("events")
def events_command(
    processor: Annotated[str | None, typer.Option(help="Only of this processor.")] = None,
    since: Annotated[str | None, typer.Option(help="A moment like now-3h or 2027-01-31T08:00:00Z.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Place behind the last event that was read.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with those that come, until interrupted.")] = False,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show whom live searches saw, oldest first, where their processors keep events. Every look is on record."""
    from custodes.cli.client.connection import open_api
    from custodes.settings import from_environment

    members = {"ProcessorName": processor, "Since": since}
    asked: dict[str, Any] = {name: value for name, value in members.items() if value is not None}
    with open_api(from_environment(data=data), endpoint) as api:
        while True:
            page = api.call("ListStreamEvents", After=after, **asked)
            for event in page["Events"]:
                typer.echo(_event_json(event) if as_json else _event_line(event))
            if page["After"] == after and not follow:
                return
            if page["After"] == after:
                time.sleep(_FOLLOW_S)
            after = page["After"]


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


def _event_json(event: Mapping[str, Any]) -> str:
    """One line; the picture stays out."""
    return json.dumps({name: value for name, value in event.items() if name != "Picture"}, default=str)


def _event_line(event: Mapping[str, Any]) -> str:
    moment = event["Timestamp"]
    when = moment if isinstance(moment, datetime) else datetime.fromtimestamp(float(moment), UTC)
    who = "somebody unknown"
    if "FaceId" in event:
        who = f"{event.get('ExternalImageId') or event['FaceId']} at {event['Similarity']:.1f} %"
    return f"{event['Place']}  {when:%Y-%m-%d %H:%M:%SZ}  {event['ProcessorName']}  track {event['Track']}  {who}"


def _time(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
