"""Tombstones in one file beside the ledger: FaceIds that must not come back with a backup of the database.

In: ids by collection. Out: the same after any crash. A line per id, added at the end and synced: ``+`` or ``-``,
account, collection, id, separated by tabs. A line that a power cut tore was never acknowledged and is cut off.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from custodes.core.ids import AccountId, CollectionId, FaceId
from custodes.gallery.entities import CollectionKey
from custodes.storage.files.durable import sync_directory

FILE_NAME = "erased-faces"


class FileTombstones:
    """Implements ``operations.erasure.Tombstones``."""

    def __init__(self, folder: Path) -> None:
        """Keep the file in ``folder``, which must exist and be private."""
        self._path = folder / FILE_NAME
        self._lock = threading.Lock()

    def bury(self, key: CollectionKey, face_ids: Iterable[FaceId]) -> None:
        """See Tombstones."""
        self._add("+", key, face_ids)

    def unbury(self, key: CollectionKey, face_ids: Iterable[FaceId]) -> None:
        """See Tombstones."""
        self._add("-", key, face_ids)

    def buried(self) -> Mapping[CollectionKey, Sequence[FaceId]]:
        """See Tombstones. Cuts a torn line off, so call it before anything is added."""
        found: dict[CollectionKey, dict[FaceId, None]] = {}
        with self._lock:
            if not self._path.exists():
                return {}
            data = self._path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if whole != data:
                os.truncate(self._path, len(whole))
        for line in whole.decode().splitlines():
            sign, account, collection, face_id = line.split("\t")
            faces = found.setdefault(CollectionKey(AccountId(account), CollectionId(collection)), {})
            if sign == "+":
                faces[FaceId(face_id)] = None
            else:
                faces.pop(FaceId(face_id), None)
        return {key: list(faces) for key, faces in found.items()}

    def _add(self, sign: str, key: CollectionKey, face_ids: Iterable[FaceId]) -> None:
        lines = "".join(f"{sign}\t{key.account_id}\t{key.collection_id}\t{face_id}\n" for face_id in face_ids)
        if not lines:
            return
        with self._lock:
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                end = os.fstat(fd).st_size
                try:
                    if os.write(fd, lines.encode()) != len(lines.encode()):
                        raise OSError(errno.ENOSPC, "the erased faces could not be written down")
                    os.fsync(fd)
                except OSError:
                    # A torn line in front of later ones would make the whole file unreadable.
                    os.ftruncate(fd, end)
                    raise
            finally:
                os.close(fd)
            sync_directory(self._path.parent)
