"""The real server over a collection filled with random faces, writing down how long the engine took for each call.

``python bench/workers/timed_server.py COLLECTION FACES [--no-ledger]``. In: settings in the environment, a fresh
data directory among them. Out: what ``custodes serve`` prints; after SIGTERM ``engine.json`` in that directory, a list
of [step, seconds] in the order of the calls.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from collections.abc import Collection as Some
from contextlib import closing
from typing import TypeVar

import numpy as np

from custodes.cli.server import logs
from custodes.cli.server.listener import Listener
from custodes.cli.server.serve import serve_until_stopped
from custodes.core.box import BoxRatio, Size
from custodes.core.ids import CollectionId, FaceId, ImageId, ModelVersion
from custodes.core.slot import Slot
from custodes.deployment.galleries import open_gallery
from custodes.deployment.networks.computing import open_engine
from custodes.deployment.server import open_deployment
from custodes.engine.ports import FaceEngine, SimilarityScale
from custodes.engine.results.face import (
    MAX_FACES,
    Detail,
    DetectedFace,
    FacesFound,
    FloatArray,
    PoorReason,
    QualityFilter,
    Trait,
    VectorUse,
)
from custodes.gallery.entities import Collection, CollectionKey, NewFace
from custodes.imaging.image import Image, decode
from custodes.operations.images import sources
from custodes.operations.requests.gate import CountingRecorder
from custodes.settings import Settings, from_environment
from custodes.storage.files.credentials import open_credentials

T = TypeVar("T")


class TimedEngine:
    """Implements FaceEngine over another one. ``calls`` lists each computation and its seconds."""

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine
        self.calls: list[tuple[str, float]] = []

    @property
    def model_version(self) -> ModelVersion:
        return self._engine.model_version

    @property
    def dimension(self) -> int:
        return self._engine.dimension

    def for_video(self) -> TimedEngine:
        return self

    def detect(self, slot: Slot, image: Image, detail: Detail = Detail.BOX, at_most: int = MAX_FACES) -> FacesFound:
        return self.timed("detect", lambda: self._engine.detect(slot, image, detail, at_most))

    def describe(
        self, slot: Slot, image: Image, faces: Sequence[DetectedFace], traits: Some[Trait]
    ) -> tuple[DetectedFace, ...]:
        return self._engine.describe(slot, image, faces, traits)  # no part of a search

    def embed(self, slot: Slot, image: Image, faces: Sequence[DetectedFace], use: VectorUse) -> FloatArray:
        return self.timed("embed", lambda: self._engine.embed(slot, image, faces, use))

    def poor_reasons(self, face: DetectedFace, size: Size, level: QualityFilter) -> tuple[PoorReason, ...]:
        return self._engine.poor_reasons(face, size, level)

    def scale(self, *vectors: FloatArray) -> SimilarityScale:
        return self._engine.scale(*vectors)

    def timed(self, step: str, work: Callable[[], T]) -> T:
        """What ``work`` returns, after writing down its seconds."""
        start = time.perf_counter()
        result = work()
        self.calls.append((step, time.perf_counter() - start))
        return result


def fill(settings: Settings, collection_id: str, engine: FaceEngine, faces: int) -> None:
    """Make a collection of ``faces`` random unit vectors in the data directory."""
    keys = open_credentials(
        settings.data, region=settings.region, endpoint_url="http://127.0.0.1:8080", random=os.urandom
    )
    key = CollectionKey(keys.key.account_id, CollectionId(collection_id))
    rng = np.random.default_rng(2026)
    vectors = rng.standard_normal((faces, engine.dimension), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with open_gallery(settings) as gallery:
        gallery.create_collection(Collection(key, engine.model_version, engine.dimension, 1_700_000_000_000), {})
        for start in range(0, faces, 500):
            gallery.add_faces(key, [_face(vector) for vector in vectors[start : start + 500]])


def _face(vector: FloatArray) -> NewFace:
    box = BoxRatio(0.25, 0.25, 0.5, 0.5)
    return NewFace(FaceId(str(uuid.uuid4())), ImageId(str(uuid.uuid4())), None, box, 99.0, vector, enrolled_ts_ms=0)


def serve_without_ledger(settings: Settings, engine: FaceEngine) -> None:
    """As ``serve_until_stopped``, with uses counted in memory only, to see what the ledger costs."""
    with closing(Listener(settings.host, settings.port)) as listener:
        signal.signal(signal.SIGTERM, lambda _signal, _frame: listener.stop())
        opened = open_deployment(
            settings, endpoint_url=listener.url, engine=engine, recording=lambda _: CountingRecorder()
        )
        with opened as deployment:
            listener.serve(deployment.app(), settings.shutdown_s, lambda: None)


def main() -> None:
    collection_id, faces = sys.argv[1], int(sys.argv[2])
    settings = from_environment()
    logs.configure(settings.log_level, settings.log_format)
    serve = serve_without_ledger if "--no-ledger" in sys.argv else serve_until_stopped
    with open_engine(settings) as opened:
        engine = TimedEngine(opened)
        # Pictures are decoded by a function, not a port; the clock has to go around it here.
        vars(sources)["decode"] = lambda data, head: engine.timed("decode", lambda: decode(data, head=head))
        fill(settings, collection_id, engine, faces)
        serve(settings, engine)
    (settings.data / "engine.json").write_text(json.dumps(engine.calls), encoding="utf-8")


if __name__ == "__main__":
    main()
