"""Erasing somebody's faces, with proof.

In: faces that were found and looked at. Out: what became of each, with certificates that anybody can check. A user
whose last face goes is deleted, too: its vector was made of these faces. A certificate comes from the data directory's
ledger; against a server elsewhere its operator has to send it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from custodes.cli.client.api import ApiClient, ApiFailureError
from custodes.cli.subject.findings import SubjectFace, listed_faces
from custodes.core.errors import UnavailableError
from custodes.durable import write_durably

_PUBLISHED_WITHIN_S = 10.0
# Source: bounds of FaceIds in the service model.
_FACES_OF_A_USER_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class ErasedFace:
    """What became of a face.

    Attributes:
        erased: whether it is gone.
        reason: why not, as the API says; or why there is no certificate.
        certificate: file with the proof; None where there is none yet.
        verdict: what a verifier says of the file; ABSENT means proven.
    """

    collection: str
    face_id: str
    erased: bool
    reason: str = ""
    certificate: str | None = None
    verdict: str | None = None

    def members(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def erase_faces(api: ApiClient, faces: Sequence[SubjectFace]) -> Iterator[ErasedFace]:
    """Delete faces, and users that are left without any. Raises ApiFailureError where a call is refused."""
    for collection in dict.fromkeys(face.collection for face in faces):
        mine = [face for face in faces if face.collection == collection]
        users = {face.user_id for face in mine if face.user_id}
        for user_id in users:  # the API deletes no face that belongs to a user
            ids = [face.face_id for face in mine if face.user_id == user_id]
            for start in range(0, len(ids), _FACES_OF_A_USER_AT_ONCE):
                some = ids[start : start + _FACES_OF_A_USER_AT_ONCE]
                api.call("DisassociateFaces", CollectionId=collection, UserId=user_id, FaceIds=some)
        answer = api.call("DeleteFaces", CollectionId=collection, FaceIds=[face.face_id for face in mine])
        failed: Mapping[str, str] = {
            one["FaceId"]: ", ".join(one.get("Reasons", ())) for one in answer.get("UnsuccessfulFaceDeletions", ())
        }
        for face in mine:
            reason = failed.get(face.face_id, "")
            yield ErasedFace(collection, face.face_id, face.face_id in answer.get("DeletedFaces", ()), reason)
        for user_id in users:
            _delete_user_without_faces(api, collection, str(user_id))


def with_certificate(data: Path, erased: ErasedFace, folder: Path) -> ErasedFace:
    """The same with a certificate in ``folder``, checked like a stranger would; with the reason where there is none.

    Raises:
        OSError: the file cannot be written.
    """
    from custodes.ledger.__main__ import check

    try:
        proof = _certificate(data, erased.face_id)
    except UnavailableError as error:  # it is erased all the same: the report has to say both
        return replace(erased, reason=error.message)
    path = folder / f"erasure-{erased.face_id}.json"
    write_durably(path, proof, 0o644)
    verdict = check(path, data / "trust.policy")[0]
    return replace(erased, certificate=str(path), verdict=verdict)


def _certificate(data: Path, face_id: str) -> bytes:
    """The certificate, once its entry is published.

    Raises:
        UnavailableError: the ledger is not in ``data``, or did not publish the erasure in time.
    """
    from custodes.deployment.record.statements import open_statements
    from custodes.deployment.record.stored import ledger_source, stored_ledger
    from custodes.settings import from_environment

    end = time.monotonic() + _PUBLISHED_WITHIN_S
    with stored_ledger(ledger_source(from_environment(data=data))) as stored:
        statements = open_statements(data, stored)
        while True:
            try:
                return statements.erasure_certificate(face_id)
            except LookupError as error:
                if time.monotonic() > end:
                    raise UnavailableError(f"no certificate yet: {error}") from error
                time.sleep(0.1)


def _delete_user_without_faces(api: ApiClient, collection: str, user_id: str) -> None:
    with suppress(ApiFailureError):  # somebody was faster, or it is being changed: then it has faces
        if next(iter(listed_faces(api, collection, UserId=user_id)), None) is None:
            api.call("DeleteUser", CollectionId=collection, UserId=user_id)
