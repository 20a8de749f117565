"""ListStreamEvents: whom live searches of an account saw, kept where a processor says so, each look at them on record.

In: a command with a place to go on from. Out: events in their order, and the place behind the last. A processor keeps
events from when it carries the tag ``custodes:events`` with a number of days; without it nobody's picture is kept. An
event of a face that was erased since says no more who it was. An operation of our own: the API has none for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.errors import InvalidParameterError, NotFoundError, NotSupportedError
from custodes.core.ids import AccountId, CollectionId, FaceId
from custodes.gallery.entities import CollectionKey
from custodes.operations.collections.ports import Gallery
from custodes.operations.requests.command import Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals
from custodes.operations.streams.ports import KeptEvent, StreamEventStore
from custodes.video.live.event import StreamEvent

TAG = "custodes:events"
MAX_DAYS = 365
DAY_MS = 86_400_000
MAX_LISTED = 200


def kept_days(tags: Mapping[str, str]) -> int:
    """For how many days a processor keeps events; 0 for none. Raises InvalidParameterError for what is no number."""
    told = tags.get(TAG)
    if told is None:
        return 0
    if not (told.isascii() and told.isdigit() and 1 <= int(told) <= MAX_DAYS):
        raise InvalidParameterError(f"the tag {TAG} is a number of days from 1 to {MAX_DAYS}")
    return int(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStreamEvents(Command):
    """Events of the account, oldest first.

    Attributes:
        after: place behind the last event that was read; 0 for the first.
        processor, face_id: only of this processor, only of this enrolled face.
        since_ts_ms: only those since then.
        max_results: at most so many.
    """

    operation: ClassVar[str] = "ListStreamEvents"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=False)
    after: int = 0
    processor: str | None = None
    face_id: str | None = None
    since_ts_ms: int = 0
    max_results: int = MAX_LISTED


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, and the place to go on from: that of the last one, or what was asked for where there is none."""

    events: Sequence[KeptEvent]
    after: int


class StreamEvents:
    """Handles the operation."""

    def __init__(self, gallery: Gallery, events: StreamEventStore | None) -> None:
        """Read ``events``; without any, every request is refused."""
        self._gallery = gallery
        self._events = events

    def listing(self, permit: Permit, command: ListStreamEvents) -> EventPage:
        """One page."""
        if self._events is None:
            raise NotSupportedError("This server was put together without live streams.")
        account_id = permit.context.caller.account_id
        limit, after = min(command.max_results, MAX_LISTED), command.after
        found: list[KeptEvent] = []
        while len(found) < limit:
            kept = self._events.listing(account_id, after, limit)
            if not kept:
                break
            after = kept[-1].place
            shown = self._shown(account_id, kept, permit.context.ts_ms)
            found += [one for one in shown if _wanted(command, one.event)][: limit - len(found)]
        last = found[-1].place if len(found) == limit else after
        permit.tally.add(events_shown=len(found))
        return EventPage(found, last)

    def _shown(self, account_id: AccountId, kept: Sequence[KeptEvent], now_ms: int) -> list[KeptEvent]:
        """Those that are not forgotten, without names of faces that are gone."""
        fresh = [one for one in kept if one.event.expires_ts_ms > now_ms]
        by_collection: dict[str, set[FaceId]] = {}
        for one in fresh:
            if one.event.face_id is not None:
                by_collection.setdefault(one.event.collection_id, set()).add(FaceId(one.event.face_id))
        there = {
            (collection, face_id)
            for collection, ids in by_collection.items()
            for face_id in self._there(CollectionKey(account_id, CollectionId(collection)), sorted(ids))
        }
        return [
            one
            if one.event.face_id is None or (one.event.collection_id, one.event.face_id) in there
            else KeptEvent(one.place, one.event.anonymous())
            for one in fresh
        ]

    def _there(self, key: CollectionKey, ids: Sequence[FaceId]) -> Sequence[FaceId]:
        try:
            return tuple(self._gallery.faces_by_id(key, ids))
        except NotFoundError:  # the collection is gone, and everybody with it
            return ()


def _wanted(command: ListStreamEvents, event: StreamEvent) -> bool:
    return (
        event.ts_ms >= command.since_ts_ms
        and command.processor in (None, event.processor)
        and command.face_id in (None, event.face_id)
    )
