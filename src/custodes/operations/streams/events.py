"""Whom live searches saw, kept where a processor says so: each look at it on record, wrong names put right.

In: a command with a place to go on from, or a correction. Out: events in their order, and the place behind the last;
the event that corrects. A processor keeps events from when it has the tag ``custodes:events`` with a number of days;
without it nobody's picture is kept. An event of a face that was erased since says no more who it was. Operations of our
own: the API has none for it.
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
from custodes.video.live.event import EventKind, StreamEvent

TAG = "custodes:events"
HANDLER_TAG = "custodes:handler"
"""Tag of a processor with the name of a handler that the picture of each of its events is given to."""
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
        processor, source_arn: only of this processor, only of this stream.
        face_id, external_image_id: only of this enrolled face, only of faces with this external id.
        known: only of enrolled faces, or only of nobody known.
        kind: only of this kind.
        since_ts_ms, until_ts_ms: only those since then, only those before then.
        min_similarity_pct: only faces at least that alike.
        tag: only those with this tag.
        destination: of the operator's, that they are sent to; None for whoever asks.
        max_results: at most so many.
    """

    operation: ClassVar[str] = "ListStreamEvents"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=False)
    after: int = 0
    processor: str | None = None
    source_arn: str | None = None
    face_id: str | None = None
    external_image_id: str | None = None
    known: bool | None = None
    kind: EventKind | None = None
    since_ts_ms: int = 0
    until_ts_ms: int | None = None
    min_similarity_pct: float = 0.0
    tag: str | None = None
    destination: str | None = None
    max_results: int = MAX_LISTED

    def facts(self) -> Mapping[str, object]:
        """Where they are sent to."""
        return {} if self.destination is None else {"destination": self.destination}

    def wants(self, event: StreamEvent) -> bool:
        """Whether ``event`` is among those asked for."""
        asked = (
            (self.processor, event.processor),
            (self.source_arn, event.source_arn),
            (self.face_id, event.face_id),
            (self.external_image_id, event.external_image_id),
            (self.known, event.is_known),
            (self.kind, event.kind),
        )
        return (
            all(wanted is None or wanted == found for wanted, found in asked)
            and self.since_ts_ms <= event.ts_ms
            and (self.until_ts_ms is None or event.ts_ms < self.until_ts_ms)
            and (self.tag is None or self.tag in event.tags)
            and (self.destination is None or event.destinations is None or self.destination in event.destinations)
            and self.min_similarity_pct <= (event.similarity_pct or 0.0)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectStreamEvent(Command):
    """Say who it was that an event shows; the event stays, another one tells.

    Attributes:
        place: of the event.
        face_id: of the enrolled face whose person it was; None for nobody known.
        collection_id: where that face is; None for the collection of the event.
    """

    operation: ClassVar[str] = "CorrectStreamEvent"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=True)
    place: int
    face_id: str | None = None
    collection_id: str | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, and the place to go on from: that of the last one, or what was asked for where there is none."""

    events: Sequence[KeptEvent]
    after: int


class StreamEvents:
    """Handles the operations. Raises NotSupportedError where there are no live streams."""

    def __init__(self, gallery: Gallery, events: StreamEventStore | None) -> None:
        """Read ``events``; without any, every request is refused."""
        self._gallery = gallery
        self._events = events

    def listing(self, permit: Permit, command: ListStreamEvents) -> EventPage:
        """One page."""
        account_id = permit.context.caller.account_id
        limit, after = min(command.max_results, MAX_LISTED), command.after
        found: list[KeptEvent] = []
        while len(found) < limit:
            kept = self._store.listing(account_id, after, limit)
            if not kept:
                break
            after = kept[-1].place
            shown = self._shown(account_id, kept, permit.context.ts_ms)
            found += [one for one in shown if command.wants(one.event)][: limit - len(found)]
        last = found[-1].place if len(found) == limit else after
        permit.tally.add(events_shown=len(found))
        return EventPage(found, last)

    def correct(self, permit: Permit, command: CorrectStreamEvent) -> KeptEvent:
        """The event that tells it.

        Raises:
            NotFoundError: no such event, or no such face.
            InvalidParameterError: the event is a correction itself.
        """
        account_id = permit.context.caller.account_id
        found = self._store.listing(account_id, command.place - 1, 1)
        if not found or found[0].place != command.place or found[0].event.expires_ts_ms <= permit.context.ts_ms:
            raise NotFoundError(f"There is no event at place {command.place}.")
        wrong = found[0].event
        if wrong.kind is EventKind.CORRECTED:
            raise InvalidParameterError("Request has invalid parameters: correct the event that the correction is of.")
        collection = command.collection_id or wrong.collection_id
        who = None
        if command.face_id is not None:
            who = self._face(CollectionKey(account_id, CollectionId(collection)), FaceId(command.face_id))
        event = wrong.corrected(command.place, who, collection, permit.slot.index)
        (place,) = self._store.add([event])
        permit.tally.add(events_corrected=1)
        permit.tally.facts["collection"] = collection
        return KeptEvent(place, event)

    def newest(self, account_id: AccountId) -> int:
        """Place of the last event of an account, 0 for none: whether there is anything to ask for, and no more."""
        return self._store.newest(account_id)

    @property
    def _store(self) -> StreamEventStore:
        if self._events is None:
            raise NotSupportedError("This server was put together without live streams.")
        return self._events

    def _face(self, key: CollectionKey, face_id: FaceId) -> tuple[str, str | None]:
        face = self._gallery.faces_by_id(key, [face_id]).get(face_id)
        if face is None:
            raise NotFoundError("There is no such face in the collection.")
        return str(face_id), face.external_image_id

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
