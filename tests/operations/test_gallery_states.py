"""Any order of enrolling, deleting, associating and disassociating leaves listings, users and searches in agreement."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from custodes.core.clock import FixedClock
from custodes.core.errors import ConflictError, InvalidParameterError, NotFoundError
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.gallery.rules import user_vector
from tests.fakes.engine import Square, SquareEngine, picture, vector
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.objects import MemoryObjects
from tests.fakes.records import KeepingRecorder, ScriptedPolicy

from .conftest import Server

ON = {"CollectionId": "people"}
USERS = st.sampled_from(["ann", "bob", "carl"])
SHOTS = st.tuples(st.integers(1, 3), st.sampled_from([0, 30, 85]))
PICTURES = {
    shot: picture(Square(shot[0], shot[1], side=40), width=100, height=100)
    for shot in [(who, angle) for who in (1, 2, 3) for angle in (0, 30, 85)]
}


class Galleries(RuleBasedStateMachine):
    """The model: shot to face id, face id to user, and the users."""

    @initialize()
    def start(self):
        parts = (SquareEngine(), IndexedGallery(MemoryGalleryStore(), BruteForceIndex), MemoryObjects())
        self.server = Server(*parts, KeepingRecorder(), ScriptedPolicy(), FixedClock())
        self.server.collection()
        self.face_of, self.owner, self.users = {}, {}, set()

    def ids(self, shots):
        unknown = "12345678-1234-4123-8123-123456789012"
        return [self.face_of.get(shot, unknown) for shot in shots]

    @rule(shot=SHOTS)
    def enrol(self, shot):
        (face,) = self.server.enrol(PICTURES[shot])
        assert self.face_of.setdefault(shot, face) == face
        self.owner.setdefault(face, None)

    @rule(shots=st.lists(SHOTS, min_size=1, max_size=4))
    def delete(self, shots):
        asked = self.ids(shots)
        gone = self.server.call("DeleteFaces", **ON, FaceIds=asked)["DeletedFaces"]
        assert set(gone) == {face for face in asked if face in self.owner and self.owner[face] is None}
        self.face_of = {shot: face for shot, face in self.face_of.items() if face not in gone}
        for face in gone:
            del self.owner[face]

    @rule(user=USERS)
    def create_user(self, user):
        if user in self.users:
            with pytest.raises(ConflictError):
                self.server.call("CreateUser", **ON, UserId=user)
        else:
            self.server.call("CreateUser", **ON, UserId=user)
            self.users.add(user)

    @rule(user=USERS)
    def delete_user(self, user):
        if user not in self.users:
            with pytest.raises(NotFoundError):
                self.server.call("DeleteUser", **ON, UserId=user)
        else:
            self.server.call("DeleteUser", **ON, UserId=user)
            self.users.remove(user)
            self.owner = {face: None if owner == user else owner for face, owner in self.owner.items()}

    @rule(user=USERS, shots=st.lists(SHOTS, min_size=1, max_size=4), threshold=st.sampled_from([0, 75]))
    def associate(self, user, shots, threshold):
        if user not in self.users:
            return
        asked = self.ids(shots)
        had_faces = user in self.owner.values()
        answer = self.server.call("AssociateFaces", **ON, UserId=user, FaceIds=asked, UserMatchThreshold=threshold)
        joined = {face["FaceId"] for face in answer["AssociatedFaces"]}
        free = {face for face in asked if face in self.owner and self.owner[face] is None}
        assert joined == free if threshold == 0 or not had_faces else joined <= free
        for face in joined:
            self.owner[face] = user

    @rule(user=USERS, shots=st.lists(SHOTS, min_size=1, max_size=4))
    def disassociate(self, user, shots):
        if user not in self.users:
            return
        asked = self.ids(shots)
        answer = self.server.call("DisassociateFaces", **ON, UserId=user, FaceIds=asked)
        left = {face["FaceId"] for face in answer["DisassociatedFaces"]}
        assert left == {face for face in asked if self.owner.get(face) == user}
        for face in left:
            self.owner[face] = None

    @invariant()
    def listings_agree(self):
        if not hasattr(self, "server"):
            return
        faces = self.server.call("ListFaces", **ON)["Faces"]
        assert {face["FaceId"]: face.get("UserId") for face in faces} == self.owner
        described = self.server.call("DescribeCollection", **ON)
        assert (described["FaceCount"], described["UserCount"]) == (len(self.owner), len(self.users))
        statuses = {user["UserId"]: user["UserStatus"] for user in self.server.call("ListUsers", **ON)["Users"]}
        assert statuses == {user: "ACTIVE" if user in self.owner.values() else "CREATED" for user in self.users}

    @invariant()
    def searches_agree(self):
        if not hasattr(self, "server"):
            return
        query = {"Image": {"Bytes": PICTURES[(1, 0)]}}
        found = self.server.call("SearchFacesByImage", **ON, **query, FaceMatchThreshold=0)["FaceMatches"]
        assert {match["Face"]["FaceId"] for match in found} == self.owner.keys()
        matches = self.server.call("SearchUsersByImage", **ON, **query, UserMatchThreshold=0)["UserMatches"]
        shot_of = {face: shot for shot, face in self.face_of.items()}
        expected = {}
        for user in set(self.owner.values()) - {None}:
            shots = [shot_of[face] for face, owner in self.owner.items() if owner == user]
            mean = user_vector(_vectors(shots))
            expected[user] = pytest.approx(50 * (1 + float(mean @ vector(1, 0))), abs=1e-3)
        assert {match["User"]["UserId"]: match["Similarity"] for match in matches} == expected

    @rule(shot=SHOTS)
    def an_unknown_face_is_refused(self, shot):
        if shot not in self.face_of:
            with pytest.raises(InvalidParameterError):
                self.server.call("SearchFaces", **ON, FaceId=self.ids([shot])[0])


def _vectors(shots):
    import numpy as np

    return np.stack([vector(who, round(angle / 90 * 255)) for who, angle in shots])


TestGalleries = Galleries.TestCase
TestGalleries.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
