"""Run by the crash tests as a process of its own: enrols until it is killed, and prints what was acknowledged.

Arguments: data directory, seed, threads, largest file size if any. It prints ``START id,id,…`` before a call and
``DONE id,id,…`` after it returned. Each enrolment has one to four faces, whose vectors follow from their ids; now and
then one of its own faces is deleted.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import uuid
from pathlib import Path

import numpy as np

from custodes.core.box import BoxRatio
from custodes.core.errors import AlreadyExistsError, UnavailableError
from custodes.core.ids import AccountId, CollectionId, FaceId, ImageId, ModelVersion
from custodes.gallery.entities import Collection, CollectionKey, NewFace
from custodes.gallery.gallery import IndexedGallery
from custodes.gallery.ports import FloatArray
from custodes.storage.sql.gallery.store import SqlGalleryStore
from custodes.storage.sql.sqlite_database import SqliteDatabase
from custodes.storage.vectors.faiss_index import FaissIndex

CRASH_KEY = CollectionKey(AccountId("111111111111"), CollectionId("crash"))
DIMENSION = 128
_OUT = threading.Lock()


def vector_of(face_id: str) -> FloatArray:
    drawn = np.random.default_rng(uuid.UUID(face_id).int).standard_normal(DIMENSION)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def say(line: str) -> None:
    with _OUT:
        os.write(1, (line + "\n").encode())


def enrol(gallery: IndexedGallery, seed: int) -> None:
    rng = np.random.default_rng(seed)
    while True:
        ids = [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(int(rng.integers(1, 5)))]
        faces = [
            NewFace(FaceId(name), ImageId(ids[0]), None, BoxRatio(0, 0, 1, 1), 99.0, vector_of(name), enrolled_ts_ms=0)
            for name in ids
        ]
        say("START " + ",".join(ids))
        try:
            gallery.add_faces(CRASH_KEY, faces)
        except UnavailableError:
            say("FAILED " + ",".join(ids))
            return
        say("DONE " + ",".join(ids))
        if rng.random() < 0.1:
            say("ERASING " + ids[0])
            try:
                gallery.delete_faces(CRASH_KEY, [FaceId(ids[0])])
            except UnavailableError:
                say("FAILED " + ids[0])
                return
            say("ERASED " + ids[0])


def main() -> None:
    directory, seed, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if len(sys.argv) > 4:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), int(sys.argv[4])))
    database = SqliteDatabase.open(directory)
    gallery = IndexedGallery(SqlGalleryStore.open(database, directory, os.urandom), FaissIndex)
    with contextlib.suppress(AlreadyExistsError):
        gallery.create_collection(Collection(CRASH_KEY, ModelVersion("1.0"), DIMENSION, 0), {})
    say("READY")
    workers = [threading.Thread(target=enrol, args=(gallery, 1000 * seed + n), daemon=True) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    try:
        gallery.collection(CRASH_KEY)
        say("READABLE")
    finally:
        database.close()


if __name__ == "__main__":
    main()
