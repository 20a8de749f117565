"""Live streams: processors of the account, started and stopped, and the events that they kept.

In: visits. Out: views over operations on stream processors and over ListStreamEvents, which is one use on record for
each look. The page of events asks again by itself, from the place behind the last.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from custodes.console.visit import GoTo, View, Visit
from custodes.console.web.rendering import segment
from custodes.core.errors import InvalidParameterError

PAGE_SIZE = 50
EVENTS_SHOWN = 50
LISTING = ("ListStreamProcessors",)
ONE = ("DescribeStreamProcessor", "ListTagsForResource")
_MOVES = {"start": "StartStreamProcessor", "stop": "StopStreamProcessor", "delete": "DeleteStreamProcessor"}
MOVING = ("DescribeStreamProcessor", *_MOVES.values())
EVENTS = ("ListStreamEvents",)
_WATCH_S = 120
"""For how long a processor looks for labels; it ends by itself then."""


def listing(visit: Visit) -> View:
    """All processors."""
    found = visit.api("ListStreamProcessors", MaxResults=PAGE_SIZE, NextToken=visit.query.get("after"))
    values = {"processors": found["StreamProcessors"], "after": found.get("NextToken")}
    return View("streams.html", {**values, "continued": "after" in visit.query})


def show(visit: Visit) -> View:
    """One processor."""
    facts = visit.api("DescribeStreamProcessor", Name=visit.path["processor"])
    tags = visit.api("ListTagsForResource", ResourceArn=facts["StreamProcessorArn"])["Tags"]
    return View("stream.html", {"facts": facts, "tags": tags})


def move(visit: Visit) -> GoTo:
    """Start, stop or delete one."""
    name, operation = visit.path["processor"], _MOVES.get(visit.form.text("move"))
    if operation is None:
        raise InvalidParameterError("A processor is started, stopped or deleted.")
    more: dict[str, Any] = {}
    if operation == "StartStreamProcessor":
        settings = visit.api("DescribeStreamProcessor", Name=name)["Settings"]
        if "ConnectedHome" in settings:
            now_ms = visit.parts.clock.now_ms()
            more["StartSelector"] = {"KVSStreamStartSelector": {"ProducerTimestamp": now_ms}}
            more["StopSelector"] = {"MaxDurationInSeconds": _WATCH_S}
    visit.api(operation, Name=name, **more)
    return GoTo("/console/streams" if operation == "DeleteStreamProcessor" else f"/console/streams/{segment(name)}")


def events(visit: Visit) -> View:
    """Events from a place on, oldest first; a day's at first."""
    after, name = visit.query.get("from", ""), visit.query.get("processor") or None
    place = int(after) if after.isascii() and after.isdigit() and len(after) < 18 else None
    since = "now-1d" if place is None else None
    found = visit.api("ListStreamEvents", After=place, Since=since, ProcessorName=name, MaxResults=EVENTS_SHOWN)
    shown = [
        {**one, "Picture": b64encode(one["Picture"]).decode() if one.get("Picture") else ""} for one in found["Events"]
    ]
    values = {"events": shown, "after": found["After"], "processor": name or "", "full": len(shown) == EVENTS_SHOWN}
    return View("stream_events.html", {**values, "continued": place is not None})
