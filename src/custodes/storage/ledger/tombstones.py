"""Tombstones in one document beside the ledger: what must not come back with a backup of the database.

In: ids of faces, users and collections. Out: the same after any crash. A line each, added at the end and synced, with
tabs between: what it is, account, collection, and for a face its id, for a user its name and row, for a collection when
it was created. ``+`` and ``-`` are of faces, ``+user``, ``-user`` and ``+collection`` of the others; a minus takes one
back. A line that a power cut tore was never acknowledged and is cut off.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from custodes.core.ids import AccountId, CollectionId, FaceId, UserId
from custodes.gallery.entities import Collection, CollectionKey, GalleryUser
from custodes.ledger.prover.ports import Documents, Within

FOLDER, FILE_NAME = "ledger-private", "erased-faces"
_User = tuple[UserId, int]


class KeptTombstones:
    """Implements ``operations.erasure.Tombstones``."""

    def __init__(self, documents: Documents) -> None:
        """Keep them among ``documents``."""
        self._documents = Within(documents, FOLDER)
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
            data = self._documents.get(FILE_NAME) or b""
            whole = data[: data.rfind(b"\n") + 1]
            if whole != data:
                self._documents.extend(FILE_NAME, len(whole), b"")
        for line in whole.decode().splitlines():
            sign, account, collection, *rest = line.split("\t")
            yield sign, CollectionKey(AccountId(account), CollectionId(collection)), rest

    def _add(self, sign: str, key: CollectionKey, names: Iterable[str]) -> None:
        lines = "".join(f"{sign}\t{key.account_id}\t{key.collection_id}\t{name}\n" for name in names)
        if not lines:
            return
        with self._lock:
            self._documents.extend(FILE_NAME, self._documents.size(FILE_NAME), lines.encode())
