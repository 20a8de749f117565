"""What stored video needs from outside: objects as files, facts of files, the record of charges, a spelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from custodes.core.box import BoxRatio, Size
from custodes.engine.results.face import DetectedFace
from custodes.engine.results.label import Label
from custodes.engine.results.moderation import Concern, ContentKind
from custodes.engine.results.text import TextFound
from custodes.gallery.celebrities import Celebrity
from custodes.jobs.job import JobId
from custodes.operations.images.attributes import Attributes
from custodes.operations.images.ports import S3Object
from custodes.video.formats.facts import VideoFacts

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """An object as it is now: its length, and a tag that changes with its content."""

    size_bytes: int
    tag: str


class LargeObjects(Protocol):
    """Objects of buckets that are too large for memory."""

    def version(self, source: S3Object) -> ObjectVersion:
        """Length and tag. Raises ObjectStoreError when the object cannot be read."""
        ...

    def copy(self, source: S3Object, version: ObjectVersion, out: BinaryIO) -> None:
        """Write the bytes of ``version`` to ``out``.

        Raises:
            ObjectStoreError: it cannot be read, or the object is not ``version`` any more.
        """
        ...


class VideoObjects(Protocol):
    """Objects of buckets as files on this machine."""

    def version(self, source: S3Object) -> ObjectVersion:
        """Length and tag. Raises ObjectStoreError when the object cannot be read."""
        ...

    def obtain(self, job_id: JobId, source: S3Object, version: ObjectVersion) -> Path:
        """The object's bytes in a file that belongs to the job; the same file when asked again.

        Raises:
            ObjectStoreError: it cannot be read, or is not ``version`` any more.
            UnavailableError: the file cannot be written.
        """
        ...

    def drop(self, job_id: JobId) -> None:
        """The job is over: remove its file. Harmless when there is none."""
        ...


class VideoProbe(Protocol):
    """Reads the structure of video files."""

    def facts(self, path: Path) -> VideoFacts:
        """Raises VideoFormatError or VideoTooLargeError for what is not decoded."""
        ...


class ChargedParts(Protocol):
    """Looks up in the record of use whether a part of a job was charged before."""

    def charged(self, job_id: JobId, part: int, since_ts_ms: int) -> bool:
        """Whether a use of this part with units is on record since then."""
        ...


class ResultFormat(Protocol):
    """Spells results as the API does. What was found is kept in this form, as it is read back many times."""

    def face(self, face: DetectedFace, size: Size, attributes: Attributes) -> Item:
        """All that was asked about a face."""
        ...

    def box(self, box: BoxRatio) -> Item:
        """A box."""
        ...

    def label(self, label: Label, size: Size) -> Item:
        """A label with its instances."""
        ...

    def moderation(self, concern: Concern) -> Item:
        """A moderation label."""
        ...

    def kinds(self, kinds: Sequence[ContentKind]) -> list[Item]:
        """Kinds of content."""
        ...

    def text(self, found: TextFound) -> list[Item]:
        """All lines and words of one frame."""
        ...

    def celebrity(self, person: Celebrity, face: DetectedFace, size: Size, confidence_pct: float) -> Item:
        """A known person."""
        ...


@dataclass(frozen=True, slots=True)
class NothingCharged:
    """Stands where there is no record: no part was ever charged."""

    def charged(self, job_id: JobId, part: int, since_ts_ms: int) -> bool:  # noqa: ARG002 - the port's signature
        """False."""
        return False
