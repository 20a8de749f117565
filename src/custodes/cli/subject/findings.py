"""Where somebody's face is among the collections of an account, told by the API's own searches.

In: a photo, or faces by name. Out: enrolled faces with what is stored of them. Every search is an identification like
any other: it passes the gate under the caller's own purpose, is on record, and may be held for two persons. Nothing is
found behind the gate's back, so a collection that may not be searched is named with the reason instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from custodes.cli.client.api import ApiClient, ApiFailureError
from custodes.core.errors import InvalidParameterError

_SEALED = "sealed:"
_NO_FACE = "There are no faces in the image"


@dataclass(frozen=True, slots=True)
class SubjectFace:
    """An enrolled face of a collection; ``similarity`` to the photo in percent, None where the face was named.

    ``stored`` is everything that the account keeps of it, in the API's members; the template itself is never told.
    """

    collection: str
    face_id: str
    similarity: float | None = None
    stored: Mapping[str, Any] = field(default_factory=dict)

    @property
    def user_id(self) -> str | None:
        """The user that it belongs to."""
        return self.stored.get("UserId")


@dataclass(frozen=True, slots=True)
class HeldSearch:
    """A search whose result two persons have to confirm first."""

    collection: str
    review: str
    candidates: int


@dataclass(frozen=True, slots=True)
class SubjectFindings:
    """What the collections have.

    Attributes:
        searched: collections that were looked through.
        faces: what was found.
        held: searches whose result is not told yet.
        refused: collections that were not searched, with the API's reason.
    """

    searched: tuple[str, ...]
    faces: tuple[SubjectFace, ...]
    held: tuple[HeldSearch, ...]
    refused: Mapping[str, str]

    def members(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def find_by_photo(api: ApiClient, photo: bytes, threshold_pct: float, collections: Sequence[str]) -> SubjectFindings:
    """Search ``collections``, or all of the account where there are none.

    Raises:
        InvalidParameterError: the photo has no face.
        ApiFailureError: the collections cannot be listed.
    """
    searched: list[str] = []
    faces: list[SubjectFace] = []
    held: list[HeldSearch] = []
    refused: dict[str, str] = {}
    for collection in collections or list(_collections(api)):
        try:
            answer = api.call(
                "SearchFacesByImage",
                CollectionId=collection,
                Image={"Bytes": photo},
                FaceMatchThreshold=threshold_pct,
                MaxFaces=4096,
            )
        except ApiFailureError as error:
            if _NO_FACE in error.reason:
                raise InvalidParameterError("there is no face in the photo") from error
            refused[collection] = f"{error.code}: {error.reason}"
            continue
        searched.append(collection)
        review = _review_of(answer["FaceMatches"])
        if review is not None:
            held.append(HeldSearch(collection, review, len(answer["FaceMatches"])))
        else:
            faces += [_matched(collection, match) for match in answer["FaceMatches"]]
    return SubjectFindings(tuple(searched), tuple(faces), tuple(held), refused)


def find_by_name(api: ApiClient, named: Sequence[str]) -> SubjectFindings:
    """Faces given as ``COLLECTION:FACEID``.

    Raises:
        InvalidParameterError: a name is not of this form, or there is no such face.
        ApiFailureError: a collection cannot be read.
    """
    faces = []
    for text in named:
        collection, _, face_id = text.rpartition(":")
        if not collection:
            raise InvalidParameterError(f"{text} is not COLLECTION:FACEID")
        found = [face for face in listed_faces(api, collection, FaceIds=[face_id]) if face["FaceId"] == face_id]
        if not found:
            raise InvalidParameterError(f"there is no face {face_id} in {collection}")
        faces.append(SubjectFace(collection, face_id, None, found[0]))
    return SubjectFindings(tuple(dict.fromkeys(face.collection for face in faces)), tuple(faces), (), {})


def listed_faces(api: ApiClient, collection: str, **members: Any) -> Iterator[Mapping[str, Any]]:
    """All faces that ListFaces tells."""
    token: str | None = None
    while True:
        more = {"NextToken": token} if token else {}
        answer = api.call("ListFaces", CollectionId=collection, **members, **more)
        yield from answer["Faces"]
        token = answer.get("NextToken")
        if not token:
            return


def _collections(api: ApiClient) -> Iterator[str]:
    token: str | None = None
    while True:
        answer = api.call("ListCollections", **({"NextToken": token} if token else {}))
        yield from answer["CollectionIds"]
        token = answer.get("NextToken")
        if not token:
            return


def _matched(collection: str, match: Mapping[str, Any]) -> SubjectFace:
    face = match["Face"]
    return SubjectFace(collection, face["FaceId"], round(match["Similarity"], 3), face)


def _review_of(matches: Sequence[Mapping[str, Any]]) -> str | None:
    """The review of a result that is held back. All of a result is held or nothing."""
    name = str(matches[0]["Face"].get("ExternalImageId", "")) if matches else ""
    return name.split(":")[1] if name.startswith(_SEALED) else None
