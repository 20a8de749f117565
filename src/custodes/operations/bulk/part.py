"""One part of a bulk enrolment: 64 pictures under one permission, as one entry on record.

In: keys of pictures. Out: how many faces they have in the collection now, and which pictures were left out. Pictures
are read here and sent to workers, who see them, the number of a slot and nothing else; what comes back is added here.
The entry has the number of pictures that were looked at, or none where they were charged before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError, ImageTooLargeError, ObjectStoreError, UnavailableError
from custodes.core.ids import ExternalImageId, RequestId, image_id
from custodes.engine.ports import FaceEngine
from custodes.gallery.entities import CollectionKey
from custodes.jobs.executor import Executor, in_order
from custodes.jobs.job import JobId
from custodes.jobs.ports import JobStore
from custodes.operations.bulk.look import LOOK, LookUnit, SeenPicture, read_result, write_unit
from custodes.operations.bulk.names import acceptable
from custodes.operations.collections.enrol import EmbeddedFace, FaceOperations
from custodes.operations.collections.ports import Gallery
from custodes.operations.collections.thumbnails import ON, TAG
from custodes.operations.images.ports import ObjectStore, S3Object
from custodes.operations.images.scale import require_same_model
from custodes.operations.images.sources import MAX_OBJECT_BYTES
from custodes.operations.requests.context import Context, Origin
from custodes.operations.requests.gate import Gate, Permit
from custodes.operations.tasks.commands import NameBy, StartBulkEnrolment
from custodes.operations.tasks.findings import LeftOut
from custodes.operations.tasks.ports import Executors, ObjectLister
from custodes.operations.tasks.run import TaskRequest
from custodes.operations.video.ports import ChargedParts

PICTURES_A_PART = 64
PICTURES_A_UNIT = 8
"""A fifth of a second and more for one core: handing over costs a hundredth of that."""
_READERS = 8


@dataclass(frozen=True, slots=True)
class BulkParts:
    """What an enrolment needs.

    Attributes:
        objects, lister: read pictures.
        jobs: keeps what was listed.
        charged: whether a part was charged before.
        executors: who computes.
        request_ids: gives an id to each part.
    """

    engine: FaceEngine
    gallery: Gallery
    enrolment: FaceOperations
    objects: ObjectStore
    lister: ObjectLister
    jobs: JobStore
    charged: ChargedParts
    executors: Executors
    clock: Clock
    request_ids: Callable[[], RequestId]


@dataclass(frozen=True, slots=True)
class PartDone:
    """What became of a part: its pictures, the faces that they have in the collection, those without one."""

    pictures: int
    faces: int
    left_out: tuple[LeftOut, ...]


class EnrolmentPart:
    """Parts of one enrolment."""

    def __init__(self, gate: Gate, parts: BulkParts, request: TaskRequest, executor: Executor) -> None:
        """Let parts of ``request`` pass ``gate``, their pictures be looked at by ``executor``."""
        self._gate = gate
        self._parts = parts
        self._request = request
        self._executor = executor

    @property
    def at_once(self) -> int:
        """Units that workers look at at the same time."""
        return self._executor.at_once

    def run(self, job_id: JobId, number: int, keys: Sequence[str], again: bool) -> PartDone:
        """One part. ``again``: it was done and charged before, by an attempt that did not live to say so."""
        command = self._request.command
        assert isinstance(command, StartBulkEnrolment)
        context = Context(self._request.caller, self._parts.request_ids(), self._parts.clock.now_ms(), Origin())

        def look(permit: Permit, part: StartBulkEnrolment) -> PartDone:
            try:
                done = self._enrolled(permit, part, keys)
            except BaseException:
                permit.tally.images = 0  # it is done again as a whole, and charged then
                raise
            if again:
                permit.tally.images = 0
            return done

        return self._gate.perform(context, replace(command, job=job_id, part=number), look).result

    def _enrolled(self, permit: Permit, part: StartBulkEnrolment, keys: Sequence[str]) -> PartDone:
        key = part.key(permit.context.caller)
        collection = self._parts.gallery.outline(key)
        require_same_model(self._parts.engine, collection)
        permit.tally.looked_in(collection)
        wants = self._parts.gallery.tags(key).get(TAG) == ON
        faces, left_out, unreadable = 0, list[LeftOut](), 0
        for name, seen in self._seen(permit, part, keys, wants):
            if isinstance(seen, ObjectStoreError):
                unreadable += 1
                left_out.append(LeftOut(name, seen.message, failed=True))
            elif seen.error:
                left_out.append(LeftOut(name, seen.error, failed=True))
            else:
                permit.tally.images += 1
                permit.tally.add(faces_detected=seen.detected)
                faces += self._added(permit, part, key, name, seen)
                if not seen.faces:
                    left_out.append(LeftOut(name, _reason(seen), failed=False))
        if keys and unreadable == len(keys):
            raise UnavailableError("None of the pictures could be read; is the bucket there?")
        return PartDone(len(keys), faces, tuple(left_out))

    def _added(self, permit: Permit, part: StartBulkEnrolment, key: CollectionKey, name: str, seen: SeenPicture) -> int:
        """How many faces of a picture are in the collection now."""
        external = external_id(part, name)
        version = self._parts.gallery.outline(key).picture_version
        picture = image_id(seen.sha256, external, version)
        found = [
            EmbeddedFace(face.box_ratio, face.confidence_pct, np.frombuffer(face.vector, np.float32))
            for face in seen.faces
        ]
        added = self._parts.enrolment.enrol_embedded(permit, key, picture, external, found)
        pictures = {
            face.face_id: one.thumbnail
            for face, one in zip(added, seen.faces, strict=True)
            if one.thumbnail is not None
        }
        if pictures:
            self._parts.gallery.put_thumbnails(key, pictures)
        return len(added)

    def _seen(
        self, permit: Permit, part: StartBulkEnrolment, keys: Sequence[str], thumbnails: bool
    ) -> Iterator[tuple[str, SeenPicture | ObjectStoreError]]:
        """What became of each picture, in order."""
        sent: list[list[tuple[str, ObjectStoreError | None]]] = []

        def units() -> Iterator[bytes]:
            with ThreadPoolExecutor(_READERS, "read") as readers:
                for at in range(0, len(keys), PICTURES_A_UNIT):
                    some = keys[at : at + PICTURES_A_UNIT]
                    read = list(readers.map(lambda one: self._read(part.bucket, one), some))
                    sent.append(
                        [
                            (name, data if isinstance(data, CustodesError) else None)
                            for name, data in zip(some, read, strict=True)
                        ]
                    )
                    pictures = tuple(data for data in read if isinstance(data, bytes))
                    yield write_unit(
                        LookUnit(permit.slot.index, permit.context.request_id, pictures, part.max_faces, thumbnails)
                    )

        for number, data in enumerate(in_order(self._executor, LOOK, units())):
            result = read_result(data)
            if result.model_version != self._parts.engine.model_version:
                raise UnavailableError("The workers have other networks than this server.")
            pictures = iter(result.pictures)
            for name, error in sent[number]:
                yield name, error or next(pictures)

    def _read(self, bucket: str, key: str) -> bytes | ObjectStoreError:
        try:
            return self._parts.objects.read(S3Object(bucket, key), MAX_OBJECT_BYTES)
        except ObjectStoreError as error:
            return error
        except ImageTooLargeError as error:
            return ObjectStoreError(error.message)


def external_id(part: StartBulkEnrolment, key: str) -> ExternalImageId | None:
    """What the faces of a picture are called."""
    below = PurePosixPath(key[part.prefix.rfind("/") + 1 :])
    match part.name_by:
        case NameBy.FILE:
            name = below.stem
        case NameBy.FOLDER:
            name = below.parts[-2] if len(below.parts) > 1 else ""
        case NameBy.NONE:
            name = ""
    found = acceptable(name)
    return ExternalImageId(found) if found else None


def _reason(seen: SeenPicture) -> str:
    return f"no face good enough: {', '.join(seen.reasons)}" if seen.reasons else "no face found"
