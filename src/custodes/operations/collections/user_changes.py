"""The answer to a change of a user's faces, and its form as plain JSON values for keeping with a ClientRequestToken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from custodes.core.ids import FaceId, UserId
from custodes.gallery.entities import UserStatus
from custodes.gallery.rules import Refusal, RefusalReason


@dataclass(frozen=True, slots=True)
class UserChanged:
    """Faces that joined or left, faces refused, and the state of the user's vector."""

    face_ids: tuple[FaceId, ...]
    refused: tuple[Refusal, ...]
    status: UserStatus

    def without_matches(self) -> UserChanged:
        """Without what tells how alike a face is to a user, or whose it is."""
        refused = tuple(
            replace(one, user_id=None, confidence_pct=None)
            for one in self.refused
            if one.reason is not RefusalReason.LOW_MATCH_CONFIDENCE
        )
        return replace(self, refused=refused)


def to_answer(changed: UserChanged) -> dict[str, object]:
    """Plain JSON values."""
    return {
        "faces": list(changed.face_ids),
        "refused": [[r.face_id, r.reason.value, r.user_id, r.confidence_pct] for r in changed.refused],
        "status": changed.status.value,
    }


def from_answer(answer: Mapping[str, object]) -> UserChanged:
    """The inverse of ``to_answer``, for values that were written by it."""
    kept = cast("Mapping[str, Any]", answer)
    return UserChanged(
        face_ids=tuple(FaceId(face_id) for face_id in kept["faces"]),
        refused=tuple(
            Refusal(FaceId(face_id), RefusalReason(reason), None if user is None else UserId(user), confidence)
            for face_id, reason, user, confidence in kept["refused"]
        ),
        status=UserStatus(kept["status"]),
    )
