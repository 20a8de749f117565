"""Carrying a collection over: photos indexed, faces matched to the old ones, users made.

In: an API to move to, a collection, its pictures. Out: which old face is which new one, and what is different. Run
again it goes on: the API gives a picture that it knows the same faces again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from custodes.cli.client.api import ApiClient, ApiFailureError
from custodes.cli.migrate.bystanders import ChosenFaces, chosen_faces, pairs, ratio
from custodes.cli.migrate.source import BoxTuple, MoveUnit, SourceCollection, SourcePhotos
from custodes.cli.pictures.photo import fitting
from custodes.core.box import BoxRatio
from custodes.core.errors import CustodesError

# Source: bounds of FaceIds in the service model.
_ASSOCIATED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class CarriedFace:
    """An old face and what became of it; ``face_id`` is None where it did not come over."""

    old_face_id: str
    face_id: str | None
    name: str | None
    user_id: str | None
    reason: str = ""


@dataclass(slots=True)
class CarriedCollection:
    """What became of a collection.

    Attributes:
        collection: its id, the same here.
        old_model_version: which vectors it had.
        faces: one for each old face.
        extra: faces indexed here from pictures of a name beyond those that were there.
        users: users made here.
        differences: everything else that is not as it was, in words.
    """

    collection: str
    old_model_version: str = ""
    faces: list[CarriedFace] = field(default_factory=list)
    extra: int = 0
    users: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def carry(
    api: ApiClient, source: SourceCollection, units: Sequence[MoveUnit], photos: SourcePhotos
) -> CarriedCollection:
    """Move ``source`` to ``api``. Raises ApiFailureError and UnavailableError for what would stop every picture."""
    carried = CarriedCollection(source.collection, source.model_version)
    with _made_before():
        api.call(
            "CreateCollection", CollectionId=source.collection, **({"Tags": dict(source.tags)} if source.tags else {})
        )
    new_of_user: dict[str, list[str]] = {user: [] for user in source.users}
    for unit in units:
        found = _index(api, source.collection, unit, photos, carried)
        for face in found:
            if face.user_id is not None and face.face_id is not None:
                new_of_user.setdefault(face.user_id, []).append(face.face_id)
        carried.faces += found
    for user_id, face_ids in new_of_user.items():
        _make_user(api, source.collection, user_id, face_ids, carried)
    return carried


@contextmanager
def _made_before() -> Iterator[None]:
    """Passes over what an earlier run has made."""
    try:
        yield
    except ApiFailureError as error:
        if error.code not in ("ResourceAlreadyExistsException", "ConflictException"):
            raise


def _index(
    api: ApiClient, collection: str, unit: MoveUnit, photos: SourcePhotos, carried: CarriedCollection
) -> list[CarriedFace]:
    new: list[Mapping[str, Any]] = []
    reason = unit.reason
    for key in unit.photos:
        try:
            chosen = _chosen(api, unit, fitting(photos.read(key)))
            if not chosen.count:
                continue
            answer = api.call(
                "IndexFaces",
                CollectionId=collection,
                Image={"Bytes": chosen.photo},
                MaxFaces=chosen.count,
                QualityFilter="NONE",
                **({"ExternalImageId": unit.name} if unit.name else {}),
            )
        except (CustodesError, OSError) as error:
            if isinstance(error, ApiFailureError) and error.code in _OF_THE_SERVER:
                raise
            reason = f"{key}: {error}"
            continue
        new += [record["Face"] for record in answer["FaceRecords"]]
        if not answer["FaceRecords"]:
            reason = f"{key}: no face found"
    return _matched_by_box(unit, new, reason) if unit.by_box else _matched_by_name(unit, new, reason, carried)


def _chosen(api: ApiClient, unit: MoveUnit, photo: bytes) -> ChosenFaces:
    """The picture as it is enrolled: nobody in it who was not in the collection; of a portrait, the largest face."""
    if not unit.by_box:
        return ChosenFaces(photo, 1)
    return chosen_faces(api, photo, [_ratio(face.box) for face in unit.faces if face.box is not None])


# Failures that every further picture would meet as well.
_OF_THE_SERVER = frozenset(
    {
        "AccessDeniedException",
        "InternalServerError",
        "InvalidSignatureException",
        "ProvisionedThroughputExceededException",
        "ResourceNotFoundException",
        "ServiceQuotaExceededException",
        "ThrottlingException",
        "UnrecognizedClientException",
    }
)


def _matched_by_box(unit: MoveUnit, new: Sequence[Mapping[str, Any]], reason: str) -> list[CarriedFace]:
    wanted = [_ratio(old.box) for old in unit.faces if old.box is not None]
    matched = pairs(wanted, [ratio(face["BoundingBox"]) for face in new])
    found = []
    for at, old in enumerate(unit.faces):
        if at in matched:
            found.append(CarriedFace(old.face_id, new[matched[at]]["FaceId"], old.name, old.user_id))
        else:
            found.append(CarriedFace(old.face_id, None, old.name, old.user_id, reason or "no face found where it was"))
    return found


def _matched_by_name(
    unit: MoveUnit, new: Sequence[Mapping[str, Any]], reason: str, carried: CarriedCollection
) -> list[CarriedFace]:
    """One of several pictures of a name stands for one of the old faces: which, nobody can tell, nor does it matter."""
    ids = [face["FaceId"] for face in new]
    found = [
        CarriedFace(old.face_id, face_id, old.name, old.user_id, "" if face_id else reason or "fewer photos than faces")
        for old, face_id in zip(unit.faces, [*ids, *[None] * len(unit.faces)], strict=False)
    ]
    extra = max(0, len(ids) - len(unit.faces))
    if extra:
        carried.extra += extra
        carried.differences.append(f"{unit.name}: {len(ids)} faces from its photos, {len(unit.faces)} before")
    return found


def _make_user(
    api: ApiClient, collection: str, user_id: str, face_ids: Sequence[str], carried: CarriedCollection
) -> None:
    with _made_before():
        api.call("CreateUser", CollectionId=collection, UserId=user_id)
    carried.users.append(user_id)
    for start in range(0, len(face_ids), _ASSOCIATED_AT_ONCE):
        some = list(face_ids[start : start + _ASSOCIATED_AT_ONCE])
        answer = api.call("AssociateFaces", CollectionId=collection, UserId=user_id, FaceIds=some)
        for one in answer.get("UnsuccessfulFaceAssociations", ()):
            reasons = ", ".join(one.get("Reasons", ()))
            carried.differences.append(f"user {user_id} lacks {one.get('FaceId')}: {reasons}")


def _ratio(box: BoxTuple) -> BoxRatio:
    return BoxRatio(*box)
