"""Certificates of erased faces: that a face left the index it was searched in, to check at once or to keep.

In: visits with the id of a face. Out: views over GetErasureCertificate, for the faces of one's own account; over
``erasure certificate`` for the operator, who signed in on the machine.
"""

from __future__ import annotations

from custodes.console.visit import FileView, GoTo, View, Visit
from custodes.console.web.rendering import segment
from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.ledger.verifier.erasure import parse

SHOWING = ("erasure certificate", "GetErasureCertificate")


def find(visit: Visit) -> GoTo:
    """To the certificate of a face by its id."""
    return GoTo(f"/console/erasures/{segment(visit.query.get('face', '').strip() or '-')}")


def show(visit: Visit) -> View | FileView:
    """The certificate of one face."""
    face = visit.path["face"]
    text = _certificate(visit, face)
    if visit.query.get("keep"):
        return FileView(f"erasure-{face[:64]}.json", text.encode())
    return View("certificate.html", {"file": text, "face": face, "said": parse(text.encode())})


def _certificate(visit: Visit, face: str) -> str:
    if visit.is_operator:
        return str(visit.admin("erasure certificate", face=face)["file"])
    try:
        return str(visit.api("GetErasureCertificate", FaceId=face)["File"])
    except InvalidParameterError:  # what is no id of a face was never erased
        raise NotFoundError("There is no such certificate.") from None
