"""``custodes stream events`` and ``correct``: whom live searches of one account saw, and wrong names put right.

In: a server, or a data directory where none runs, and whoever asks. Out: events, oldest first, a line each. Those that
come are sent by the server as they come; where the connection is lost it is opened again behind the last event.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from custodes.cli.options import DATA, DataPlaceOption, EndpointOption, JsonOption
from custodes.cli.output import print_json
from custodes.core.errors import InvalidParameterError, UnavailableError

if TYPE_CHECKING:
    from custodes.cli.client.signed import SignedClient

_AGAIN_S = 1.0
_TRIES = 60


def events_command(
    processor: Annotated[str | None, typer.Option(help="Only of this processor.")] = None,
    face: Annotated[str | None, typer.Option(help="Only of the enrolled face with this id.")] = None,
    name: Annotated[str | None, typer.Option(help="Only of faces with this external id.")] = None,
    known: Annotated[
        bool | None, typer.Option("--known/--unknown", help="Only of enrolled faces, or only of nobody known.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="A moment like now-3h or 2027-01-31T08:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="The same, before which they were.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Place behind the last event that was read.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with those that come, until interrupted.")] = False,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show whom live searches saw, oldest first, where their processors keep events. Every look is on record."""
    from custodes.cli.client.connection import open_api, signed_client
    from custodes.settings import from_environment

    if follow and until is not None:
        raise InvalidParameterError("--follow goes on: it has no --until")
    asked = {
        "ProcessorName": processor,
        "FaceId": face,
        "ExternalImageId": name,
        "Known": known,
        "Since": since,
        "Until": until,
    }
    members = {key: value for key, value in asked.items() if value is not None}
    if follow:
        for event in _coming(replace(signed_client(data, endpoint), base=""), members, after):
            _show(event, as_json=as_json)
        return
    with open_api(from_environment(data=data), endpoint) as api:
        while (page := api.call("ListStreamEvents", After=after, **members))["After"] != after:
            for event in page["Events"]:
                _show(event, as_json=as_json)
            after = page["After"]


def correct_command(
    place: Annotated[int, typer.Argument(min=1, help="Place of the event, as stream events shows it.")],
    face: Annotated[str | None, typer.Option(help="Id of the enrolled face whose person it was.")] = None,
    collection: Annotated[str | None, typer.Option(help="Where that face is. [default: that of the event]")] = None,
    unknown: Annotated[bool, typer.Option("--unknown", help="It was nobody who is known.")] = False,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who it was that an event shows. The event stays as it is; another one tells."""
    from custodes.cli.client.connection import open_api
    from custodes.settings import from_environment

    if unknown is (face is not None):
        raise InvalidParameterError("say either --face or --unknown")
    asked = {"FaceId": face, "CollectionId": collection}
    members: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
    with open_api(from_environment(data=data), endpoint) as api:
        _show(api.call("CorrectStreamEvent", Place=place, **members)["Event"], as_json=as_json)


def _coming(client: SignedClient, members: Mapping[str, Any], after: int) -> Iterator[Mapping[str, Any]]:
    """Events behind ``after`` as they come. Raises UnavailableError when the server stays away for a minute."""
    query = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in members.items()}
    misses = 0
    while True:
        try:
            for place, name, told in client.events("/custodes/v1/events", query | {"After": str(after)}):
                after, misses = int(place or after), 0
                if name == "refused":
                    raise InvalidParameterError(json.loads(told)["Message"])
                if told:
                    yield json.loads(told)
        except UnavailableError:
            misses += 1
            if misses == _TRIES:
                raise
        time.sleep(_AGAIN_S)


def _show(event: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json({name: value for name, value in event.items() if name != "Picture"})
    else:
        typer.echo(_event_line(event))


def _event_line(event: Mapping[str, Any]) -> str:
    moment = event["Timestamp"]
    when = moment if isinstance(moment, datetime) else datetime.fromtimestamp(float(moment), UTC)
    who = "somebody unknown"
    if "FaceId" in event:
        who = str(event.get("ExternalImageId") or event["FaceId"])
    if "Similarity" in event:
        who += f" at {event['Similarity']:.1f} %"
    told = f"corrects {event['Corrects']}: {who}" if "Corrects" in event else who
    return f"{event['Place']}  {when:%Y-%m-%d %H:%M:%SZ}  {event['ProcessorName']}  track {event['Track']}  {told}"
