"""Users: one person's faces gathered under one vector. Create, delete, list, associate, disassociate.

The vector is rebuilt before the answer leaves, yet the answer says UPDATING as the API does; listings show ACTIVE.
Changes to one user are made one at a time in this process; what another process does meanwhile is the store's conflict.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from custodes.core.errors import DeniedError
from custodes.core.ids import FaceId, UserId
from custodes.core.pages import PageTokens
from custodes.engine.ports import FaceEngine
from custodes.gallery.entities import CollectionKey, Face, GalleryUser, UserStatus
from custodes.gallery.ports import FloatArray
from custodes.gallery.rules import (
    FaceSelection,
    plan_association,
    plan_disassociation,
    refuse_low_matches,
    user_vector,
)
from custodes.operations.collections.erasure import Erasures
from custodes.operations.collections.idempotency import Answer, Replays
from custodes.operations.collections.lock_striping import LockStriping
from custodes.operations.collections.ports import Gallery
from custodes.operations.collections.user_changes import UserChanged, from_answer, to_answer
from custodes.operations.images.scale import require_same_model, similarity_pct
from custodes.operations.requests.command import CollectionCommand
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import CHANGES, Properties, Reveals, Unit
from custodes.operations.reviews.redaction import is_held

DEFAULT_ASSOCIATION_THRESHOLD_PCT = 75.0
DEFAULT_PAGE = 500
"""Users per page when the request names no MaxResults; the API documents none, this is its maximum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCommand(CollectionCommand):
    """A request that changes one user of a collection."""

    user_id: UserId
    client_request_token: str | None = None

    def facts(self) -> Mapping[str, object]:
        """The user."""
        return {"user_id": self.user_id}

    def inputs(self) -> dict[str, object]:
        """What has to be the same when the token is the same."""
        return {"collection": self.collection_id, "user": self.user_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUser(UserCommand):
    """Create a user without faces."""

    operation: ClassVar[str] = "CreateUser"
    properties: ClassVar[Properties] = Properties(Reveals.NOTHING, changes=True, enrols=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteUser(UserCommand):
    """Delete a user; its faces stay."""

    operation: ClassVar[str] = "DeleteUser"
    properties: ClassVar[Properties] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociateFaces(UserCommand):
    """Add faces; those matching less than the threshold are refused once the user has a face."""

    operation: ClassVar[str] = "AssociateFaces"
    properties: ClassVar[Properties] = Properties(Reveals.IDENTITY, changes=True, unit=Unit.CALL, enrols=True)
    face_ids: tuple[FaceId, ...]
    threshold_pct: float = DEFAULT_ASSOCIATION_THRESHOLD_PCT

    def facts(self) -> Mapping[str, object]:
        """The user and the threshold."""
        return {**UserCommand.facts(self), "threshold_pct": self.threshold_pct}

    def inputs(self) -> dict[str, object]:
        """Faces and threshold as well."""
        return {**UserCommand.inputs(self), "faces": list(self.face_ids), "threshold": float(self.threshold_pct)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DisassociateFaces(UserCommand):
    """Take faces away."""

    operation: ClassVar[str] = "DisassociateFaces"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=True)
    face_ids: tuple[FaceId, ...]

    def inputs(self) -> dict[str, object]:
        """Faces as well."""
        return {**UserCommand.inputs(self), "faces": list(self.face_ids)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsers(CollectionCommand):
    """List users."""

    operation: ClassVar[str] = "ListUsers"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=False)
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class UsersListed:
    """One page, ordered by user id; ``next_token`` is None on the last one."""

    users: tuple[GalleryUser, ...]
    next_token: str | None


class Users:
    """Handles the operations on users. All raise NotFoundError for an unknown collection or user."""

    def __init__(
        self,
        engine: FaceEngine,
        gallery: Gallery,
        pages: PageTokens,
        replays: Replays,
        erasures: Erasures,
    ) -> None:
        """Keep users in ``gallery``; similarities are on the scale of ``engine``."""
        self._erasures = erasures
        self._engine = engine
        self._gallery = gallery
        self._pages = pages
        self._replays = replays
        self._stripes = LockStriping()

    def create(self, permit: Permit, command: CreateUser) -> None:
        """Raises ConflictError when the user exists."""

        def work() -> Answer:
            key = command.key(permit.context.caller)
            self._gallery.create_user(key, command.user_id)
            self._erasures.created_user(key, self._gallery.user(key, command.user_id))
            return {}

        self._once(permit, command, work)

    def delete(self, permit: Permit, command: DeleteUser) -> None:
        """Raises NotFoundError when the user does not exist."""

        def work() -> Answer:
            key = command.key(permit.context.caller)
            with self._stripe(key, command.user_id):
                self._erasures.erase_user(key, self._gallery.user(key, command.user_id))
                self._gallery.delete_user(key, command.user_id)
            return {}

        self._once(permit, command, work)

    def list(self, permit: Permit, command: ListUsers) -> UsersListed:
        """Raises PaginationTokenError."""
        key = command.key(permit.context.caller)
        scope = (command.operation, key.account_id, key.collection_id)
        after = None if command.next_token is None else self._pages.read(scope, command.next_token)
        page = self._gallery.users(key, after, command.max_results or DEFAULT_PAGE)
        return UsersListed(page.items, None if page.last is None else self._pages.issue(scope, page.last))

    def associate(self, permit: Permit, command: AssociateFaces) -> UserChanged:
        """Where two persons have to confirm identifications, faces join only a user that has none yet: whether a face
        is alike enough would tell who it is, whatever else the answer leaves out.

        Raises:
            QuotaError: beyond 100 faces.
            InvalidParameterError: a collection of another model version.
            DeniedError: the match with a user's faces would have to be reviewed.
        """
        held = is_held(permit)

        def work() -> Answer:
            key = command.key(permit.context.caller)
            require_same_model(self._engine, self._gallery.collection(key))
            with self._stripe(key, command.user_id):
                return to_answer(self._associate(key, command, held=held))

        changed = from_answer(self._once(permit, command, work))
        if held:  # the answer to an earlier call with the same token was perhaps given without that duty
            changed = changed.without_matches()
        permit.tally.add(faces_associated=len(changed.face_ids))
        return changed

    def disassociate(self, permit: Permit, command: DisassociateFaces) -> UserChanged:
        """Faces of no user are ignored."""

        def work() -> Answer:
            key = command.key(permit.context.caller)
            with self._stripe(key, command.user_id):
                return to_answer(self._disassociate(key, command))

        changed = from_answer(self._once(permit, command, work))
        permit.tally.add(faces_disassociated=len(changed.face_ids))
        return changed

    def _associate(self, key: CollectionKey, command: AssociateFaces, *, held: bool) -> UserChanged:
        user = self._gallery.user(key, command.user_id)
        plan = plan_association(user.user_id, command.face_ids, self._gallery.faces_by_id(key, command.face_ids))
        present = self._present(key, user)
        vectors = self._vectors(key, plan.accepted)
        if plan.accepted and present and held:
            raise DeniedError(
                "a match with the faces of a user names somebody, so two persons would have to confirm it: "
                "associate faces with a user that has none yet"
            )
        if plan.accepted:
            plan, vectors = self._drop_low_matches(key, user, plan, vectors, command.threshold_pct)
        if not plan.accepted:
            return UserChanged((), plan.refused, user.status)
        whole = np.concatenate([self._vectors(key, present), vectors])
        ids = tuple(face.face_id for face in plan.accepted)
        self._gallery.set_user_faces(key, user.user_id, add=ids, remove=(), vector=user_vector(whole), seen=user)
        return UserChanged(ids, plan.refused, UserStatus.UPDATING)

    def _drop_low_matches(
        self, key: CollectionKey, user: GalleryUser, plan: FaceSelection, vectors: FloatArray, threshold_pct: float
    ) -> tuple[FaceSelection, FloatArray]:
        """The plan without faces unlike the user (if it has any yet), and the vectors of those that stay."""
        person = self._gallery.user_vector(key, user.user_id)
        if person is None:
            return plan, vectors
        scale = self._engine.scale(person)
        matches = [similarity_pct(scale, float(cosine)) for cosine in np.einsum("nd,d->n", vectors, person)]
        stays = np.array([match >= threshold_pct for match in matches], dtype=bool)
        return refuse_low_matches(plan, matches, threshold_pct), vectors[stays]

    def _disassociate(self, key: CollectionKey, command: DisassociateFaces) -> UserChanged:
        user = self._gallery.user(key, command.user_id)
        plan = plan_disassociation(user.user_id, command.face_ids, self._gallery.faces_by_id(key, command.face_ids))
        if not plan.accepted:
            return UserChanged((), plan.refused, user.status)
        ids = tuple(face.face_id for face in plan.accepted)
        present = self._present(key, user)
        left = [face for face in present if face.face_id not in set(ids)]
        vector = user_vector(self._vectors(key, left)) if left else None
        self._gallery.set_user_faces(key, user.user_id, add=(), remove=ids, vector=vector, seen=user)
        return UserChanged(ids, plan.refused, UserStatus.UPDATING if left else UserStatus.CREATED)

    def _present(self, key: CollectionKey, user: GalleryUser) -> tuple[Face, ...]:
        """All faces of a user."""
        return self._gallery.faces(key, None, user.face_count, user_id=user.user_id).items if user.face_count else ()

    def _once(self, permit: Permit, command: UserCommand, work: Callable[[], Answer]) -> Answer:
        account, token = permit.context.caller.account_id, command.client_request_token
        return self._replays.once(account, command.operation, token, command.inputs(), work)

    def _stripe(self, key: CollectionKey, user_id: UserId) -> threading.Lock:
        return self._stripes.lock(key.account_id, key.collection_id, user_id)

    def _vectors(self, key: CollectionKey, faces: Sequence[Face]) -> FloatArray:
        if not faces:
            return np.empty((0, self._engine.dimension), dtype=np.float32)
        return self._gallery.vectors(key, [face.row for face in faces])
