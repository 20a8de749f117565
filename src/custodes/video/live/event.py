"""What a live search saw of one person, kept for its account. In: sightings. Out: a frozen row, and its bytes.

An event never changes: a person of whom more becomes known later has another event of the same track, and a wrong name
is put right by another event. Where it stands in the record of use is part of it, so that no event exists without a
use.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

import orjson

from custodes.core.ids import AccountId


class EventKind(StrEnum):
    """What an event tells; values are those of the API."""

    SEEN = "SEEN"
    """A camera saw somebody."""
    CORRECTED = "CORRECTED"
    """Somebody says who it was that an earlier event shows, or that it was nobody who is known."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event.

    Attributes:
        account_id: whose.
        processor, session_id, source_arn: of the search.
        track: which person of the session, in order of appearance.
        ts_ms: of the picture.
        expires_ts_ms: when it is forgotten.
        box: left, top, width, height as ratios of the picture.
        confidence_pct: that it is a face.
        collection_id: that was searched.
        face_id, external_image_id, similarity_pct: of the enrolled face that the person resembles most; None for
            somebody unknown.
        picture: JPEG of the face; empty for none.
        ledger_index: of the use that it was seen in; of a correction, of the permission to make it.
        kind: see there.
        corrects: place of the event that this one corrects.
        tags: that a handler gave it.
        destinations: names of those that it may be sent to; None for all.
    """

    account_id: AccountId
    processor: str
    session_id: str
    source_arn: str
    track: int
    ts_ms: int
    expires_ts_ms: int
    box: tuple[float, float, float, float]
    confidence_pct: float
    collection_id: str
    face_id: str | None = None
    external_image_id: str | None = None
    similarity_pct: float | None = None
    picture: bytes = field(default=b"", repr=False)
    ledger_index: int | None = None
    kind: EventKind = EventKind.SEEN
    corrects: int | None = None
    tags: tuple[str, ...] = ()
    destinations: tuple[str, ...] | None = None

    @property
    def is_known(self) -> bool:
        """Whether it says who it was."""
        return self.face_id is not None

    def corrected(
        self, place: int, who: tuple[str, str | None] | None, collection_id: str, ledger_index: int
    ) -> StreamEvent:
        """The event that corrects this one at ``place``.

        ``who`` is the id and the external id of an enrolled face of ``collection_id``, or None for nobody known. How
        alike they are was not measured, and the picture stays where it is.
        """
        return replace(
            self,
            kind=EventKind.CORRECTED,
            corrects=place,
            collection_id=collection_id,
            face_id=None if who is None else who[0],
            external_image_id=None if who is None else who[1],
            similarity_pct=None,
            picture=b"",
            ledger_index=ledger_index,
        )

    def anonymous(self) -> StreamEvent:
        """The same without who it was, and without the picture: of a face that was erased."""
        return replace(self, face_id=None, external_image_id=None, similarity_pct=None, picture=b"")


def encode_event(event: StreamEvent) -> bytes:
    """All of ``event``."""
    return orjson.dumps({**asdict(event), "picture": base64.b64encode(event.picture).decode()})


def decode_event(data: bytes) -> StreamEvent:
    """What ``encode_event`` gave."""
    value = orjson.loads(data)
    value["picture"] = base64.b64decode(value["picture"])
    read = {
        "account_id": AccountId(value["account_id"]),
        "box": tuple(value["box"]),
        "kind": EventKind(value.get("kind", EventKind.SEEN)),
        "tags": tuple(value.get("tags", ())),
        "destinations": None if value.get("destinations") is None else tuple(value["destinations"]),
    }
    return StreamEvent(**value | read)
