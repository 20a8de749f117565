"""Gallery against a plain model: any sequence of changes, searches equal to brute force after each."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from custodes.core.ids import FaceId, UserId
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.gallery.kernel import best, cosines
from custodes.gallery.ports import FloatArray
from custodes.storage.files.segment_files import SegmentFiles
from custodes.storage.sql.gallery.store import SqlGalleryStore
from custodes.storage.vectors.faiss_index import FaissIndex
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.schema import open_sqlite
from tests.fakes.vectors import KEY, collection, new_face, units

USERS = [UserId("ann"), UserId("bob")]


class GalleryModel(RuleBasedStateMachine):
    """Faces and user vectors by row, in dictionaries."""

    gallery: IndexedGallery

    def __init__(self) -> None:
        super().__init__()
        self.faces: dict[int, tuple[FaceId, FloatArray]] = {}
        self.owner: dict[FaceId, UserId] = {}
        self.users: dict[UserId, FloatArray | None] = {}
        self.seen: set[int] = set()
        self.gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)

    @initialize()
    def create(self) -> None:
        self.gallery.create_collection(collection(), {})

    @rule(seed=st.integers(0, 1000), count=st.integers(0, 5))
    def add(self, seed: int, count: int) -> None:
        vectors = units(seed, count)
        added = self.gallery.add_faces(KEY, [new_face(vector) for vector in vectors])
        self.faces |= {face.row: (face.face_id, vector) for face, vector in zip(added, vectors, strict=True)}

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        names = [face_id for face_id, _ in self.faces.values()]
        chosen = data.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
        gone = self.gallery.delete_faces(KEY, [*chosen, FaceId("unknown")])
        free = {face_id for face_id in chosen if face_id not in self.owner}
        assert {face.face_id for face in gone} == free
        self.faces = {row: face for row, face in self.faces.items() if face[0] not in free}

    @rule(user=st.sampled_from(USERS))
    def create_or_delete_user(self, user: UserId) -> None:
        if user in self.users:
            self.gallery.delete_user(KEY, user)
            del self.users[user]
            self.owner = {face_id: owner for face_id, owner in self.owner.items() if owner != user}
        else:
            self.gallery.create_user(KEY, user)
            self.users[user] = None

    @rule(user=st.sampled_from(USERS), seed=st.integers(0, 1000), data=st.data())
    def associate(self, user: UserId, seed: int, data: st.DataObject) -> None:
        free = [face_id for face_id, _ in self.faces.values() if face_id not in self.owner]
        held = [face_id for face_id, owner in self.owner.items() if owner == user]
        if user not in self.users:
            return
        add = data.draw(st.lists(st.sampled_from(free), unique=True)) if free else []
        remove = data.draw(st.lists(st.sampled_from(held), unique=True)) if held else []
        left = (set(held) | set(add)) - set(remove)
        vector = units(seed, 1)[0] if left else None
        self.gallery.set_user_faces(KEY, user, add=add, remove=remove, vector=vector)
        self.users[user] = vector
        self.owner |= dict.fromkeys(add, user)
        for face_id in remove:
            del self.owner[face_id]

    @rule()
    def delete_and_recreate(self) -> None:
        self.gallery.delete_collection(KEY)
        self.gallery.create_collection(collection(), {})
        self.faces, self.owner, self.users = {}, {}, {}

    @invariant()
    def searches_equal_brute_force(self) -> None:
        if KEY.collection_id not in [item.key.collection_id for item in self._listed()]:
            return
        query = units(4242, 1)[0]
        by_row = {row: vector for row, (_, vector) in self.faces.items()}
        assert self.gallery.search_faces(KEY, query, 7, -0.2) == _expected(by_row, query)
        rows = {user: self.gallery.user(KEY, user).row for user in self.users}
        people = {rows[user]: vector for user, vector in self.users.items() if vector is not None}
        assert self.gallery.search_users(KEY, query, 7, -0.2) == _expected(people, query)
        self.seen |= self.faces.keys()
        found = self.gallery.faces_by_row(KEY, sorted(self.seen))
        owners = {row: self.owner.get(face_id) for row, (face_id, _) in self.faces.items()}
        assert {row: face.user_id for row, face in found.items()} == owners

    def _listed(self) -> tuple[object, ...]:
        return self.gallery.collections(KEY.account_id, None, 10).items


def _expected(vectors: dict[int, FloatArray], query: FloatArray) -> tuple[object, ...]:
    rows = np.fromiter(vectors, np.int64, len(vectors))
    stacked = np.stack(list(vectors.values())) if vectors else np.empty((0, 8), np.float32)
    return best(rows, cosines(stacked, query), 7, -0.2)


class DurableModel(GalleryModel):
    """The same over SQLite and faiss, with restarts, and with sealed copies of vectors in files of few rows."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.database = open_sqlite(self.directory)
        self._wire()

    @rule()
    def restart(self) -> None:
        self.database.close()
        self.database = open_sqlite(self.directory)
        self._wire()

    @rule()
    def seal(self) -> None:
        self.store.seal_vectors(KEY)

    @rule(data=st.data())
    def lose_a_file(self, data: st.DataObject) -> None:
        files = sorted((self.directory / "cache").glob("*.vectors"))
        if files:
            data.draw(st.sampled_from(files)).unlink()

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.directory)

    def _wire(self) -> None:
        files = SegmentFiles(self.directory / "cache", full_rows=5, worth_rows=2)
        self.store = SqlGalleryStore.open(self.database, self.directory, os.urandom, files=files)
        self.gallery = IndexedGallery(self.store, FaissIndex)


TestMemory = GalleryModel.TestCase
TestMemory.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestDurable = DurableModel.TestCase
TestDurable.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
