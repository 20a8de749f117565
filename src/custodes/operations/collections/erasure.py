"""Erasure that leaves a proof: what the ledger, the face indexes and the tombstones do when faces go.

In: faces enrolled, faces about to be destroyed. Out: ``era`` entries, records for certificates, tombstones. The order
is: entry, tombstones, and only then may the caller destroy keys and vectors. So whatever happens in between, a face
that the ledger calls erased is destroyed at the next start, and one that comes back with an older backup, too. It
destroys nothing itself while requests run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from custodes.core.errors import ConflictError, NotFoundError, UnavailableError
from custodes.core.ids import AccountId, FaceId, UserId
from custodes.gallery.entities import Collection, CollectionKey, Face, GalleryUser
from custodes.gallery.ports import GalleryStore
from custodes.gallery.rules import user_vector
from custodes.ledger.prover.erasure import ErasureRecords
from custodes.ledger.prover.face_map import FaceIndexes
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.published import RunningLog
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.collections.lock_striping import LockStriping

# A certificate needs two ways through the tree per face, half a millisecond each; a larger collection that goes as a
# whole gets one entry for all and no certificates of single faces.
_CERTIFIED_AT_MOST = 5000
_PAGE = 4096
_BATCH = 500


class Tombstones(Protocol):
    """What must not come back, kept apart from the gallery's database and from its backups.

    FaceIds are never used twice. Users and collections may be made again under their old names, so a tombstone of a
    user has the store's row of the one that died, and that of a collection when it was created.
    """

    def bury(self, key: CollectionKey, face_ids: Iterable[FaceId]) -> None:
        """Keep ids; durable when this returns."""
        ...

    def unbury(self, key: CollectionKey, face_ids: Iterable[FaceId]) -> None:
        """Take ids back: their faces were not erased after all."""
        ...

    def buried(self) -> Mapping[CollectionKey, Sequence[FaceId]]:
        """All ids."""
        ...

    def bury_user(self, key: CollectionKey, user: GalleryUser) -> None:
        """Keep a user that is about to go; durable when this returns."""
        ...

    def unbury_user(self, key: CollectionKey, user: GalleryUser) -> None:
        """A new user has the name and, after a backup came back, the row of one that died."""
        ...

    def buried_users(self) -> Mapping[CollectionKey, Set[tuple[UserId, int]]]:
        """Name and row of all."""
        ...

    def bury_collection(self, collection: Collection) -> None:
        """Keep a collection that is about to go; durable when this returns."""
        ...

    def buried_collections(self) -> Set[tuple[CollectionKey, int]]:
        """Name and time of creation of all."""
        ...


class Erasures(Protocol):
    """What use cases tell of faces that go. All raise UnavailableError when it cannot be recorded."""

    def erase(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> None:
        """Faces are about to be destroyed; on record when this returns."""
        ...

    def stayed(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> None:
        """Faces that were about to be destroyed stay."""
        ...

    def erase_collection(self, collection: Collection) -> None:
        """A whole collection is about to be destroyed."""
        ...

    def erase_user(self, key: CollectionKey, user: GalleryUser) -> None:
        """A user with its vector is about to be destroyed."""
        ...

    def created_user(self, key: CollectionKey, user: GalleryUser) -> None:
        """A user is in the gallery now."""
        ...

    def erased(self, account_id: AccountId, face_ids: Sequence[FaceId]) -> Set[FaceId]:
        """Those of ``face_ids`` that were erased from a collection of the account."""
        ...


class RecordedErasures:
    """Implements ``Erasures`` over a log.

    The index of a collection is brought up to the gallery when it is needed: rows of faces rise in the order in which
    they came, so those that are new, whoever enrolled them, are behind the last that is known.
    """

    def __init__(
        self,
        log: RunningLog,
        gallery: GalleryStore,
        indexes: FaceIndexes,
        records: ErasureRecords,
        tombstones: Tombstones,
    ) -> None:
        """Write to ``log``; read ``gallery``."""
        self._log = log
        self._gallery = gallery
        self._indexes = indexes
        self._records = records
        self._tombstones = tombstones
        self._stripes = LockStriping()
        self._last_rows: dict[CollectionKey, int] = {}

    def erase(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> None:
        """See Erasures."""
        with self._collection(key):
            self._erase(key, face_ids)

    def stayed(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> None:
        """See Erasures."""
        with self._collection(key):
            self._indexes.add(key.account_id, key.collection_id, face_ids)
            self._tombstones.unbury(key, face_ids)

    def erase_collection(self, collection: Collection) -> None:
        """See Erasures."""
        key = collection.key
        with self._collection(key):
            face_ids = [face.face_id for face in _faces(self._gallery, key)]
            if len(face_ids) <= _CERTIFIED_AT_MOST:
                self._erase(key, face_ids)
            else:
                with _recording():
                    self._indexes.erase_all(key.account_id, key.collection_id, lambda fields: self._append(key, fields))
                self._tombstones.bury(key, face_ids)
            self._tombstones.bury_collection(collection)

    def erase_user(self, key: CollectionKey, user: GalleryUser) -> None:
        """See Erasures. The entry has no roots: users are in no index of faces."""
        with self._stripes.lock(key.account_id, key.collection_id):
            with _recording():
                self._append(key, {"n": 1})
            self._tombstones.bury_user(key, user)

    def created_user(self, key: CollectionKey, user: GalleryUser) -> None:
        """See Erasures."""
        if (user.user_id, user.row) in self._tombstones.buried_users().get(key, ()):
            self._tombstones.unbury_user(key, user)

    def erased(self, account_id: AccountId, face_ids: Sequence[FaceId]) -> Set[FaceId]:
        """See Erasures."""
        asked = set(face_ids)
        buried = self._tombstones.buried()
        return {one for key, ids in buried.items() if key.account_id == account_id for one in asked.intersection(ids)}

    def settle(self) -> None:
        """Return once every erasure that is on record now has its tombstones."""
        self._stripes.pass_all()

    def close_head(self, account: AccountId) -> int:
        """Log the head of the collection map with all collections of ``account`` in it; returns its index.

        Raises:
            LedgerUnavailableError: it could not be logged.
            CustodesError: the gallery cannot be read.
        """
        after: str | None = None
        while True:
            page = self._gallery.collections(account, after, _PAGE)
            for collection in page.items:
                with self._collection(collection.key):
                    pass
            if not isinstance(page.last, str):
                break
            after = page.last
        size = self._log.flush().size
        return self._indexes.close_head(lambda fields: self._log.append("map", fields=fields).wait().index, size)

    def _erase(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> None:
        account, collection = key.account_id, key.collection_id
        with _recording():
            records = self._indexes.erase(account, collection, face_ids, lambda fields: self._append(key, fields))
        self._tombstones.bury(key, face_ids)
        for record in records:
            self._records.keep(record)

    def _append(self, key: CollectionKey, fields: Mapping[str, int | str]) -> int:
        body = {"acct": key.account_id, "collection": key.collection_id}
        return self._log.append("era", body=body, fields=fields).wait().index

    @contextmanager
    def _collection(self, key: CollectionKey) -> Iterator[None]:
        """Hold a collection's index, with all faces that are there."""
        with self._stripes.lock(key.account_id, key.collection_id):
            known = self._last_rows.get(key)
            new = list(_faces(self._gallery, key, known))
            if new or known is None:
                self._indexes.add(key.account_id, key.collection_id, [face.face_id for face in new])
                self._last_rows[key] = new[-1].row if new else 0
            yield


def finish_erasures(gallery: GalleryStore, tombstones: Tombstones, log: LedgerWriter) -> int:
    """Destroy what the ledger calls erased and is there all the same; call it before anybody searches.

    Faces, users and collections come back with an older backup of the database, or stayed when the server was killed
    between the entry and the deed. Users lose such faces, and get a vector without them. Returns how many there were.

    Raises:
        CustodesError: the gallery cannot be read or written.
        UnavailableError: the ledger cannot be written.
    """
    collections = _destroy_collections(gallery, tombstones)
    users = _destroy_users(gallery, tombstones)
    faces = _destroy_faces(gallery, tombstones)
    for found, what in ((collections, "collections"), (users, "users"), (faces, "faces")):
        if found:
            with _recording():
                log.append("inc", fields={"n": found, "x": f"erased-{what}-had-come-back"}).wait_durable()
    return collections + users + faces


def _destroy_faces(gallery: GalleryStore, tombstones: Tombstones) -> int:
    found = 0
    for key, face_ids in tombstones.buried().items():
        try:
            for begin in range(0, len(face_ids), _BATCH):
                back = gallery.faces_by_id(key, face_ids[begin : begin + _BATCH])
                if back:
                    _destroy(gallery, key, list(back.values()))
                    found += len(back)
        except NotFoundError:
            continue  # the collection is gone, and its faces with it
    return found


def _destroy_users(gallery: GalleryStore, tombstones: Tombstones) -> int:
    found = 0
    for key, users in tombstones.buried_users().items():
        for user_id, row in users:
            try:
                if gallery.user(key, user_id).row == row:
                    gallery.delete_user(key, user_id)
                    found += 1
            except NotFoundError:
                continue
    return found


def _destroy_collections(gallery: GalleryStore, tombstones: Tombstones) -> int:
    found = 0
    for key, created_ts_ms in tombstones.buried_collections():
        try:
            if gallery.collection(key).created_ts_ms == created_ts_ms:
                gallery.delete_collection(key)
                found += 1
        except NotFoundError:
            continue
    return found


def leave_users(gallery: GalleryStore, key: CollectionKey, faces: Sequence[Face]) -> frozenset[UserId]:
    """Take ``faces`` from the users they belong to, whose vectors are made anew of the faces that stay.

    Returns the users that somebody else was changing; they keep their faces.

    Raises:
        CustodesError: the gallery cannot be read or written.
    """
    busy: set[UserId] = set()
    for user_id in {face.user_id for face in faces if face.user_id is not None}:
        gone = [face.face_id for face in faces if face.user_id == user_id]
        try:
            user = gallery.user(key, user_id)
            page = gallery.faces(key, None, max(1, user.face_count), user_id=user_id).items
            left = [face.row for face in page if face.face_id not in set(gone)]
            vector = user_vector(np.asarray(gallery.vectors(key, left))) if left else None
            gallery.set_user_faces(key, user_id, add=(), remove=gone, vector=vector, seen=user)
        except (ConflictError, NotFoundError):
            busy.add(user_id)
    return frozenset(busy)


def _destroy(gallery: GalleryStore, key: CollectionKey, faces: Sequence[Face]) -> None:
    if leave_users(gallery, key, faces):
        raise UnavailableError("somebody writes this gallery while its erasures are being finished")
    gallery.delete_faces(key, [face.face_id for face in faces])


def _faces(gallery: GalleryStore, key: CollectionKey, after: int | None = None) -> Iterator[Face]:
    while True:
        page = gallery.faces(key, after, _PAGE)
        yield from page.items
        if not isinstance(page.last, int):
            return
        after = page.last


@contextmanager
def _recording() -> Iterator[None]:
    try:
        yield
    except LedgerUnavailableError as error:
        raise UnavailableError("The ledger cannot be written now, so nothing is erased.") from error
