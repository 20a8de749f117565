"""Rules of faces and users as pure functions: who may be associated, removed, deleted, and what a user's vector is.

In: ids as asked for, faces as they stand. Out: plans that say what to do and what to refuse, and why. No store, no
scores: similarities come in as percentages.

Source: API reference of AssociateFaces, DisassociateFaces and DeleteFaces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from custodes.core.ids import FaceId, UserId
from custodes.gallery.entities import Face
from custodes.gallery.ports import FloatArray


class RefusalReason(StrEnum):
    """Why one face was left as it was (API enums of the three operations)."""

    FACE_NOT_FOUND = "FACE_NOT_FOUND"
    ASSOCIATED_TO_A_DIFFERENT_USER = "ASSOCIATED_TO_A_DIFFERENT_USER"
    ASSOCIATED_TO_AN_EXISTING_USER = "ASSOCIATED_TO_AN_EXISTING_USER"
    LOW_MATCH_CONFIDENCE = "LOW_MATCH_CONFIDENCE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A face that was refused; the user it belongs to and the match confidence (0 to 100) where they are the reason."""

    face_id: FaceId
    reason: RefusalReason
    user_id: UserId | None = None
    confidence_pct: float | None = None


@dataclass(frozen=True, slots=True)
class FaceSelection:
    """Faces to act on and faces refused, each in the order asked for. Faces in neither need nothing done."""

    accepted: tuple[Face, ...]
    refused: tuple[Refusal, ...]


def unique(face_ids: Sequence[FaceId]) -> tuple[FaceId, ...]:
    """The ids without repetitions, in order of first mention."""
    return tuple(dict.fromkeys(face_ids))


def plan_association(user_id: UserId, asked: Sequence[FaceId], known: Mapping[FaceId, Face]) -> FaceSelection:
    """Which faces may join the user, before looking at vectors. A face that the user has already is ignored."""
    accepted, refused = [], []
    for face_id in unique(asked):
        face = known.get(face_id)
        if face is None:
            refused.append(Refusal(face_id, RefusalReason.FACE_NOT_FOUND))
        elif face.user_id is None:
            accepted.append(face)
        elif face.user_id != user_id:
            refused.append(Refusal(face_id, RefusalReason.ASSOCIATED_TO_A_DIFFERENT_USER, face.user_id))
    return FaceSelection(tuple(accepted), tuple(refused))


def refuse_low_matches(plan: FaceSelection, match_pct: Sequence[float], threshold_pct: float) -> FaceSelection:
    """Refuse the accepted faces whose match with the user (one figure each, 0 to 100) is below the threshold."""
    accepted, refused = [], list(plan.refused)
    for face, match in zip(plan.accepted, match_pct, strict=True):
        if match >= threshold_pct:
            accepted.append(face)
        else:
            low = Refusal(face.face_id, RefusalReason.LOW_MATCH_CONFIDENCE, confidence_pct=match)
            refused.append(low)
    return FaceSelection(tuple(accepted), tuple(refused))


def plan_disassociation(user_id: UserId, asked: Sequence[FaceId], known: Mapping[FaceId, Face]) -> FaceSelection:
    """Which faces leave the user. A face without any user is ignored."""
    accepted, refused = [], []
    for face_id in unique(asked):
        face = known.get(face_id)
        if face is None:
            refused.append(Refusal(face_id, RefusalReason.FACE_NOT_FOUND))
        elif face.user_id == user_id:
            accepted.append(face)
        elif face.user_id is not None:
            refused.append(Refusal(face_id, RefusalReason.ASSOCIATED_TO_A_DIFFERENT_USER, face.user_id))
    return FaceSelection(tuple(accepted), tuple(refused))


def plan_deletion(asked: Sequence[FaceId], known: Mapping[FaceId, Face]) -> FaceSelection:
    """Which faces may be deleted: a face of a user must be disassociated first."""
    accepted, refused = [], []
    for face_id in unique(asked):
        face = known.get(face_id)
        if face is None:
            refused.append(Refusal(face_id, RefusalReason.FACE_NOT_FOUND))
        elif face.user_id is None:
            accepted.append(face)
        else:
            refused.append(Refusal(face_id, RefusalReason.ASSOCIATED_TO_AN_EXISTING_USER, face.user_id))
    return FaceSelection(tuple(accepted), tuple(refused))


def user_vector(vectors: FloatArray) -> FloatArray:
    """One unit vector (D,) float32 for a user: the normalised mean of its faces' unit vectors (N, D), N >= 1.

    Summed in float64 so that the order of the faces does not show. Faces that cancel each other out (which no real
    person's do) leave no direction; then the first face stands for the user.

    Raises:
        ValueError: no faces.
    """
    if vectors.ndim != 2 or len(vectors) == 0:
        raise ValueError("a user vector needs at least one face vector")
    total = vectors.astype(np.float64).sum(axis=0)
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        return np.array(vectors[0], dtype=np.float32)
    return np.asarray(total / length, dtype=np.float32)
