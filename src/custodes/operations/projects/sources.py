"""Training and test data of a version: read from datasets or manifests, split where asked for, kept with the version.

In: a version. Out: its entries; errors of lines that only a look at the picture finds. What was read once is kept until
the training ends, so that a dataset that changes meanwhile changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from custodes.core.errors import CustodesError, ImageTooLargeError, InvalidParameterError, ObjectStoreError
from custodes.imaging.image import Image, decode, read_header
from custodes.operations.images.ports import ObjectStore, S3Object
from custodes.operations.images.sources import MAX_OBJECT_BYTES
from custodes.operations.projects.arns import key_of_path
from custodes.operations.projects.datasets import MAX_MANIFEST_BYTES
from custodes.operations.projects.records import ProjectRecords
from custodes.operations.requests.context import Caller
from custodes.projects.content import split_error
from custodes.projects.entities import DatasetKey, ProjectFeature, S3Place, Version
from custodes.projects.manifest import MAX_ASPECT, MAX_SIDE_PX, MIN_SIDE_PX, ManifestLine, read_manifest
from custodes.projects.split import test_places

TRAIN, TEST = "entries.train", "entries.test"


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Entries to train and to test on; ``error`` is the code of what keeps them from being split."""

    train: tuple[ManifestLine, ...]
    test: tuple[ManifestLine, ...]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class UnusablePicture:
    """Why a picture cannot be used, as the code of its line; ``unread`` where its bucket did not give it at all."""

    code: str
    unread: bool = False


class ManifestUnreadableError(InvalidParameterError):
    """A manifest that cannot be read at all: the training ends with its message."""


class TrainingSources:
    """Reads what versions are trained on."""

    def __init__(self, records: ProjectRecords, objects: ObjectStore) -> None:
        """Entries are in ``records`` or in manifests in ``objects``; so are pictures."""
        self._records = records
        self._objects = objects

    def read(self, caller: Caller, version: Version) -> TrainingData:
        """All entries. Raises ManifestUnreadableError."""
        if version.train:
            adapter = version.feature is ProjectFeature.CONTENT_MODERATION
            train = [entry for place in version.train for entry in self._manifest(place, adapter=adapter)]
            if version.auto_split:
                return _split(train)
            test = [entry for place in version.test for entry in self._manifest(place, adapter=adapter)]
            return TrainingData(tuple(train), tuple(test))
        first, second = (self._entries(caller, path) for path in version.datasets)
        return TrainingData(first, second)

    def keep(self, version: Version, data: TrainingData) -> None:
        """Keep entries with the version."""
        store = self._records.store
        store.put_part(version.key, TRAIN, "\n".join(entry.text for entry in data.train).encode())
        store.put_part(version.key, TEST, "\n".join(entry.text for entry in data.test).encode())

    def kept(self, version: Version) -> TrainingData:
        """What ``keep`` kept."""
        adapter = version.feature is ProjectFeature.CONTENT_MODERATION
        texts = [self._records.store.part(version.key, name) or b"" for name in (TRAIN, TEST)]
        train, test = (tuple(read_manifest(text.decode(), adapter=adapter)) for text in texts)
        return TrainingData(train, test)

    def picture(self, entry: ManifestLine) -> Image | UnusablePicture:
        """The picture of an entry, or what is wrong with it."""
        bucket, name = entry.place
        try:
            data = self._objects.read(S3Object(bucket, name), MAX_OBJECT_BYTES)
            head = read_header(data)
            image = decode(data, head=head)
        except ImageTooLargeError:
            return UnusablePicture("ERROR_INVALID_IMAGE_DIMENSION")
        except ObjectStoreError:
            return UnusablePicture("ERROR_INVALID_IMAGE", unread=True)
        except CustodesError:
            return UnusablePicture("ERROR_INVALID_IMAGE")
        width, height = image.size.width, image.size.height
        short, long = min(width, height), max(width, height)
        if short < MIN_SIDE_PX or max(head.size.width, head.size.height) > MAX_SIDE_PX or long > MAX_ASPECT * short:
            return UnusablePicture("ERROR_INVALID_IMAGE_DIMENSION")
        if entry.size is not None and entry.boxes and entry.size != (width, height):
            return UnusablePicture("ERROR_INVALID_IMAGE_DIMENSION")
        return image

    def _entries(self, caller: Caller, path: str) -> tuple[ManifestLine, ...]:
        key = key_of_path(caller.account_id, path)
        assert isinstance(key, DatasetKey)
        self._records.dataset(key)
        return tuple(found.entry for found in self._records.store.entries(key))

    def _manifest(self, place: S3Place, *, adapter: bool) -> Sequence[ManifestLine]:
        try:
            data = self._objects.read(S3Object(place.bucket, place.name, place.version), MAX_MANIFEST_BYTES)
            text = data.decode("utf-8")
        except ImageTooLargeError as error:
            raise ManifestUnreadableError("The manifest file size exceeds the maximum supported size.") from error
        except ObjectStoreError as error:
            raise ManifestUnreadableError(
                "The manifest file cannot be read: check the S3 bucket's permissions."
            ) from error
        except UnicodeDecodeError as error:
            raise ManifestUnreadableError("The manifest file extension or contents are invalid.") from error
        if not text.strip():
            raise ManifestUnreadableError("The manifest file is empty.")
        return list(read_manifest(text, adapter=adapter))


def _split(entries: Sequence[ManifestLine]) -> TrainingData:
    code = split_error(entries)
    if code is not None:
        return TrainingData(tuple(entries), (), code)
    places = frozenset(test_places([entry.label_names for entry in entries]))
    train = tuple(entry for place, entry in enumerate(entries) if place not in places)
    return TrainingData(train, tuple(entry for place, entry in enumerate(entries) if place in places))
