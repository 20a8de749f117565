"""Tombstones in one file beside the ledger: what must not come back with a backup of the database.

In: ids of faces, users and collections. Out: the same after any crash. A line each, added at the end and synced, with
tabs between: what it is, account, collection, and for a face its id, for a user its name and row, for a collection when
it was created. ``+`` and ``-`` are of faces, ``+user``, ``-user`` and ``+collection`` of the others; a minus takes one
back. A line that a power cut tore was never acknowledged and is cut off.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path

from custodes.core.ids import AccountId, CollectionId, FaceId, UserId
from custodes.durable import sync_directory
from custodes.gallery.entities import Collection, CollectionKey, GalleryUser

FILE_NAME = "erased-faces"
_User = tuple[UserId, int]


class FileTombstones:
    """Implements ``operations.erasure.Tombstones``."""

    def __init__(self, folder: Path) -> None:
        """Keep the file in ``folder``, which must exist and be private."""
        self._path = folder / FILE_NAME
        self._lock = threading.Lock()
        self._users: dict[CollectionKey, set[_User]] | None = None

    def bury(self, key: CollectionKey, face_ids: Iterable[FaceId]) -> None:
        """See Tombstones."""
        self._add("+", key, face_ids)

    def unbury(self, key: CollectionKey, face_ids: Iterable[FaceId]) -> None:
        """See Tombstones."""
        self._add("-", key, face_ids)

    def buried(self) -> Mapping[CollectionKey, Sequence[FaceId]]:
        """See Tombstones. Cuts a torn line off, so call it before anything is added."""
        found: dict[CollectionKey, dict[FaceId, None]] = {}
        for sign, key, rest in self._lines():
            faces = found.setdefault(key, {})
            if sign == "+":
                faces[FaceId(rest[0])] = None
            elif sign == "-":
                faces.pop(FaceId(rest[0]), None)
        return {key: list(faces) for key, faces in found.items() if faces}

    def bury_user(self, key: CollectionKey, user: GalleryUser) -> None:
        """See Tombstones."""
        self.buried_users()
        self._add("+user", key, [f"{user.user_id}\t{user.row}"])
        if self._users is not None:
            self._users.setdefault(key, set()).add((user.user_id, user.row))

    def unbury_user(self, key: CollectionKey, user: GalleryUser) -> None:
        """See Tombstones."""
        self.buried_users()
        self._add("-user", key, [f"{user.user_id}\t{user.row}"])
        if self._users is not None:
            self._users.setdefault(key, set()).discard((user.user_id, user.row))

    def buried_users(self) -> Mapping[CollectionKey, Set[_User]]:
        """See Tombstones. Read once, then kept."""
        if self._users is None:
            found: dict[CollectionKey, set[_User]] = {}
            for sign, key, rest in self._lines():
                if sign == "+user":
                    found.setdefault(key, set()).add((UserId(rest[0]), int(rest[1])))
                elif sign == "-user":
                    found.setdefault(key, set()).discard((UserId(rest[0]), int(rest[1])))
            self._users = found
        return self._users

    def bury_collection(self, collection: Collection) -> None:
        """See Tombstones."""
        self._add("+collection", collection.key, [str(collection.created_ts_ms)])

    def buried_collections(self) -> Set[tuple[CollectionKey, int]]:
        """See Tombstones."""
        return {(key, int(rest[0])) for sign, key, rest in self._lines() if sign == "+collection"}

    def _lines(self) -> Iterator[tuple[str, CollectionKey, list[str]]]:
        with self._lock:
            if not self._path.exists():
                return
            data = self._path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if whole != data:
                os.truncate(self._path, len(whole))
        for line in whole.decode().splitlines():
            sign, account, collection, *rest = line.split("\t")
            yield sign, CollectionKey(AccountId(account), CollectionId(collection)), rest

    def _add(self, sign: str, key: CollectionKey, names: Iterable[str]) -> None:
        lines = "".join(f"{sign}\t{key.account_id}\t{key.collection_id}\t{name}\n" for name in names)
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
