"""ListStreamEvents and CorrectStreamEvent between members of our own model and commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from custodes.core.errors import InvalidParameterError
from custodes.edge.aws.model import load_service
from custodes.edge.aws.serialize import serialize
from custodes.edge.aws.translate.route import Output, Params
from custodes.edge.aws.wire import Handler
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Gate
from custodes.operations.requests.receipts import Released
from custodes.operations.streams.events import (
    MAX_LISTED,
    CorrectStreamEvent,
    EventPage,
    ListStreamEvents,
    StreamEvents,
)
from custodes.operations.streams.ports import KeptEvent
from custodes.video.live.event import EventKind

_RELATIVE = re.compile(r"now-(\d{1,6})([smhd])")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def handlers(gate: Gate, events: StreamEvents) -> dict[str, Handler]:
    """The handlers by operation."""
    return {
        "ListStreamEvents": partial(_list, gate, events),
        "CorrectStreamEvent": partial(_correct, gate, events),
    }


def _list(gate: Gate, events: StreamEvents, context: Context, params: Params) -> Released[Params]:
    command = events_command(params, context.ts_ms)
    return gate.perform(context, command, events.listing).map(events_output)


def _correct(gate: Gate, events: StreamEvents, context: Context, params: Params) -> Released[Params]:
    command = CorrectStreamEvent(
        place=params["Place"], face_id=params.get("FaceId"), collection_id=params.get("CollectionId")
    )
    return gate.perform(context, command, events.correct).map(lambda kept: {"Event": event_output(kept)})


def events_command(params: Params, now_ms: int) -> ListStreamEvents:
    """Parameters of ListStreamEvents; ``Since`` and ``Until`` are like ``now-3h`` or a moment in ISO 8601."""
    return ListStreamEvents(
        after=params.get("After", 0),
        processor=params.get("ProcessorName"),
        source_arn=params.get("StreamArn"),
        face_id=params.get("FaceId"),
        external_image_id=params.get("ExternalImageId"),
        known=params.get("Known"),
        kind=EventKind(params["Kind"]) if "Kind" in params else None,
        since_ts_ms=moment_ms("Since", params["Since"], now_ms) if "Since" in params else 0,
        until_ts_ms=moment_ms("Until", params["Until"], now_ms) if "Until" in params else None,
        tag=params.get("Tag"),
        min_similarity_pct=params.get("MinSimilarity", 0.0),
        max_results=params.get("MaxResults", MAX_LISTED),
    )


def events_output(page: EventPage) -> Output:
    """Output of ListStreamEvents."""
    return {"Events": [event_output(one) for one in page.events], "After": page.after}


def event_output(one: KeptEvent) -> Output:
    """One event, as in the output of ListStreamEvents."""
    event = one.event
    left, top, width, height = event.box
    output: Output = {
        "Place": one.place,
        "Kind": event.kind.value,
        "Timestamp": datetime.fromtimestamp(event.ts_ms / 1000, UTC),
        "ProcessorName": event.processor,
        "StreamArn": event.source_arn,
        "SessionId": event.session_id,
        "Track": event.track,
        "BoundingBox": {"Left": left, "Top": top, "Width": width, "Height": height},
        "Confidence": event.confidence_pct,
        "CollectionId": event.collection_id,
    }
    known = {
        "Corrects": event.corrects,
        "Tags": list(event.tags) or None,
        "FaceId": event.face_id,
        "ExternalImageId": event.external_image_id,
        "Similarity": event.similarity_pct,
        "Picture": event.picture or None,
        "LedgerIndex": event.ledger_index,
    }
    return output | {name: value for name, value in known.items() if value is not None}


def event_members(kept: KeptEvent) -> Mapping[str, Any]:
    """One event as JSON of the API has it."""
    page = serialize({"Events": [event_output(kept)]}, load_service().known["ListStreamEvents"])
    found: Mapping[str, Any] = orjson.loads(page)["Events"][0]
    return found


def moment_ms(name: str, text: str, now_ms: int) -> int:
    """A moment like ``now-3h`` or in ISO 8601, in ms since the epoch. Raises InvalidParameterError naming ``name``."""
    relative = _RELATIVE.fullmatch(text)
    if relative is not None:
        return now_ms - int(relative[1]) * _UNIT_MS[relative[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidParameterError(f"{name} is a moment like now-3h or 2027-01-31T08:00:00+01:00") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
