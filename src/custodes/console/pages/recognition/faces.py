"""Faces of a collection: photos added, one face with those that look alike, faces deleted with a certificate.

In: visits. Out: views over IndexFaces, ListFaces, SearchFaces and DeleteFaces. Photos are handed on and kept nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from custodes.console.pages.odds import odds_of
from custodes.console.pages.thumbnails import pictures
from custodes.console.visit import View, Visit
from custodes.core.errors import InvalidParameterError, NotFoundError

ADD_PAGE = ("DescribeCollection",)
ADDING = ("IndexFaces", "SearchFaces")
ONE = ("ListFaces", "GetFaceThumbnails")
ALIKE = (*ONE, "SearchFaces")
DELETING = ("DeleteFaces",)
DUPLICATE_PCT = 95.0
"""From here two faces of a collection are shown as perhaps the same person's."""
_MAX_ALIKE = 12
_MAX_NAME = 255
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_.\-:]+")


def add_page(visit: Visit) -> View:
    """The form for photos."""
    name = visit.path["collection"]
    return View(
        "collection_add.html", {"collection": name, "facts": visit.api("DescribeCollection", CollectionId=name)}
    )


def add(visit: Visit) -> View:
    """One photo into the collection: which of its faces were taken, which not and why."""
    collection, photo = visit.path["collection"], visit.form.files.get("photo")
    if photo is None:
        raise InvalidParameterError(visit.words("faces.choose_first"))
    name = external_id(visit.form.text("name") or visit.form.text("file"))
    answer = visit.api(
        "IndexFaces",
        CollectionId=collection,
        Image={"Bytes": photo},
        ExternalImageId=name or None,
        MaxFaces=1 if visit.form.text("largest") else None,
        QualityFilter="AUTO",
        DetectionAttributes=["DEFAULT"],
    )
    taken = [record["Face"] for record in answer["FaceRecords"]]
    alike = {}
    if visit.form.text("duplicates"):
        alike = {face["FaceId"]: _alike(visit, collection, face["FaceId"])[:3] for face in taken}
    values = {"collection": collection, "taken": taken, "refused": answer["UnindexedFaces"], "alike": alike}
    return View("collection_added.html", {**values, "file": visit.form.text("file"), "name": name})


def show(visit: Visit) -> View:
    """One face."""
    return View("face.html", {**_face(visit), "alike": None})


def alike(visit: Visit) -> View:
    """One face, with those of the collection that look like it: perhaps the same person twice."""
    found = _face(visit)
    return View("face.html", {**found, "alike": _alike(visit, found["collection"], found["face"]["FaceId"])})


def delete(visit: Visit) -> View:
    """Delete the chosen faces; each certificate says that it is out of the index."""
    collection, chosen = visit.path["collection"], list(visit.form.all("face"))
    if not chosen:
        raise InvalidParameterError(visit.words("faces.choose_faces"))
    answer = visit.api("DeleteFaces", CollectionId=collection, FaceIds=chosen)
    kept = answer.get("UnsuccessfulFaceDeletions", [])
    return View("faces_deleted.html", {"collection": collection, "deleted": answer["DeletedFaces"], "kept": kept})


def external_id(text: str) -> str:
    """A name in the API's alphabet, from a file's name or what somebody typed."""
    return _NOT_IN_NAMES.sub("_", re.sub(r"\.[A-Za-z]{3,4}$", "", text.strip()))[:_MAX_NAME].strip("_")


def _face(visit: Visit) -> Mapping[str, Any]:
    collection, face = visit.path["collection"], visit.path["face"]
    found = visit.api("ListFaces", CollectionId=collection, FaceIds=[face])["Faces"]
    if not found:
        raise NotFoundError("There is no such face.")
    return {"collection": collection, "face": found[0], "pictures": pictures(visit, collection, found)}


def _alike(visit: Visit, collection: str, face: str) -> Sequence[Mapping[str, Any]]:
    answer = visit.api(
        "SearchFaces",
        CollectionId=collection,
        FaceId=face,
        MaxFaces=_MAX_ALIKE,
        FaceMatchThreshold=DUPLICATE_PCT,
    )
    rate = visit.parts.false_match_rate
    return [
        {"similarity": match["Similarity"], "odds": odds_of(match["Similarity"], rate), **match["Face"]}
        for match in answer["FaceMatches"]
    ]
