"""What a worker does with pictures: find the faces, choose among them, make vectors. Pictures in, plain values out.

In: a unit of some pictures as bytes, an engine. Out: for each picture its faces with vectors, or why there are none, as
bytes. The same is computed as by IndexFaces, by the same engine. A worker keeps nothing, decides nothing and reaches no
database: whether faces are there already, and what is kept of them, is up to whoever asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from custodes.core.box import BoxRatio
from custodes.core.errors import CustodesError, UnavailableError
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import DetectedFace, QualityFilter, VectorUse
from custodes.imaging.image import Image
from custodes.imaging.thumbnail import thumbnail
from custodes.operations.images.selection import FaceRefused, select
from custodes.operations.images.sources import decoded

LOOK = "look"


class LookUnit(msgspec.Struct, frozen=True):
    """Pictures to look at, within the permission of a slot.

    Attributes:
        slot: its number; ``request_id``: of whoever asked.
        pictures: their files.
        max_faces: that are taken of each.
        thumbnails: whether small pictures of the faces are wanted.
    """

    slot: int
    request_id: str
    pictures: tuple[bytes, ...]
    max_faces: int
    thumbnails: bool = False


class SeenFace(msgspec.Struct, frozen=True):
    """A face that was taken.

    Attributes:
        box: left, top, width and height in ratios of the picture.
        confidence_pct: that it is a face.
        vector: D float32 in this machine's order of bytes.
        thumbnail: a JPEG, where asked for.
    """

    box: tuple[float, float, float, float]
    confidence_pct: float
    vector: bytes
    thumbnail: bytes | None = None

    @property
    def box_ratio(self) -> BoxRatio:
        """``box`` by names."""
        return BoxRatio(*self.box)


class SeenPicture(msgspec.Struct, frozen=True):
    """What became of one picture.

    Attributes:
        sha256: of its file.
        detected: faces that were found.
        faces: those that were taken, largest first.
        reasons: why others were not.
        error: why it could not be looked at; empty where it was.
    """

    sha256: bytes = b""
    detected: int = 0
    faces: tuple[SeenFace, ...] = ()
    reasons: tuple[str, ...] = ()
    error: str = ""


class LookResult(msgspec.Struct, frozen=True):
    """Of a unit: its pictures in order, and the version of the networks that looked."""

    model_version: str
    pictures: tuple[SeenPicture, ...]


def looked(engine: FaceEngine, unit: bytes) -> bytes:
    """Carry out a unit of ``LookUnit``; the result is a ``LookResult``. Raises UnavailableError."""
    asked = msgspec.msgpack.decode(unit, type=LookUnit)
    slot = Slot(asked.slot, RequestId(asked.request_id))
    try:
        pictures = tuple(_seen(engine, slot, asked, data) for data in asked.pictures)
    finally:
        slot.close()
    return msgspec.msgpack.encode(LookResult(engine.model_version, pictures))


def read_result(data: bytes) -> LookResult:
    """What ``looked`` gave."""
    return msgspec.msgpack.decode(data, type=LookResult)


def write_unit(unit: LookUnit) -> bytes:
    """What ``looked`` takes."""
    return msgspec.msgpack.encode(unit)


def _seen(engine: FaceEngine, slot: Slot, asked: LookUnit, data: bytes) -> SeenPicture:
    try:
        image = decoded(data)
        found = engine.detect(slot, image)
        chosen = select(engine, found, QualityFilter.AUTO, asked.max_faces)
        vectors = engine.embed(slot, image, chosen.taken, VectorUse.ENROL)
    except UnavailableError:
        raise
    except CustodesError as error:
        return SeenPicture(error=error.message)
    faces = tuple(
        _face(image, face, vector, asked.thumbnails) for face, vector in zip(chosen.taken, vectors, strict=True)
    )
    return SeenPicture(image.sha256, len(found.faces), faces, _reasons(chosen.refused))


def _face(image: Image, face: DetectedFace, vector: np.ndarray, wanted: bool) -> SeenFace:
    box = face.box_px.to_ratio(image.size)
    return SeenFace(
        (box.left, box.top, box.width, box.height),
        face.confidence_pct,
        np.ascontiguousarray(vector, np.float32).tobytes(),
        thumbnail(image, face.box_px) if wanted else None,
    )


def _reasons(refused: Sequence[FaceRefused]) -> tuple[str, ...]:
    return tuple(sorted({reason for one in refused for reason in one.reasons}))
