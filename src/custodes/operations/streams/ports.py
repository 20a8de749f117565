"""What live streams need from outside: a store of processors, sources of frames, outputs, the spelling of answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from custodes.core.box import Size
from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.engine.results.face import DetectedFace
from custodes.engine.results.label import Instance
from custodes.gallery.entities import Face
from custodes.operations.images.ports import S3Object
from custodes.video.live.destination import EventDestination
from custodes.video.live.event import StreamEvent
from custodes.video.live.processor import StreamProcessor

Stopped = Callable[[], bool]


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """A picture of a stream: uint8 RGB (height, width, 3), and when it arrived (ms since the epoch)."""

    rgb: NDArray[np.uint8]
    ts_ms: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """Which part of a stream a frame belongs to, in the words of Kinesis: ``number`` rises, times are of the frame.

    ``start_ts_ms`` is when the fragment began.
    """

    source_arn: str
    number: int
    start_ts_ms: int


@dataclass(frozen=True, slots=True)
class FaceSeen:
    """A face of a frame with enrolled ones that it resembles and their similarities in percent, best first."""

    face: DetectedFace
    matches: tuple[tuple[float, Face], ...]


@dataclass(frozen=True, slots=True)
class ThingSeen:
    """A person, pet or package of a frame: its class, where it is, and the pictures that were kept of it."""

    name: str
    instance: Instance
    frame_key: str
    crop_key: str


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event and its place in the order in which events of the store were kept; places rise."""

    place: int
    event: StreamEvent


class StreamEventStore(Protocol):
    """Keeps events. All methods raise UnavailableError when the store cannot be used."""

    def add(self, events: Sequence[StreamEvent]) -> Sequence[int]:
        """Keep all of them, or none; their places."""
        ...

    def newest(self, account_id: AccountId) -> int:
        """Place of the last event of an account, 0 for none."""
        ...

    def listing(self, account_id: AccountId, after: int, limit: int) -> Sequence[KeptEvent]:
        """Events of an account behind the place ``after``, in their order."""
        ...

    def forget(self, now_ms: int) -> int:
        """Remove what has expired; how many."""
        ...


class DestinationGoneError(UnavailableError):
    """The destination says that it wants nothing any more."""


class EventSender(Protocol):
    """Sends one event."""

    def send(self, destination: EventDestination, kept: KeptEvent, members: Mapping[str, Any]) -> None:
        """Send it; ``members`` are those of the API, as JSON has them.

        Raises:
            DestinationGoneError: it wants nothing any more.
            CustodesError or OSError: it did not take the event.
        """
        ...


class StreamProcessorStore(Protocol):
    """Keeps processors. All methods raise UnavailableError when the store cannot be used."""

    def add(self, processor: StreamProcessor, at_most: int) -> None:
        """A new one. Raises InUseError for a name that is taken, QuotaError beyond ``at_most`` of the account."""
        ...

    def find(self, account_id: AccountId, name: str) -> StreamProcessor | None:
        """One, or None."""
        ...

    def listing(self, account_id: AccountId | None, after: str = "", limit: int = 1000) -> Sequence[StreamProcessor]:
        """By name, those behind ``after``; of all accounts where none is named."""
        ...

    def keep(self, processor: StreamProcessor) -> bool:
        """Keep it, if the stored revision is the one before; False if somebody else was faster, or it is gone."""
        ...

    def remove(self, processor: StreamProcessor) -> bool:
        """Forget it, if it is still at this revision."""
        ...


class LiveSources(Protocol):
    """Frames of what the operator connected to ARNs of video streams."""

    def knows(self, source_arn: str) -> bool:
        """Whether a source stands behind ``source_arn``."""
        ...

    def frames(
        self, source_arn: str, samples_per_second: float, stopped: Stopped
    ) -> AbstractContextManager[Iterator[LiveFrame | None]]:
        """The newest frame, that often; None about ten times a second where there is none yet. Ends when ``stopped``.

        A source that is lost is opened again, for as long as it takes.

        Raises:
            NotFoundError: no source stands behind ``source_arn``.
        """
        ...


class StreamOutputs(Protocol):
    """Where results go. All methods raise UnavailableError with a message for the account."""

    def put_records(self, stream_arn: str, partition_key: str, records: Sequence[bytes]) -> None:
        """Append to a data stream, in order."""
        ...

    def put_picture(self, account_id: AccountId, place: S3Object, jpeg: bytes) -> None:
        """Keep a picture in a bucket that the account may have it written to."""
        ...

    def publish(self, topic_arn: str, subject: str, message: bytes) -> None:
        """Tell a topic."""
        ...


class StreamFormat(Protocol):
    """Spells what is told of streams as the API does."""

    def face_record(self, fragment: Fragment, frame: LiveFrame, size: Size, faces: Sequence[FaceSeen]) -> bytes:
        """A record of a data stream: one frame."""
        ...

    def labels_message(
        self, processor: StreamProcessor, fragment: Fragment, frame: LiveFrame, size: Size, things: Sequence[ThingSeen]
    ) -> bytes:
        """A message that something was seen."""
        ...

    def complete_message(self, processor: StreamProcessor, watched_ms: int, result: str) -> bytes:
        """A message that a session is over."""
        ...
